package ident_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/ground/ident"
)

func TestForms(t *testing.T) {
	shanghai := time.FixedZone("", 8*3600)
	now := time.Date(2022, 7, 26, 6, 47, 12, 345678000, time.UTC)
	ak, sk := ident.AccessKey()
	for name, c := range map[string]struct{ got, form string }{
		"order":   {ident.Order(now, shanghai), `^CS2207261447[A-Z2-7]{5}$`},
		"line":    {ident.OrderLine("CS2207261447AUY4H", 1), `^CS2207261447AUY4H-000001$`},
		"product": {ident.Product(), `^OFFI[1-9][0-9]{17}$`},
		"nonce":   {ident.Nonce(), `^[A-Za-z0-9]{32}$`},
		"iv":      {ident.IV(), `^[A-Za-z0-9]{16}$`},
		"uuid":    {ident.UUID(), `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`},
		"row":     {ident.Row(now), `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`},
		"ak":      {ak, `^[A-Z0-9]{20}$`},
		"sk":      {sk, `^[A-Za-z0-9]{40}$`},
	} {
		if !regexp.MustCompile(c.form).MatchString(c.got) {
			t.Errorf("%s: %q is not of the form %s", name, c.got, c.form)
		}
	}
}

func TestRowsSortInTheOrderOfMaking(t *testing.T) {
	now := time.Date(2126, 11, 24, 0, 0, 0, 0, time.UTC) // later than any row made by other tests
	last := ""
	for i := range 3000 {
		if i == 1000 {
			now = now.Add(-time.Hour) // the operating system's clock is stepped back
		}
		if i%3 == 0 {
			now = now.Add(100 * time.Microsecond)
		}
		id := ident.Row(now)
		if id <= last {
			t.Fatalf("row %d: %s does not sort after %s", i, id, last)
		}
		last = id
	}
}

func TestRowFloor(t *testing.T) {
	at := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	before, floor, after := ident.Row(at.Add(-time.Second)), ident.RowFloor(at), ident.Row(at)
	if !(before < floor && floor < after) {
		t.Errorf("%s %s %s", before, floor, after)
	}
}
