package setting_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/setting"
	"github.com/souk-market/souk/internal/ground/money"
)

// What a setting gives is what it takes; its bounds are met from the inside and refused from the outside.
func TestEverySettingTakesWhatItGives(t *testing.T) {
	base := setting.Defaults()
	seen := map[string]bool{}
	for _, s := range setting.Table {
		if seen[s.Name] {
			t.Errorf("%s stands twice", s.Name)
		}
		seen[s.Name] = true
		if v, err := s.Put(base, s.Get(base)); err != nil || v != base {
			t.Errorf("%s does not take its own default %q: %v", s.Name, s.Get(base), err)
		}
		good, bad := []string{}, []string{"", " ", "x", "1.5", "-1", "99999999999999999999", "d", "-1d", "1.5d", "99999d", s.Get(base) + " "}
		switch s.Kind {
		case setting.Duration:
			min, max := time.Duration(s.Min)*time.Second, time.Duration(s.Max)*time.Second
			good = append(good, min.String(), max.String())
			bad = append(bad, (min - time.Second).String(), (max + time.Second).String(), (min + time.Millisecond).String())
		case setting.Whole:
			good = append(good, "20")
			bad = append(bad, fmt.Sprint(s.Min-1), fmt.Sprint(s.Max+1))
		case setting.Amount:
			good = []string{"0", "0.01", "1.5", "50000.00", money.Max.String()}
			bad = []string{"", " ", "x", "-1", "-0.01", "1.005", "1e3", "1,000", ".5", "1.", "1000000000000"}
		case setting.Choice:
			good = s.Choices
		case setting.Switch:
			good = []string{"true", "false"}
			bad = append(bad, "yes", "TRUE")
		}
		for _, text := range good {
			v, err := s.Put(base, text)
			if err != nil {
				t.Errorf("%s refuses %q: %v", s.Name, text, err)
			}
			if again, err := s.Put(base, s.Get(v)); err != nil || again != v {
				t.Errorf("%s: %q is given as %q", s.Name, text, s.Get(v))
			}
		}
		for _, text := range bad {
			if v, err := s.Put(base, text); err == nil || v != base {
				t.Errorf("%s takes %q", s.Name, text)
			}
		}
	}
}

// What another version of the program stored does no harm.
func TestApplyForgives(t *testing.T) {
	v := setting.Apply(setting.Defaults(), map[string]string{"people.lock_for": "30m", "people.max_failures": "many", "of.tomorrow": "1"})
	want := setting.Defaults()
	want.LockFor = 30 * time.Minute
	if v != want {
		t.Errorf("%+v", v)
	}
}
