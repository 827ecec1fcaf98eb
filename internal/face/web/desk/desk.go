package desk

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/delivery"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/lab"
	"github.com/souk-market/souk/internal/service/messages"
	"github.com/souk-market/souk/internal/service/people"
	"github.com/souk-market/souk/internal/service/sandbox"
	"github.com/souk-market/souk/internal/service/trade"
	"github.com/souk-market/souk/internal/service/upkeep"
)

// Services are the use cases behind the pages.
type Services struct {
	Kernel    *kernel.Kernel
	People    *people.People
	Catalogue *catalogue.Catalogue
	Search    *catalogue.Search
	Trade     *trade.Trade
	Inbox     *messages.Messages
	Delivery  *delivery.Delivery
	Lab       *lab.Lab
	Sandbox   *sandbox.Sandbox
	Upkeep    *upkeep.Upkeep
}

// PageSize is how many rows a list shows; an export holds MaxExport.
const (
	PageSize  = cursor.DefaultSize
	MaxExport = 10_000
)

// Desk is the shared pages, mounted in one console.
type Desk struct {
	ui.Room
	Services
}

// Path is an address within the console.
func (d *Desk) Path(parts string) string { return "/" + string(d.Face) + parts }

// Change runs a use case in a transaction of its own.
func (s Services) Change(c *ui.Call, f func(ctx context.Context, tx *kernel.Tx) error) error {
	return s.Kernel.Change(c.R.Context(), f)
}

// Once runs a use case whose form carries a key: sent twice, it is done once, and answers alike.
func (s Services) Once(c *ui.Call, f func(ctx context.Context, tx *kernel.Tx) (id string, err error)) (string, error) {
	key := c.Form("key")
	if key != "" {
		key = "form:" + key
	}
	typed := url.Values{} // the same key with other input is refused
	for name, v := range c.R.PostForm {
		// A password must not leave a hash that is quick to make, hence quick to guess.
		if name != "csrf" && name != "key" && !strings.Contains(name, "password") {
			typed[name] = v
		}
	}
	reply, err := s.Kernel.Mutate(c.R.Context(), kernel.Request{Caller: c.Actor.PersonID, Key: key, Input: []byte(c.R.Method + " " + c.R.URL.Path + "\n" + typed.Encode())},
		func(ctx context.Context, tx *kernel.Tx) (kernel.Reply, error) {
			id, err := f(ctx, tx)
			return kernel.Reply{Status: 303, Body: []byte(id)}, err
		})
	return string(reply.Body), err
}

// Limit is how many rows to ask for: one more than shown, to know whether there are more.
func Limit(c *ui.Call) int {
	if c.Exporting() {
		return MaxExport
	}
	return PageSize + 1
}

// Cut takes the row too many off a list and gives the mark of the next page.
func Cut[T any](c *ui.Call, rows []T, mark func(T) string) ([]T, string) {
	if c.Exporting() || len(rows) <= PageSize {
		return rows, ""
	}
	rows = rows[:PageSize]
	return rows, mark(rows[PageSize-1])
}

// Mark reads the mark of a list's page: n parts, all empty on the first page.
func Mark(c *ui.Call, n int) ([]string, error) {
	page := c.Query("page")
	if page == "" {
		return make([]string, n), nil
	}
	return cursor.Decode(page, n)
}

// InstantMark reads a mark of an instant and an id.
func InstantMark(c *ui.Call) (time.Time, string, error) {
	m, err := Mark(c, 2)
	if err != nil || m[0] == "" {
		return time.Time{}, "", err
	}
	us, err := strconv.ParseInt(m[0], 10, 64)
	if err != nil {
		return time.Time{}, "", fault.Field("page", "is not a mark of this list")
	}
	return clock.FromMicros(us), m[1], nil
}

// MarkAt makes a mark of an instant and an id.
func MarkAt(at time.Time, id string) string {
	return cursor.Encode(strconv.FormatInt(clock.Micros(at), 10), id)
}

// Days draws what happened per day as a chart. value gives a day's values and how they are written.
func Days(c *ui.Call, n int, first int64, series []ui.Series, value func(day int64) ([]int64, []string)) *ui.Chart {
	var bars []ui.Bar
	for d := first; d < first+int64(n); d++ {
		values, shown := value(d)
		bars = append(bars, ui.Bar{Label: time.Unix(d*86400, 0).UTC().Format("01-02"), Values: values, Shown: shown})
	}
	return c.NewChart("col.day", series, bars)
}

// PaidChart draws what was paid and refunded per day.
func (s Services) PaidChart(c *ui.Call, n int) (*ui.Chart, string, error) {
	sums, first, err := s.Trade.PaidByDay(c.R.Context(), c.Actor, n)
	if err != nil {
		return nil, "", err
	}
	type day struct{ paid, refunded int64 }
	days := map[int64]day{}
	total := map[string]int64{}
	for _, d := range sums {
		one := days[d.Day]
		one.paid, one.refunded = one.paid+int64(d.Paid), one.refunded+int64(d.Refunded)
		days[d.Day] = one
		total[string(d.Currency)] += int64(d.Paid) - int64(d.Refunded)
	}
	chart := Days(c, n, first, []ui.Series{{Name: c.T("chart.paid"), Tone: ui.Good}, {Name: c.T("chart.refunded"), Tone: ui.Bad}}, func(d int64) ([]int64, []string) {
		one := days[d]
		return []int64{one.paid, one.refunded}, []string{Yuan(one.paid), Yuan(one.refunded)}
	})
	return chart, c.Money(Yuan(total["CNY"]), "CNY"), nil
}

// CallsChart draws calls per day: those that succeeded, those that go on, those that failed.
func (s Services) CallsChart(c *ui.Call, n int) (*ui.Chart, error) {
	counts, first, err := s.Delivery.CallsByDay(c.R.Context(), c.Actor, n)
	if err != nil {
		return nil, err
	}
	days := map[int64][3]int64{}
	for _, d := range counts {
		one := days[d.Day]
		switch d.State {
		case "success":
			one[0] += int64(d.Count)
		case "failed":
			one[2] += int64(d.Count)
		default:
			one[1] += int64(d.Count)
		}
		days[d.Day] = one
	}
	return Days(c, n, first, []ui.Series{{Name: c.T("attempt.success"), Tone: ui.Good}, {Name: c.T("chart.retrying"), Tone: ui.Attention}, {Name: c.T("attempt.failed"), Tone: ui.Bad}},
		func(d int64) ([]int64, []string) { one := days[d]; return one[:], nil }), nil
}

// Yuan is minor units as decimal text.
func Yuan(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
}

// isBuyer and isSeller tell whose console it is.
func (d *Desk) isBuyer() bool  { return d.Kind == party.Buyer }
func (d *Desk) isSeller() bool { return d.Kind == party.Seller }

// isOperator likewise.
func (d *Desk) isOperator() bool { return d.Kind == party.Operator }
