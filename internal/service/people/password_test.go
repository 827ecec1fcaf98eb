package people_test

import (
	"os"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/service/people"
)

func TestMain(m *testing.M) {
	full := people.HashPassword(password)
	people.CheapPasswords()
	fullPassword = full
	os.Exit(m.Run())
}

var fullPassword string // what the program makes of password

// Stored passwords cost an attacker what they must, whatever the other tests here take, and are read by the cost that
// stands in them.
func TestPasswordsAreCostly(t *testing.T) {
	for _, stored := range []string{fullPassword, people.HashAtFullCost(password)} {
		if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("stored as %s", stored)
		}
		if !people.Fits(stored, password) || people.Fits(stored, password+"x") || people.Fits(strings.Replace(stored, "t=2", "t=3", 1), password) {
			t.Errorf("%s is misread", stored)
		}
	}
	if stored := people.HashPassword(password); !people.Fits(stored, password) || people.Fits(stored, password+"x") {
		t.Errorf("%s is misread", stored)
	}
}
