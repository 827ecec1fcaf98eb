// Package audit is the use cases of the audit log (审计日志): chaining its rows, proving the chain, searching and
// exporting it.
//
// Every change writes its row in its own transaction (kernel.Audit). A sealer puts committed rows into one chain a
// moment later, so that no writer waits for another; docs/decisions says why. The head of the chain is kept once more
// under the master key, so that who can write the database but has no key cannot make the chain anew.
// Chapter: 01 §9. It must not know HTTP.
package audit

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	chain "github.com/souk-market/souk/internal/domain/audit"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Limits of the sealer and of reading.
const (
	SealEvery = 2 * time.Second // a row stands outside the chain no longer than this, while a process runs
	batch     = 500             // rows sealed in one transaction
	readBatch = 1000
	purpose   = "audit head"
)

// Row, Head and Filter are what faces see.
type (
	Row    = chain.Row
	Head   = chain.Head
	Filter = store.AuditFilter
)

// Audit is the use cases.
type Audit struct{ k *kernel.Kernel }

// New makes them.
func New(k *kernel.Kernel) *Audit { return &Audit{k} }

// Run seals every SealEvery until ctx ends. Any number of processes may run it: they take turns at the head's row.
func (u *Audit) Run(ctx context.Context) error {
	tick := time.NewTicker(SealEvery)
	defer tick.Stop()
	for {
		if _, err := u.Seal(ctx); err != nil && ctx.Err() == nil {
			u.k.Log.Error("audit: rows cannot be sealed", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Seal puts all rows that are committed into the chain, and tells how many.
func (u *Audit) Seal(ctx context.Context) (sealed int, err error) {
	for {
		open := false
		if err := u.k.DB.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
			open, err = store.HasOpenAudit(ctx, tx)
			return err
		}); err != nil || !open {
			return sealed, err
		}
		n := 0
		if err := u.k.DB.Write(ctx, func(ctx context.Context, tx *kernel.Tx) error {
			n = 0
			if err := store.LockAuditHead(ctx, tx, u.k.Wire.Now()); err != nil {
				return err
			}
			head, sealed, err := store.AuditHead(ctx, tx)
			if err != nil {
				return err
			}
			if err := u.trusted(head, sealed); err != nil {
				return err // going on would heal what somebody did
			}
			rows, err := store.OpenAudit(ctx, tx, batch)
			if err != nil || len(rows) == 0 {
				return err
			}
			for i := range rows {
				head = head.Next(&rows[i])
			}
			if err := store.SealAudit(ctx, tx, rows); err != nil {
				return err
			}
			n = len(rows)
			copied, err := u.k.Ring.Seal(purpose, []byte(headText(head)))
			if err != nil {
				return err
			}
			return store.SetAuditHead(ctx, tx, head, copied)
		}); err != nil {
			return sealed, err
		}
		if sealed += n; n < batch {
			return sealed, nil
		}
	}
}

// trusted compares the head with its copy under the master key.
func (u *Audit) trusted(h Head, sealed string) error {
	if h == (Head{}) && sealed == "" {
		return nil
	}
	text, err := u.k.Ring.Open(purpose, sealed)
	switch {
	case err != nil:
		return fmt.Errorf("the head of the audit chain is not sealed by this installation's master key; run 'souk audit verify': %w", err)
	case string(text) != headText(h):
		return fmt.Errorf("the head of the audit chain is %s, its sealed copy says %s; run 'souk audit verify'", headText(h), text)
	}
	return nil
}

func headText(h Head) string { return fmt.Sprintf("%d %s", h.Seq, h.Hash) }

// ParseHead reads a head as Report prints it, "12 9f86d0…", or with a colon between.
func ParseHead(text string) (Head, error) {
	seq, hash, ok := strings.Cut(strings.Replace(strings.TrimSpace(text), ":", " ", 1), " ")
	n, err := strconv.ParseInt(seq, 10, 64)
	if !ok || err != nil || n < 1 || len(hash) != 64 {
		return Head{}, fault.Field("head", "must be the row's number and its hash, as an earlier check printed them")
	}
	return Head{Seq: n, Hash: hash}, nil
}

// Report is the outcome of a check.
type Report struct {
	Rows   int64         // in the chain
	Open   int64         // written and not sealed yet
	Head   Head          // the last row; write it down somewhere else to be able to tell that nothing before it changed
	Faults []chain.Fault // none: the chain is whole
}

// Verify walks the whole chain and compares its end with the head kept under the master key. known, when it is not
// zero, is a head that was written down before: the chain must still hold it. It reads in parts, so that a long
// chain neither fills the memory nor holds a snapshot open.
func (u *Audit) Verify(ctx context.Context, a access.Actor, known Head) (Report, error) {
	if err := kernel.May(a, access.AuditExport); err != nil {
		return Report{}, err
	}
	var c chain.Checker
	var out Report
	var want Head
	seenKnown := known == Head{}
	headFault, stray := "", int64(0)
	// The end is fixed first: what is sealed while we walk is not our matter.
	err := u.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		stored, sealed, err := store.AuditHead(ctx, tx)
		if err != nil {
			return err
		}
		want, headFault = stored, ""
		if err := u.trusted(stored, sealed); err != nil {
			headFault = err.Error()
			if text, err := u.k.Ring.Open(purpose, sealed); err == nil {
				if h, err := ParseHead(string(text)); err == nil {
					want = h
				}
			}
		}
		if out.Open, err = store.CountOpenAudit(ctx, tx); err != nil {
			return err
		}
		stray, err = store.CountStrayAudit(ctx, tx)
		return err
	})
	if err != nil {
		return out, err
	}
	for after := int64(0); ; {
		var rows []Row
		if err := u.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
			rows, err = store.AuditChain(ctx, tx, after, readBatch)
			return err
		}); err != nil {
			return out, err
		}
		for _, r := range rows {
			if r.Seq > want.Seq && headFault == "" {
				// Sealed since we began, or put behind the head: the head tells.
				if moved, err := u.head(ctx); err != nil {
					return out, err
				} else if moved.Seq >= r.Seq {
					rows = nil
					break
				}
			}
			c.Add(r)
			seenKnown = seenKnown || r.Seq == known.Seq && r.Hash == known.Hash
			after = r.Seq
		}
		if len(rows) < readBatch {
			break
		}
	}
	c.End(want)
	out.Rows, out.Head, out.Faults = c.Rows, c.Head(), c.Faults
	if headFault != "" {
		out.Faults = append(out.Faults, chain.Fault{Seq: want.Seq, What: "changed: " + headFault})
	}
	if stray > 0 {
		out.Faults = append(out.Faults, chain.Fault{What: fmt.Sprintf("put in: %d rows stand outside the chain", stray)})
	}
	if !seenKnown {
		out.Faults = append(out.Faults, chain.Fault{Seq: known.Seq, What: "changed: the row that was written down is not in the chain"})
	}
	return out, nil
}

func (u *Audit) head(ctx context.Context) (h Head, err error) {
	err = u.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		h, _, err = store.AuditHead(ctx, tx)
		return err
	})
	return h, err
}

// Place is where a list goes on.
type Place struct {
	At time.Time
	ID string
}

// List gives rows from the newest on: operators see all, companies what their own people did.
func (u *Audit) List(ctx context.Context, a access.Actor, f Filter, before Place, limit int) (rows []Row, err error) {
	if err := kernel.May(a, access.AuditRead); err != nil {
		return nil, err
	}
	if !a.IsOperator() {
		f.Company = a.CompanyID
	}
	err = u.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		rows, err = store.AuditRows(ctx, tx, f, before.At, before.ID, limit)
		return err
	})
	return rows, err
}

// MaxExport bounds the rows of one export; a longer log is exported by spans of time.
const MaxExport = 1_000_000

// Export writes the chosen rows as CSV, the newest first, in parts: the memory does not grow with the log. Cells
// that a spreadsheet would take for a formula get an apostrophe before them.
func (u *Audit) Export(ctx context.Context, a access.Actor, f Filter, w io.Writer) error {
	if err := kernel.May(a, access.AuditExport); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	if err := out.Write([]string{"at", "actor", "company", "action", "noun", "detail", "id", "seq", "hash"}); err != nil {
		return err
	}
	var place Place
	for n := 0; n < MaxExport; n += cursor.MaxSize {
		rows, err := u.List(ctx, a, f, place, cursor.MaxSize)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := out.Write([]string{r.At.UTC().Format(time.RFC3339Nano), plain(r.Actor), plain(r.Company), r.Action, plain(r.Noun), plain(r.Detail), r.ID, strconv.FormatInt(r.Seq, 10), r.Hash}); err != nil {
				return err
			}
			place = Place{r.At, r.ID}
		}
		if out.Flush(); out.Error() != nil || len(rows) < cursor.MaxSize {
			return out.Error()
		}
	}
	return nil
}

func plain(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
