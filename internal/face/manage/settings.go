package manage

import (
	"context"
	"net/http"
	"strings"

	"github.com/souk-market/souk/internal/domain/setting"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/upkeep"
)

// settings are the limits, schedules and switches of the marketplace, and what it has before it.
func (h *Handler) settings() {
	h.read("/settings", func(c *call) (any, error) {
		all, err := h.Upkeep.Settings(c.Context(), c.actor)
		return viewSettings(all), err
	})
	h.change("PUT", "/settings", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		values := c.body.pairs("values")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		all, err := h.Upkeep.Change(ctx, tx, c.actor, values)
		return viewSettings(all), err
	})
	h.read("/system", func(c *call) (any, error) {
		f, err := h.Upkeep.System(c.Context(), c.actor)
		if err != nil {
			return nil, err
		}
		out := systemView{At: stamp(f.At), Jobs: counts(f.Jobs), Due: counts(f.Due), Orders: counts(f.Orders), Mails: counts(f.Mails), Queues: counts(f.Queues), Sums: counts(f.Sums),
			Audit: auditFigures{f.Chain, f.Unsealed.Count, stamp(f.Unsealed.Oldest)}, Sessions: f.Sessions, Nodes: []nodeView{}}
		for _, n := range f.Nodes {
			out.Nodes = append(out.Nodes, nodeView{n.Host, n.PID, n.Program, stamp(n.Started), stamp(n.Seen)})
		}
		if b := f.Backup; b != nil {
			out.Backup = &backupView{stamp(b.At), b.By, b.Size, b.Rows, b.Files, b.Keyring, b.SHA256}
		}
		return out, nil
	})
}

type settingView struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`
	Value     string   `json:"value"`
	Installed string   `json:"installed"`
	Changed   bool     `json:"changed"`
	ChangedBy string   `json:"changed_by"`
	ChangedAt *string  `json:"changed_at"`
	Min       string   `json:"min"`
	Max       string   `json:"max"`
	Choices   []string `json:"choices"`
	Spec      string   `json:"spec"`
}

func viewSettings(all []upkeep.Setting) map[string]any {
	items := []settingView{}
	for _, s := range all {
		v := settingView{Name: s.Name, Kind: string(s.Kind), Value: s.Value, Installed: s.Installed, Changed: s.Changed, ChangedBy: s.By, ChangedAt: stamp(s.At), Choices: s.Choices, Spec: s.Spec}
		v.Min, v.Max = s.Bounds()
		if s.Kind == setting.Switch {
			v.Choices = strings.Fields("true false")
		}
		if v.Choices == nil {
			v.Choices = []string{}
		}
		items = append(items, v)
	}
	return map[string]any{"items": items, "next": ""}
}

type systemView struct {
	At       *string      `json:"at"`
	Jobs     []countView  `json:"jobs"`
	Due      []countView  `json:"due"`
	Orders   []countView  `json:"orders"`
	Mails    []countView  `json:"mails"`
	Queues   []countView  `json:"queues"`
	Sums     []countView  `json:"ledger_sums"`
	Audit    auditFigures `json:"audit"`
	Sessions int64        `json:"sessions"`
	Backup   *backupView  `json:"last_backup"`
	Nodes    []nodeView   `json:"processes"`
}

type nodeView struct {
	Host    string  `json:"host"`
	PID     int     `json:"pid"`
	Program string  `json:"program"`
	Started *string `json:"started_at"`
	Seen    *string `json:"seen_at"`
}

type countView struct {
	Label  string  `json:"label"`
	Kind   string  `json:"kind"`
	Count  int64   `json:"count"`
	Oldest *string `json:"oldest"`
}

type auditFigures struct {
	Rows   int64   `json:"rows"`
	Open   int64   `json:"open"`
	Oldest *string `json:"oldest"`
}

type backupView struct {
	At      *string `json:"at"`
	By      string  `json:"by"`
	Size    int64   `json:"size"`
	Rows    int64   `json:"rows"`
	Files   int64   `json:"files"`
	Keyring bool    `json:"keyring"`
	SHA256  string  `json:"sha256"`
}

func counts(cs []upkeep.Counted) []countView {
	out := []countView{}
	for _, c := range cs {
		out = append(out, countView{c.Label, c.Kind, c.Count, stamp(c.Oldest)})
	}
	return out
}
