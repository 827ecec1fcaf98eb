package cursor_test

import (
	"slices"
	"testing"

	"github.com/souk-market/souk/internal/ground/cursor"
)

func TestMarksReadBackAndForeignOnesAreRefused(t *testing.T) {
	mark := cursor.Encode("2026", "订单")
	if parts, err := cursor.Decode(mark, 2); err != nil || !slices.Equal(parts, []string{"2026", "订单"}) {
		t.Fatalf("%v, %v", parts, err)
	}
	if parts, err := cursor.Decode("", 2); err != nil || parts != nil {
		t.Fatalf("the first page: %v, %v", parts, err)
	}
	for _, bad := range []string{mark, "§", "bm90IGpzb24"} {
		if _, err := cursor.Decode(bad, 3); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
