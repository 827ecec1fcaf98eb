package backoffice

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/domain/setting"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
	"github.com/souk-market/souk/internal/service/upkeep"
)

func (r *Room) settings() {
	r.Get("/operator/settings", "settings", access.SettingRead, r.settingsShow)
	r.Post("/operator/settings", "settings", access.SettingWrite, r.settingsDo)
}

// settingsShow is what may be changed, group by group, then what the specification fixes.
func (r *Room) settingsShow(c *ui.Call) error {
	all, err := r.Upkeep.Settings(c.R.Context(), c.Actor)
	if err != nil {
		return err
	}
	var ids []string
	changed := 0
	for _, s := range all {
		if s.Changed {
			changed++
			ids = append(ids, s.By)
		}
	}
	names, err := r.People.PersonNames(c.R.Context(), ids...)
	if err != nil {
		return err
	}
	p := c.NewPage("settings.title")
	p.Lead = c.T("settings.lead")
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("settings.as.installed"), Who: ui.Nobody}
	if changed > 0 {
		p.Step = &ui.Step{Tone: ui.Good, Text: c.T("settings.changed", "N", changed), Who: ui.Nobody, Links: []ui.Link{{Text: c.T("go.audit"), Href: "/operator/audit?action=setting.write"}}}
	}
	if !c.May("setting.write") {
		p.Step = &ui.Step{Tone: ui.Plain, Text: c.T("settings.read.only"), Who: ui.Operator}
		p.Put(c.In("block.settings.all", ui.Block{Table: ui.NewTable(c.Frame, all, []ui.Column[upkeep.Setting]{
			{Head: "col.setting", Cell: func(s upkeep.Setting) ui.Cell { return c.Word("field.setting." + s.Name) }},
			{Head: "col.value", Cell: func(s upkeep.Setting) ui.Cell { return r.settingValue(c, s.Setting, s.Value) }},
			{Head: "col.chapter", Cell: func(s upkeep.Setting) ui.Cell { return ui.Own(s.Spec) }},
		}, "")}))
		return c.Draw(r.fixed(c, p))
	}
	for i := 0; i < len(all); {
		group := all[i].Group
		f := c.NewForm("settings-"+group, "/operator/settings", "do.save").Keep("group", group)
		for ; i < len(all) && all[i].Group == group; i++ {
			s := all[i]
			f.Keep("was:"+s.Name, s.Value)
			min, max := s.Bounds()
			field := ui.Field{Name: s.Name, Value: s.Value, Autocomplete: "off", MaxLength: 32, Bad: c.T("bad.setting.range", "MIN", min, "MAX", max)}
			note := c.T("setting.installed", "VALUE", r.settingText(c, s.Setting, s.Installed))
			if s.Changed {
				note = c.T("setting.changed", "NAME", names[s.By], "AGO", c.Ago(s.At), "VALUE", r.settingText(c, s.Setting, s.Installed))
			}
			switch s.Kind {
			case setting.Choice:
				field.Kind, field.Options = "select", c.Choices("setting."+s.Name+".", s.Choices, false)
			case setting.Switch:
				field.Kind, field.Options = "select", c.Choices("setting."+s.Name+".", []string{"true", "false"}, false)
			case setting.Duration:
				note = c.T("setting.duration", "MIN", min, "MAX", max) + " " + note
			default:
				note = c.T("setting.range", "MIN", min, "MAX", max) + " " + note
			}
			if s.Spec != "" {
				note += " " + c.T("setting.spec", "SPEC", s.Spec)
			}
			field.Help = note
			c.Add(f, field, "setting."+s.Name)
		}
		p.Put(c.In("block.settings."+group, ui.Block{Half: true, Form: f}))
	}
	return c.Draw(r.fixed(c, p))
}

// settingText is a value as people read it.
func (r *Room) settingText(c *ui.Call, s setting.Setting, value string) string {
	switch s.Kind {
	case setting.Choice, setting.Switch:
		return c.T("setting." + s.Name + "." + value)
	}
	return value
}

func (r *Room) settingValue(c *ui.Call, s setting.Setting, value string) ui.Cell {
	if s.Kind == setting.Choice || s.Kind == setting.Switch {
		return ui.Said(r.settingText(c, s, value))
	}
	return ui.Own(value)
}

// settingsDo changes what differs from what the form was drawn with: a form that stood open does not undo what somebody
// else changed meanwhile.
func (r *Room) settingsDo(c *ui.Call) error {
	change := map[string]string{}
	for _, s := range setting.Table {
		if now := strings.TrimSpace(c.Form(s.Name)); s.Group == c.Form("group") && now != c.Form("was:"+s.Name) {
			change[s.Name] = now
		}
	}
	if err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		_, err := r.Upkeep.Change(ctx, tx, c.Actor, change)
		return err
	}); err != nil {
		return c.Again(err, r.settingsShow)
	}
	return c.Done("/operator/settings", "settings")
}

// shorten writes a schedule: all of it, or its beginning and its end.
func shorten(s delivery.Schedule) string {
	if len(s) <= 10 {
		return s.Describe()
	}
	return s[:8].Describe() + " … " + s[len(s)-1:].Describe()
}

// limit is something that the specification fixes.
type limit struct{ id, value, spec string }

// fixed adds what is no setting, with the section that fixes it, and the schedules that a retry policy stands for.
func (r *Room) fixed(c *ui.Call, p *ui.Page) *ui.Page {
	hours := func(d time.Duration) string { return setting.Short(d) }
	standard, plus := instance.RetentionOf(""), instance.RetentionOf("plus")
	limits := []limit{
		{"fixed.refund", hours(trade.RefundWindow), "01 §4.5"},
		{"fixed.grace", hours(standard.Grace) + " / " + hours(plus.Grace), "01 §3"},
		{"fixed.retention", hours(standard.Keep), "01 §3"},
		{"fixed.failed", strconv.Itoa(delivery.FailedOrdersAllowed), "01 §2.11"},
		{"fixed.timeout.v1", hours(delivery.Timeout("v1", delivery.Create)), "01 §2.1"},
		{"fixed.timeout.v2", hours(delivery.Timeout("v2", delivery.Create)), "01 §2.1"},
		{"fixed.session", hours(party.SessionLife), "01 §9"},
		{"fixed.invite", hours(party.InviteLife), "01 §9"},
		{"fixed.ak", "5m", "14 §4"},
	}
	p.Put(c.In("block.fixed", ui.Block{Note: c.T("fixed.note"), Table: ui.NewTable(c.Frame, limits, []ui.Column[limit]{
		{Head: "col.setting", Cell: func(l limit) ui.Cell { return c.Word(l.id) }},
		{Head: "col.value", Cell: func(l limit) ui.Cell { return ui.Own(l.value) }},
		{Head: "col.chapter", Cell: func(l limit) ui.Cell { return ui.Own(l.spec) }},
	}, "")}))
	type line struct {
		activity string
		call     delivery.Call
		policy   delivery.Policy
	}
	var lines []line
	for _, policy := range []delivery.Policy{delivery.KooGallery, delivery.Standard, delivery.Patient} {
		lines = append(lines, line{"newInstance", delivery.Create, policy}, line{"releaseInstance", delivery.Release, policy}, line{"orderNotify", delivery.Notify, policy})
	}
	return p.Put(c.In("block.schedules", ui.Block{Note: c.T("schedules.note"), Table: ui.NewTable(c.Frame, lines, []ui.Column[line]{
		{Head: "col.call", Cell: func(l line) ui.Cell { return ui.Code(l.activity) }},
		{Head: "col.policy", Cell: func(l line) ui.Cell { return c.Word("setting.delivery.retry_policy." + string(l.policy)) }},
		{Head: "col.tries.at", Cell: func(l line) ui.Cell { return ui.Own(shorten(delivery.ScheduleOf(l.policy, l.call))) }},
	}, "")}))
}
