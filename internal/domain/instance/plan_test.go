package instance_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/instance"
)

var shanghai = time.FixedZone("UTC+8", 8*3600)

func local(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", text, shanghai)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func written(p instance.Plan) string {
	var out []string
	for _, e := range p.Events() {
		s := e.At.In(shanghai).Format("01-02 15:04 ") + string(e.Kind)
		if e.Kind == instance.EventRemindEnd || e.Kind == instance.EventRemindRelease || e.Kind == instance.EventAutoRenew {
			s += fmt.Sprintf(" %d", e.Days)
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

func TestALifeWithoutRenewal(t *testing.T) {
	p := instance.Plan{End: local("2026-08-20 14:30"), Keep: instance.RetentionOf(""), Zone: shanghai}
	want := strings.Join([]string{
		"08-13 14:30 remind-end 7", "08-17 14:30 remind-end 3", "08-19 14:30 remind-end 1", "08-20 14:30 freeze",
		"08-29 14:30 remind-release 6", "09-02 14:30 remind-release 2", "09-04 14:30 release"}, "\n")
	if got := written(p); got != want {
		t.Errorf("got\n%s", got)
	}
	p.Keep = instance.RetentionOf("plus")
	if got := written(p); !strings.Contains(got, "08-20 14:30 end\n08-23 14:30 freeze") || !strings.HasSuffix(got, "09-07 14:30 release") {
		t.Errorf("with three days of grace:\n%s", got)
	}
}

// Worked example E13. // spec: 22 §9
func TestAutoRenewalIsTriedEachNight(t *testing.T) {
	tries := func(end string) (out []string) {
		for _, e := range (instance.Plan{End: local(end), AutoRenew: true, Keep: instance.RetentionOf(""), Zone: shanghai}).Events() {
			if e.Kind == instance.EventAutoRenew {
				out = append(out, e.At.In(shanghai).Format("01-02 15:04"))
			}
		}
		return out
	}
	if got := fmt.Sprint(tries("2026-08-20 14:30")); got != "[08-13 03:00 08-14 03:00 08-15 03:00 08-16 03:00 08-17 03:00 08-18 03:00 08-19 03:00 08-20 03:00]" {
		t.Error(got)
	}
	for _, early := range []string{"2026-08-20 00:00", "2026-08-20 03:00"} {
		if got := tries(early); got[len(got)-1] != "08-19 03:00" || len(got) != 7 {
			t.Errorf("an end at %s: %v", early, got)
		}
	}
}

func TestATrialEndsWithoutGrace(t *testing.T) {
	p := instance.Plan{End: local("2026-12-09 10:00"), Trial: true, AutoRenew: true, Keep: instance.RetentionOf("plus").OfTrial(), Zone: shanghai}
	want := strings.Join([]string{
		"11-24 10:00 remind-end 15", "12-02 10:00 remind-end 7", "12-06 10:00 remind-end 3", "12-08 10:00 remind-end 1", "12-09 10:00 freeze",
		"12-18 10:00 remind-release 6", "12-22 10:00 remind-release 2", "12-24 10:00 release"}, "\n")
	if got := written(p); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestNextGoesThroughEveryEventOnce(t *testing.T) {
	p := instance.Plan{End: local("2026-08-20 03:00"), AutoRenew: true, Starts: []time.Time{local("2026-07-20 03:00")}, Keep: instance.RetentionOf("plus"), Zone: shanghai}
	n, at := 0, time.Time{}
	for {
		next, ok := p.Next(at)
		if !ok {
			break
		}
		n += len(instance.At(p.Events(), next))
		at = next
	}
	if n != len(p.Events()) || n < 12 {
		t.Errorf("met %d of %d events", n, len(p.Events()))
	}
	// What falls together happens in order: the try to renew comes before the reminder.
	if es := instance.At(p.Events(), local("2026-08-13 03:00")); len(es) != 2 || es[0].Kind != instance.EventAutoRenew || es[1].Kind != instance.EventRemindEnd {
		t.Errorf("together: %v", es)
	}
	if (instance.Plan{}).Events() != nil {
		t.Error("what has no end has events")
	}
}
