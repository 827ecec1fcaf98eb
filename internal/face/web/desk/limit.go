package desk

import (
	"strings"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/ui"
)

// LimitLine is one sentence of a purchase limit, and what is left of it for the reader's company.
type LimitLine struct{ Text, Left string }

// LimitWords says a purchase limit in words. skus are the product's on sale; had is what the reader's company has had of
// it, nil for who does not buy. // spec: 22 §2.4
func LimitWords(f *ui.Frame, l *catalog.PurchaseLimit, skus []catalog.SKU, had *catalog.Taken) []LimitLine {
	var out []LimitLine
	number := func(ever, within string, n, left int64) {
		if n == 0 {
			return
		}
		line := LimitLine{Text: f.T(ever, "N", n)}
		if l.Days > 0 {
			line.Text = f.T(within, "N", n, "DAYS", l.Days)
		}
		if had != nil {
			line.Left = f.T("limit.left", "N", left)
		}
		out = append(out, line)
	}
	var seen catalog.Taken
	if had != nil {
		seen = *had
	}
	number("limit.orders", "limit.orders.days", int64(l.Orders), int64(l.OrdersLeft(seen)))
	number("limit.pieces", "limit.pieces.days", l.Pieces, l.PiecesLeft(seen))
	if l.OneAtATime {
		line := LimitLine{Text: f.T("limit.once")}
		if seen.Live > 0 {
			line.Left = f.T("limit.has")
		}
		out = append(out, line)
	}
	return append(out, limitScope(f, l, skus)...)
}

// limitScope says what counts together, where a product has several specifications.
func limitScope(f *ui.Frame, l *catalog.PurchaseLimit, skus []catalog.SKU) []LimitLine {
	if len(l.SKUs) == 0 {
		if len(skus) < 2 {
			return nil
		}
		return []LimitLine{{Text: f.T("limit.all")}}
	}
	names := LimitNames(f, l, skus)
	if len(names) == 1 {
		return []LimitLine{{Text: f.T("limit.one", "NAMES", names[0])}}
	}
	return []LimitLine{{Text: f.T("limit.some", "NAMES", strings.Join(names, " · "))}}
}

// LimitNames are the names of the specifications that a limit is for; one that is sold no longer has its code.
func LimitNames(f *ui.Frame, l *catalog.PurchaseLimit, skus []catalog.SKU) []string {
	var out []string
	for _, code := range l.SKUs {
		out = append(out, limitName(f, code, skus))
	}
	return out
}

func limitName(f *ui.Frame, code string, skus []catalog.SKU) string {
	for _, s := range skus {
		if s.Code == code {
			return s.NameIn(f.Lang())
		}
	}
	return f.T("limit.gone", "CODE", code)
}

// LimitRefusal says why a limit does not allow so many pieces more and what can be done instead; "" when it allows them.
func LimitRefusal(f *ui.Frame, l *catalog.PurchaseLimit, had catalog.Taken, quantity int64) string {
	switch l.Refuses(had, quantity) {
	case catalog.LimitOrders:
		if l.Days > 0 {
			return f.T("limit.refused.orders.days", "DAYS", l.Days)
		}
		return f.T("limit.refused.orders")
	case catalog.LimitPieces:
		if left := l.PiecesLeft(had); left > 0 {
			return f.T("limit.refused.pieces", "N", left)
		}
		if l.Days > 0 {
			return f.T("limit.refused.none.days", "DAYS", l.Days)
		}
		return f.T("limit.refused.none")
	case catalog.LimitOneAtATime:
		return f.T("limit.refused.once")
	}
	return ""
}
