package audit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/internal/domain/audit"
)

func chain(n int) ([]audit.Row, audit.Head) {
	var rows []audit.Row
	var head audit.Head
	for i := range n {
		r := audit.Row{ID: fmt.Sprintf("id-%d", i), At: time.UnixMicro(int64(1000 + i)), Actor: "p", Company: "c", Action: "order.pay", Noun: fmt.Sprintf("CS%d", i), Detail: "12.00"}
		head = head.Next(&r)
		rows = append(rows, r)
	}
	return rows, head
}

func check(rows []audit.Row, head audit.Head) []audit.Fault {
	var c audit.Checker
	for _, r := range rows {
		c.Add(r)
	}
	c.End(head)
	return c.Faults
}

func TestAnUntouchedChainIsFine(t *testing.T) {
	for _, n := range []int{0, 1, 2, 50} {
		rows, head := chain(n)
		if faults := check(rows, head); len(faults) != 0 {
			t.Errorf("%d rows: %v", n, faults)
		}
	}
}

// Whatever is done to a chain after it was sealed is found, and the first fault names the place.
func TestAnyTamperingIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, head := chain(rapid.IntRange(2, 30).Draw(t, "rows"))
		i := rapid.IntRange(0, len(rows)-1).Draw(t, "row")
		what := rapid.SampledFrom([]string{"actor", "company", "action", "noun", "detail", "time", "id", "moved letter", "remove", "remove the rest", "swap", "swap with numbers", "insert", "own hash", "rewrite"}).Draw(t, "what")
		at := rows[i].Seq
		r := &rows[i]
		switch what {
		case "actor":
			r.Actor += "x"
		case "company":
			r.Company = ""
		case "action":
			r.Action = "order.read"
		case "noun":
			r.Noun = "CS"
		case "detail":
			r.Detail = "13.00"
		case "time":
			r.At = r.At.Add(time.Microsecond)
		case "id":
			r.ID += " "
		case "moved letter": // the same text, cut at another place
			r.Actor, r.Company = "pc", ""
		case "own hash": // the row is changed and its hash made to fit: the next row, or the head, does not
			r.Detail = "0.01"
			before := audit.Head{Seq: r.Seq - 1, Hash: r.Previous}
			before.Next(r)
			at++
		case "remove":
			rows = slices.Delete(rows, i, i+1)
		case "remove the rest":
			rows = rows[:i]
		case "swap":
			j := (i + 1) % len(rows)
			rows[i], rows[j] = rows[j], rows[i]
			at = 0
		case "swap with numbers":
			j := (i + 1) % len(rows)
			rows[i].ID, rows[j].ID = rows[j].ID, rows[i].ID
			at = 0
		case "insert":
			forged := rows[i]
			forged.ID, forged.Detail = "forged", "1.00"
			rows = slices.Insert(rows, i, forged)
			at = 0
		case "rewrite": // the whole chain is made anew: only the head that is kept elsewhere tells
			rows[i].Detail = "0.01"
			var h audit.Head
			for j := range rows {
				h = h.Next(&rows[j])
			}
			at = 0
		}
		faults := check(rows, head)
		if len(faults) == 0 {
			t.Fatalf("%s of row %d was not found", what, i+1)
		}
		if at > 0 && faults[0].Seq != at && !(what == "own hash" && faults[0].Seq == head.Seq) {
			t.Fatalf("%s of row %d was told as %v", what, i+1, faults)
		}
	})
}

func ExampleChecker() {
	rows, head := chain(3)
	rows[1].Detail = "99.00"
	var c audit.Checker
	for _, r := range rows {
		c.Add(r)
	}
	c.End(head)
	fmt.Println(c.Faults)
	// Output: [row 2 (id-1): changed]
}

func TestFaultsAreBounded(t *testing.T) {
	rows, head := chain(100)
	for i := range rows {
		rows[i].Detail = "x"
	}
	if faults := check(rows, head); len(faults) != audit.MaxFaults || !strings.Contains(faults[0].String(), "row 1") {
		t.Errorf("%d faults, the first %v", len(faults), faults[0])
	}
}
