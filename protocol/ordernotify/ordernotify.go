package ordernotify

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/protocol/production"
	"github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/wirejson"
)

// Activity is the value of the member activity.
const Activity v2.Activity = "orderNotify"

// Notice tells of one order line.
type Notice struct {
	OrderID     string
	OrderLineID string
}

// Body writes the canonical body. Unlike the deliveries it always has a testFlag:
// "1" when debugging, "0" otherwise.
// spec: 12 §1
func (n Notice) Body(debug bool) ([]byte, error) {
	flag := "0"
	if debug {
		flag = "1"
	}
	for name, value := range map[string]string{"orderId": n.OrderID, "orderLineId": n.OrderLineID} {
		if count := utf8.RuneCountInString(value); count == 0 || count > 64 {
			return nil, &v2.FieldError{Field: name, Problem: fmt.Sprintf("has %d characters, 1 to 64 are allowed", count)}
		}
	}
	return wirejson.Canonical(wirejson.Obj{
		"activity": string(Activity), "orderId": wirejson.Spell(n.OrderID), "orderLineId": wirejson.Spell(n.OrderLineID), "testFlag": flag,
	})
}

// Build makes the complete signed request for the notification address.
// spec: 12 §1
func Build(n Notice, debug bool, address v2.Address, accessKey, nonce string, now time.Time) (production.Request, error) {
	body, err := n.Body(debug)
	if err != nil {
		return production.Request{}, err
	}
	return v2.Post(body, address, accessKey, nonce, now), nil
}

// Judge says what the answer means.
// spec: 12 §1
func Judge(answer production.Answer, debug bool) production.Verdict {
	return v2.Judge(Activity, answer, v2.Judging{Debugging: debug})
}
