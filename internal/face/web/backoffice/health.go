package backoffice

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/upkeep"
)

// sealedWithin is what a row of the audit log may stand outside the chain before something is wrong: the sealer works
// every two seconds.
const sealedWithin = time.Minute

// health adds what tells whether all is well, the processes, and backups.
func (r *Room) health(c *ui.Call, p *ui.Page, f upkeep.Figures) error {
	ok := func(well bool, id string) ui.Cell {
		if well {
			return c.Chip(ui.State{ID: "health.well", Tone: ui.Good})
		}
		if p.Step.Tone != ui.Bad { // the first of them is what to do next
			p.Step = &ui.Step{Tone: ui.Bad, Text: c.T(id), Who: ui.Operator}
		}
		return c.Chip(ui.State{ID: "health.look", Tone: ui.Bad}).Then(c.Small(id))
	}
	balanced := true
	for _, s := range f.Sums {
		balanced = balanced && s.Count == 0
	}
	sealed := f.Unsealed.Count == 0 || f.At.Sub(f.Unsealed.Oldest) < sealedWithin
	failed, queued := 0, 0
	for _, m := range f.Mails {
		if m.Label == "failed" {
			failed = int(m.Count)
		} else {
			queued = int(m.Count)
		}
	}
	due := time.Duration(0)
	for _, d := range f.Due {
		due = max(due, f.At.Sub(d.Oldest))
	}
	p.Put(c.In("block.health", ui.Block{Half: true, Facts: []ui.Fact{
		c.Fact("health.ledger", ok(balanced, "health.ledger.bad")),
		c.Fact("health.audit", ok(sealed, "health.audit.bad").Then(c.Small("health.audit.rows", "N", f.Chain, "OPEN", f.Unsealed.Count))),
		c.Fact("health.due", ok(due < 5*time.Minute, "health.due.bad")),
		c.Fact("health.mails", ok(failed == 0, "health.mails.bad").Then(c.Small("health.mails.rows", "QUEUED", queued, "FAILED", failed))),
		c.Fact("health.sessions", ui.Own(strconv.FormatInt(f.Sessions, 10))),
	}}))
	last, err := r.Upkeep.LastBackup(c.R.Context(), c.Actor) // f may be from before it
	if err == nil {
		err = r.backups(c, p, last)
	}
	if err != nil {
		return err
	}
	p.Put(c.In("block.processes", ui.Block{Note: c.T("processes.note"), Table: ui.NewTable(c.Frame, f.Nodes, []ui.Column[upkeep.Node]{
		{Head: "col.host", Cell: func(n upkeep.Node) ui.Cell { return ui.Own(n.Host).Then(ui.SmallOwn(strconv.Itoa(n.PID))) }},
		{Head: "col.program", Cell: func(n upkeep.Node) ui.Cell { return ui.Own(n.Program) }},
		{Head: "col.started", Cell: func(n upkeep.Node) ui.Cell { return c.When(n.Started) }},
		{Head: "col.seen", Cell: func(n upkeep.Node) ui.Cell { return c.When(n.Seen) }},
	}, "").Or(ui.Empty{Text: c.T("processes.empty"), Help: c.T("processes.empty.help")})}))
	return nil
}

func (r *Room) backups(c *ui.Call, p *ui.Page, b *upkeep.Backup) error {
	block := ui.Block{Half: true, Note: c.T("backup.note")}
	if b == nil {
		block.Empty = &ui.Empty{Text: c.T("backup.none"), Help: c.T("backup.none.help")}
	} else {
		names, err := r.People.PersonNames(c.R.Context(), b.By)
		if err != nil {
			return err
		}
		by := ui.Own(names[b.By])
		if names[b.By] == "" {
			by = c.Word("backup.by.command")
		}
		block.Facts = []ui.Fact{
			c.Fact("backup.at", c.When(b.At)), c.Fact("backup.by", by),
			c.Fact("backup.size", ui.Own(bytesOf(b.Size)).Then(c.Small("backup.holds", "ROWS", b.Rows, "FILES", b.Files))),
			c.Fact("backup.sum", ui.Code(b.SHA256[:min(16, len(b.SHA256))])),
		}
	}
	p.Put(c.In("block.backup", block))
	if c.May("system.backup") {
		f := c.NewForm("backup", "/operator/system/backup", "do.backup")
		f.Lead, f.Behind = c.T("backup.means"), c.T("do.backup")
		c.Add(f, ui.Field{Name: "current_password", Kind: "password", Required: true, MaxLength: party.MaxPassword, Autocomplete: "current-password"}, "")
		p.Put(ui.Block{Form: f})
	}
	return nil
}

// bytesOf writes a size as people read it.
func bytesOf(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
}

// backup sends a dump as a file, to an admin who gives the password again.
func (r *Room) backup(c *ui.Call) error {
	ctx := c.R.Context()
	if err := r.People.ProvePassword(ctx, c.Actor, c.Form("current_password")); err != nil {
		if f, ok := fault.As(err); ok && f.Fields["password"] != "" {
			err = fault.Field("current_password", "%s", f.Fields["password"])
		}
		return c.Again(err, r.systemShow)
	}
	f, b, err := r.Upkeep.Backup(ctx, c.Actor)
	if err != nil {
		return err
	}
	defer f.Close()
	h := c.W.Header()
	h.Set("Content-Type", "application/gzip")
	h.Set("Content-Disposition", `attachment; filename="souk-`+b.At.UTC().Format("20060102-150405")+`.tar.gz"`)
	h.Set("Content-Length", strconv.FormatInt(b.Size, 10))
	h.Set("Cache-Control", "no-store")
	_, _ = io.Copy(c.W, f) // a connection that breaks shows by the length
	return nil
}
