// Package audit is the chain of the audit log (审计日志): each row's hash covers the row and the hash of the row
// before it, so that a row changed, taken out, put in or moved breaks every hash after it.
//
// Vocabulary: row (记录), chain (链), head (链头: the newest link), seal (封存). Chapter: 01 §9. It must not know
// where rows are kept.
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// Row is who did what, when, to what.
type Row struct {
	ID      string
	At      time.Time // business time, to the microsecond
	Actor   string    // person, or "system"
	Company string    // of the actor; "" for the platform
	Action  string
	Noun    string // id of what it was done to
	Detail  string

	Seq      int64  // place in the chain, from 1; 0 until it is sealed
	Previous string // hash of the row before; "" for the first
	Hash     string // hexadecimal SHA-256
}

// Head is the newest link of a chain. The zero value is the head of an empty one.
type Head struct {
	Seq  int64
	Hash string
}

// Next puts a row after the head and gives the new head.
func (h Head) Next(r *Row) Head {
	r.Seq, r.Previous = h.Seq+1, h.Hash
	r.Hash = r.sum()
	return Head{r.Seq, r.Hash}
}

// sum is the hash of the row's fields, each with its length before it, so that no two rows have the same text.
func (r *Row) sum() string {
	h := sha256.New()
	var n [8]byte
	number := func(v int64) {
		binary.BigEndian.PutUint64(n[:], uint64(v))
		h.Write(n[:])
	}
	h.Write([]byte("souk audit 1\n"))
	number(r.Seq)
	number(r.At.UnixMicro())
	for _, f := range []string{r.Previous, r.ID, r.Actor, r.Company, r.Action, r.Noun, r.Detail} {
		number(int64(len(f)))
		h.Write([]byte(f))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Fault is where a chain is broken.
type Fault struct {
	Seq  int64  // where
	ID   string // of the row that stands there; "" when none does
	What string // changed, removed, reordered
}

func (f Fault) String() string {
	if f.ID == "" {
		return fmt.Sprintf("row %d: %s", f.Seq, f.What)
	}
	return fmt.Sprintf("row %d (%s): %s", f.Seq, f.ID, f.What)
}

// Checker walks a chain from its first row. The zero value is ready.
type Checker struct {
	Rows   int64
	Faults []Fault // the first MaxFaults of them
	head   Head
}

// MaxFaults bounds how many faults are kept: after the first, the rest says little.
const MaxFaults = 20

func (c *Checker) note(seq int64, id, what string) {
	if len(c.Faults) < MaxFaults {
		c.Faults = append(c.Faults, Fault{seq, id, what})
	}
}

// Add looks at the next row in order of Seq.
func (c *Checker) Add(r Row) {
	c.Rows++
	switch {
	case r.Seq > c.head.Seq+1:
		c.note(c.head.Seq+1, "", fmt.Sprintf("removed, %d rows are missing", r.Seq-c.head.Seq-1))
	case r.Seq <= c.head.Seq:
		c.note(r.Seq, r.ID, "reordered")
	case r.Previous != c.head.Hash:
		c.note(r.Seq, r.ID, "reordered: it does not follow the row before it")
	}
	if r.sum() != r.Hash {
		c.note(r.Seq, r.ID, "changed")
	}
	// Go on from what stands here, so that each fault is told once.
	c.head = Head{r.Seq, r.Hash}
}

// End compares the last row with the head that is known from elsewhere.
func (c *Checker) End(want Head) {
	switch {
	case c.head.Seq < want.Seq:
		c.note(c.head.Seq+1, "", fmt.Sprintf("removed, the last %d rows are missing", want.Seq-c.head.Seq))
	case c.head.Seq > want.Seq:
		c.note(c.head.Seq, "", fmt.Sprintf("put in: the chain should end at row %d", want.Seq))
	case c.head.Hash != want.Hash:
		c.note(c.head.Seq, "", "changed: the whole chain was written anew")
	}
}

// Head is the last row that was looked at.
func (c *Checker) Head() Head { return c.head }
