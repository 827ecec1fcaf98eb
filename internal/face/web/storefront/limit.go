package storefront

import (
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/trade"
)

// limit is what a purchase limit (限购) says of the chosen specification. // spec: 22 §2.4
type limit struct {
	Lines   []desk.LimitLine
	Refused string // why the reader's company cannot order what it chose, and what to do instead
	Pieces  bool   // the number of pieces is what is refused
	Fewer   bool   // and a smaller one is not
}

// limit puts the limit of what was quoted into words, and for buyers what is left of it.
func (r *Room) limit(c *ui.Call, q trade.Quote, skus []catalog.SKU) (out limit, err error) {
	a, err := r.Trade.Allowance(c.R.Context(), c.Actor, q)
	if err != nil || a.Limit == nil {
		return out, err
	}
	out.Lines = desk.LimitWords(c.Frame, a.Limit, skus, a.Taken)
	if a.Taken != nil {
		quantity := max(q.Quantity, 1)
		out.Refused = desk.LimitRefusal(c.Frame, a.Limit, *a.Taken, quantity)
		out.Pieces = a.Limit.Refuses(*a.Taken, quantity) == catalog.LimitPieces
		out.Fewer = out.Pieces && a.Limit.PiecesLeft(*a.Taken) > 0
	}
	return out, nil
}
