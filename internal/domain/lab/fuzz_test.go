package lab_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/domain/lab"
)

// A value without a known formula is sent as it was typed, whatever its braces.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{"", "{order}-000001", "{expiry 1 month}", `{base64 [{"a":"{b}"}]}`, "{{}}{", "{seal 1}{rsa x}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		made := 0
		got, err := lab.Expand(value, func(lab.Formula) (string, error) { made++; return "·", nil })
		if err != nil {
			t.Fatal(err)
		}
		if made == 0 && got != value {
			t.Errorf("%q became %q", value, got)
		}
		if made > 0 && strings.Count(got, "·") < made {
			t.Errorf("%q became %q with %d formulas", value, got, made)
		}
	})
}
