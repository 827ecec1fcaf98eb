//go:build linux

package crashtest

import (
	"context"
	"fmt"
	"net/http"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/ground/money"
)

// outcome is what an order has to come to.
type outcome int

const (
	delivered outcome = iota
	refunded          // the seller refused for good and has nothing
	orphaned          // refunded, but the seller may have made the instance
)

// found is what one line of a bought order came to.
type found struct {
	order, line, lineStatus, seller  string
	instance, status, sellerInstance string
	orderStatus                      string
	orphaned                         bool
	creates, unknown, refunds        int64 // attempts of newInstance; refunds posted
}

// facts are what the checks found, for the report.
type facts struct {
	orders, delivered, refunded, creates, repeated, unknown int
}

// check compares the three records: orders and instances, ledger, and the sellers'
// own. want is what every order has to come to.
func (w *world) check(orders map[string]string, want outcome) (f facts) {
	w.t.Helper()
	lines := w.lines()
	f.orders = len(orders)

	// No order lost, none made twice by a repeated request.
	byOrder := map[string]found{}
	for _, l := range lines {
		if _, twice := byOrder[l.order]; twice {
			w.complain("order %s has two lines", l.order)
		}
		byOrder[l.order] = l
		if _, ours := orders[l.order]; !ours {
			w.complain("order %s (%s) exists although nobody was told of it", l.order, l.orderStatus)
		}
	}
	sold := map[string]int{} // by generation
	for id, g := range orders {
		l, there := byOrder[id]
		if !there {
			w.complain("order %s is lost", id)
			continue
		}
		f.creates += int(l.creates)
		f.unknown += int(l.unknown)
		if l.creates > 1 {
			f.repeated++
		}
		wantLine, wantInstance, wantRefunds := "DELIVERED", "ACTIVE", int64(0)
		if want != delivered {
			wantLine, wantInstance, wantRefunds = "REFUNDED", "FAILED", 1
			f.refunded++
		} else {
			sold[g]++
			f.delivered++
			if l.sellerInstance == "" {
				w.complain("order %s is delivered without the seller's instanceId", id)
			}
		}
		if l.orderStatus != "COMPLETED" || l.lineStatus != wantLine || l.status != wantInstance || l.refunds != wantRefunds {
			w.complain("order %s: order %s, line %s, instance %s, %d refunds; want COMPLETED, %s, %s, %d",
				id, l.orderStatus, l.lineStatus, l.status, l.refunds, wantLine, wantInstance, wantRefunds)
		}
		if l.orphaned != (want == orphaned) {
			w.complain("order %s: marked as possibly orphaned: %v", id, l.orphaned)
		}
		if l.creates == 0 {
			w.complain("order %s came to its end without a call to the seller", id)
		}
	}
	w.checkLedger(sold)
	w.checkNotifications(len(lines))
	w.checkSellers(lines, want)
	return f
}

// lines reads every line of a NEW order with its instance and calls.
func (w *world) lines() (all []found) {
	w.read(func(ctx context.Context, tx *database.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `SELECT o.id, o.status, o.possibly_orphaned, o.seller_id, l.id, l.status, COALESCE(i.id, ''), COALESCE(i.status, ''), COALESCE(i.seller_instance_id, ''),
				(SELECT COUNT(*) FROM attempt a WHERE a.order_line_id = l.id AND a.activity = 'newInstance'),
				(SELECT COUNT(*) FROM attempt a WHERE a.order_line_id = l.id AND a.activity = 'newInstance' AND a.state = 'unknown'),
				(SELECT COUNT(*) FROM ledger_transaction t WHERE t.kind = 'refund-before-capture' AND t.ref = l.id)
			FROM orders o JOIN order_line l ON l.order_id = o.id LEFT JOIN instance i ON i.order_line_id = l.id
			WHERE o.type = 'NEW' ORDER BY l.id`)
		if err != nil {
			return err
		}
		for rows.Next() {
			var l found
			if err := rows.Scan(&l.order, &l.orderStatus, &l.orphaned, &l.seller, &l.line, &l.lineStatus, &l.instance, &l.status, &l.sellerInstance, &l.creates, &l.unknown, &l.refunds); err != nil {
				return err
			}
			all = append(all, l)
		}
		return rows.Err()
	})
	return all
}

// checkLedger: every transaction balances, every account is the sum of its entries,
// and the money is where the deliveries say.
func (w *world) checkLedger(sold map[string]int) {
	w.t.Helper()
	want := map[string]int64{
		"bank":                                         -balance,
		"buyer:" + w.buyerID + ":held":                 0,
		"buyer:" + w.buyerID + ":available":            balance,
		"seller:" + w.sellers[v1].company + ":pending": 0,
		"seller:" + w.sellers[v2].company + ":pending": 0,
	}
	for g, n := range sold {
		want["seller:"+w.sellers[g].company+":pending"] += int64(n) * price
		want["buyer:"+w.buyerID+":available"] -= int64(n) * price
	}
	w.read(func(ctx context.Context, tx *database.Tx) error {
		var unbalanced, total, differing int64
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM (SELECT transaction_id FROM ledger_entry GROUP BY transaction_id HAVING SUM(amount) <> 0) AS bad`).Scan(&unbalanced); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM ledger_account`).Scan(&total); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM ledger_account a WHERE a.balance <> (SELECT COALESCE(SUM(e.amount), 0) FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id
				WHERE e.account = a.name AND t.currency = a.currency)`).Scan(&differing); err != nil {
			return err
		}
		if unbalanced != 0 || total != 0 || differing != 0 {
			w.complain("ledger: %d transactions do not balance, the accounts sum to %d, %d accounts differ from their entries", unbalanced, total, differing)
		}
		rows, err := tx.Query(ctx, `SELECT name, balance FROM ledger_account ORDER BY name`)
		if err != nil {
			return err
		}
		got := map[string]int64{}
		for rows.Next() {
			var name string
			var sum int64
			if err := rows.Scan(&name, &sum); err != nil {
				return err
			}
			got[name] = sum
		}
		for name, sum := range want {
			if got[name] != sum {
				w.complain("ledger: %s holds %s, want %s", name, money.Amount(got[name]), money.Amount(sum))
			}
		}
		for name, sum := range got {
			if _, known := want[name]; !known && sum != 0 {
				w.complain("ledger: %s holds %s, which nobody expects", name, money.Amount(sum))
			}
		}
		return rows.Err()
	})
}

// hanging counts the calls that are still open or have to be made yet, deliveries
// and notifications.
func (w *world) hanging() (n int64) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, `SELECT (SELECT COUNT(*) FROM attempt WHERE state = 'running') +
			(SELECT COUNT(*) FROM job WHERE lane <> 'platform' AND state IN ('running', 'queued', 'waiting'))`).Scan(&n)
	})
	return n
}

// checkNotifications: every order was made known to its seller, each refund too.
func (w *world) checkNotifications(orders int) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx *database.Tx) error {
		var told, all int
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM job WHERE lane LIKE 'notify:%' AND state = 'done'`).Scan(&told); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM orders`).Scan(&all); err != nil {
			return err
		}
		if told != all || all < orders {
			w.complain("%d orders were made known to their sellers, of %d", told, all)
		}
		return nil
	})
}

// checkSellers compares with what the sellers wrote on their own disks: one
// instance per delivered order, under the id that the marketplace knows, none that
// no order asked for, and never two for one order.
func (w *world) checkSellers(lines []found, want outcome) {
	w.t.Helper()
	for g, s := range w.sellers {
		byOrder := map[string][]string{}
		for _, i := range w.sellerRecord(s) {
			byOrder[i.order] = append(byOrder[i.order], i.id)
		}
		for _, l := range lines {
			if l.seller != s.company {
				continue
			}
			has := byOrder[l.order]
			delete(byOrder, l.order)
			switch {
			case want == refunded && len(has) != 0:
				w.complain("order %s was refunded, but the seller %s made %v", l.order, g, has)
			case want == orphaned && len(has) != 1:
				w.complain("order %s: the seller %s made %v, want the one it was asked for so often", l.order, g, has)
			case want == delivered && (len(has) != 1 || has[0] != l.sellerInstance):
				w.complain("order %s: the seller %s made %v, the marketplace knows %q", l.order, g, has, l.sellerInstance)
			}
		}
		for order, ids := range byOrder {
			w.complain("the seller %s made %v for %s, which is no order", g, ids, order)
		}
	}
}

// read runs f on the database itself, beside the marketplace.
func (w *world) read(f func(ctx context.Context, tx *database.Tx) error) {
	w.t.Helper()
	if err := w.db.Read(w.t.Context(), f); err != nil {
		w.t.Fatalf("look into the database: %v", err)
	}
}

// checkAccountsOverAPI: the ledger page of the operator says the same.
func (w *world) checkAccountsOverAPI() {
	w.t.Helper()
	var page struct {
		Items []struct{ Name, Currency, Balance string }
		Next  string
	}
	sum := money.Amount(0)
	path := "/ledger/accounts"
	for {
		if err := w.call([]string{w.address}, http.MethodGet, path, w.operator, nil, &page); err != nil {
			w.t.Fatal(err)
		}
		for _, a := range page.Items {
			n, err := money.Parse(a.Balance)
			if err != nil {
				w.t.Fatalf("account %s: %v", a.Name, err)
			}
			sum += n
		}
		if page.Next == "" {
			break
		}
		path = fmt.Sprintf("/ledger/accounts?page=%s", page.Next)
		page.Next, page.Items = "", nil
	}
	if sum != 0 {
		w.complain("the accounts that the API shows sum to %s", sum)
	}
}
