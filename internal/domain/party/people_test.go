package party_test

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/fault"
)

func TestPasswordsThatPeopleGuessAreRefused(t *testing.T) {
	for _, c := range []struct {
		password, login string
		fine            bool
	}{
		{"correct horse battery", "li@example.com", true},
		{"long enough 1", "", true},
		{"我的密码是很长的一句话", "li@example.com", true},
		{"xK4vTq9mLs", "li@example.com", true},
		{"3141592653589793", "", true}, // long digits are a choice
		{"short", "", false},
		{strings.Repeat("ab1c", 40), "", false},
		{"password123", "", false},
		{"P@ssw0rd2026!", "", false},
		{"1234567890", "", false},
		{"abcdefghijkl", "", false},
		{"aaaaaaaaaaaa", "", false},
		{"admin!!!!!!!", "", false},
		{"qwertyuiop", "", false},
		{"2026112413", "", false},
		{"lixiaoming@example.com", "lixiaoming@example.com", false},
		{"LiXiaoming1", "lixiaoming@example.com", false},
		{"lixiaoming has a brown dog", "lixiaoming@example.com", true},
		{"broken \xff utf-8", "", false},
	} {
		f := fault.Fields{}
		party.CheckPassword("password", c.password, c.login, f)
		if fine := len(f) == 0; fine != c.fine {
			t.Errorf("%q for %q: %v", c.password, c.login, f)
		}
	}
}

func TestAddressesAndNumbers(t *testing.T) {
	for email, fine := range map[string]bool{
		"li@example.com": true, "a.b+c@example.co": true, "": false, "li": false, "li@": false, "Li <li@example.com>": false,
		"li@example.com\r\nBcc: x@y": false, "李@example.com": false, "li@exa mple.com": false, strings.Repeat("a", 60) + "@example.com": false, "l\xffi@example.com": false,
	} {
		f := fault.Fields{}
		party.CheckEmail("email", email, f)
		if (len(f) == 0) != fine {
			t.Errorf("%q: %v", email, f)
		}
	}
	for mobile, fine := range map[string]bool{"": true, "13800138000": true, "+8613800138000": true, "1380 013": false, "abc": false, "+": false, strings.Repeat("1", 21): false} {
		f := fault.Fields{}
		party.CheckMobile("mobile", mobile, f)
		if (len(f) == 0) != fine {
			t.Errorf("%q: %v", mobile, f)
		}
	}
	if got := party.CleanEmail(" Li@Example.COM "); got != "li@example.com" {
		t.Error(got)
	}
}

func TestASessionEndsByLifeAndByIdleness(t *testing.T) {
	start := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	s := party.Session{SeenAt: start, ExpiresAt: start.Add(party.SessionLife)}
	if !s.Open(start.Add(2*time.Hour-1), 2*time.Hour) || s.Open(start.Add(2*time.Hour), 2*time.Hour) {
		t.Error("the idle time is half-open")
	}
	s.SeenAt = start.Add(12*time.Hour - time.Minute)
	if !s.Open(start.Add(12*time.Hour-1), 2*time.Hour) || s.Open(start.Add(12*time.Hour), 2*time.Hour) {
		t.Error("the life is half-open and not prolonged by use")
	}
}
