package delivery_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/delivery"
)

func TestFaults(t *testing.T) {
	for text, want := range map[string]delivery.Fault{
		"duplicate":               {Name: "duplicate"},
		"delay":                   {Name: "delay", Value: 2 * time.Second},
		"delay=5s@newInstance":    {Name: "delay", Value: 5 * time.Second, Activity: "newInstance"},
		"drop-answer@newInstance": {Name: "drop-answer", Activity: "newInstance"},
		"stale-timestamp=1h":      {Name: "stale-timestamp", Value: time.Hour},
	} {
		if got, err := delivery.ParseFault(text); err != nil || got != want {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "nonsense", "duplicate=1s", "delay=", "delay=0s", "delay=2h", "delay@", "delay@a b", "delay@a=b"} {
		if got, err := delivery.ParseFault(text); err == nil {
			t.Errorf("%q is taken as %+v", text, got)
		}
	}
	on := delivery.Faults{{Name: "delay", Value: time.Second, Activity: "newInstance"}, {Name: "duplicate"}}
	if d, yes := on.On("delay", "newInstance"); !yes || d != time.Second {
		t.Error("a fault of one call is not found")
	}
	if _, yes := on.On("delay", "releaseInstance"); yes {
		t.Error("a fault of one call holds for another")
	}
	if _, yes := on.On("duplicate", "releaseInstance"); !yes {
		t.Error("a fault of every call does not hold")
	}
}

func FuzzParseFault(f *testing.F) {
	f.Add("delay=5s@newInstance")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := delivery.ParseFault(text); err == nil && got.Value < 0 {
			t.Errorf("%q: %+v", text, got)
		}
	})
}
