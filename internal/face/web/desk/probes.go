package desk

import (
	"time"

	"github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/face/web/ui"
	service "github.com/souk-market/souk/internal/service/lab"
)

// ProbeStrip draws rounds of probing, the newest first, as a strip of half days. // spec: 10 §8.5
func ProbeStrip(c *ui.Call, rounds []service.Probe) *ui.Strip {
	var spans []ui.Span
	for i := len(rounds) - 1; i >= 0; i-- {
		v := rounds[i]
		day, err := time.ParseInLocation("2006-01-02", v.Day, c.Zone())
		if err != nil {
			continue
		}
		from := day
		if v.Slot == lab.Afternoon {
			from = day.Add(12 * time.Hour)
		}
		tone, word := ui.Good, "case.passed"
		if !v.Passed {
			tone, word = ui.Bad, "case.failed"
		}
		spans = append(spans, ui.Span{From: from, To: from.Add(12 * time.Hour), Tone: tone, Text: v.Day + " " + c.T("slot."+v.Slot) + " " + c.T(word)})
	}
	if len(spans) == 0 {
		return nil
	}
	return c.NewStrip([]ui.Series{{Name: c.T("case.passed"), Tone: ui.Good}, {Name: c.T("case.failed"), Tone: ui.Bad}}, spans, nil)
}
