package delivery

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/souk-market/souk/internal/domain/catalog"
	domain "github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/engine/outbound"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/crash"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/trade"
	"github.com/souk-market/souk/protocol/ordernotify"
	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/sealed"
)

// message is one request, rendered and signed.
type message struct {
	activity   string
	businessID string
	request    production.Request
	creates    bool   // newInstance: a late answer may carry the id
	polls      bool   // queryInstance while an instance is being made
	sentLabel  string // crash label once the last byte is written
}

// Reasons of failures before anything is sent, beside those of the wire.
const (
	reasonNoAddress = production.Reason("no-address")
	reasonNoKey     = production.Reason("no-key")
	reasonField     = production.Reason("cannot-send")
	reasonIDUsed    = production.Reason("instance-id-used")
)

var (
	errNoAddress = errors.New("no production address on a proved domain is registered for this product")
	errNoKey     = errors.New("no interconnection key is set for this interface class")
)

func reasonOf(err error) production.Reason {
	switch {
	case errors.Is(err, errNoAddress):
		return reasonNoAddress
	case errors.Is(err, errNoKey):
		return reasonNoKey
	}
	return reasonField
}

// render makes the request of a plan. Time stamp, nonce and businessId are taken
// now, not when the job was queued. // spec: 02 §2.3
func (d *Delivery) render(p *plan) (m message, err error) {
	m = message{activity: activityName(p), sentLabel: crash.RequestSent, creates: p.what == domain.Create && p.call.Phase == "", polls: p.call.Phase == trade.PhasePoll}
	if m.polls {
		m.sentLabel = crash.PollSent
	}
	if m.creates {
		m.businessID = ident.UUID()
		if p.product.Settings.StableBusinessID && p.line.FirstBusinessID != "" {
			m.businessID = p.line.FirstBusinessID
		}
	}
	if p.address == "" {
		return m, errNoAddress
	}
	if len(p.keys) == 0 {
		return m, errNoKey
	}
	if p.product.Protocol == catalog.V1 && p.what != domain.Notify {
		m.request, err = d.renderV1(p, m)
	} else {
		m.request, err = d.renderV2(p, m)
	}
	return m, err
}

// activityName is the wire's name of the call.
func activityName(p *plan) string {
	one := p.product.Protocol == catalog.V1
	switch p.what {
	case domain.Create:
		if p.call.Phase == trade.PhasePoll {
			return string(v2.ActivityQueryInstance)
		}
		return string(v1.ActivityNewInstance)
	case domain.Refresh:
		return string(v1.ActivityRefreshInstance)
	case domain.Upgrade:
		if one {
			return string(v1.ActivityUpgrade)
		}
		return string(v2.ActivityUpgradeInstance)
	case domain.Check:
		return string(v2.ActivityChangeInstanceCheck)
	case domain.Release:
		return string(v1.ActivityReleaseInstance)
	case domain.Notify:
		return string(ordernotify.Activity)
	case domain.Expire:
		if one {
			return string(v1.ActivityExpireInstance)
		}
	}
	return string(v2.ActivityUpdateInstanceStatus)
}

func (d *Delivery) renderV1(p *plan, m message) (production.Request, error) {
	address, err := v1.ParseAddress(p.address)
	if err != nil {
		return production.Request{}, err
	}
	s := p.product.Settings
	settings := v1.Settings{AlwaysSendTestFlag: s.AlwaysSendTestFlag}
	if optional, set := s.Profile[m.activity]; set {
		settings.Optional = append([]string{}, optional...)
	}
	var call v1.Call
	switch p.what {
	case domain.Create:
		n := v1.NewInstance{
			CustomerID: p.buyer.ID, CustomerName: p.buyer.Name, BusinessID: m.businessID, OrderID: p.order.ID, SKUCode: p.line.SKUCode, ProductID: p.line.OfferID,
			ChargingMode: chargingV1(p.line.Charging), PeriodType: string(p.line.PeriodType), PeriodNumber: p.line.PeriodNumber, OrderAmount: p.call.Amount,
		}
		if p.line.PeriodType == catalog.Day { // trials have no period members // spec: 01 §2.6
			n.Trial, n.PeriodType, n.PeriodNumber = true, "", 0
		}
		if !p.line.AnnouncedExpiry.IsZero() {
			n.ExpireTime = v1.ExpireTime(p.line.AnnouncedExpiry, d.k.ExpireZone)
		}
		if p.line.Linear {
			n.Quantity.Amount = p.line.Quantity
		}
		if s.SendUser && p.person.ID != "" {
			n.UserID, n.UserName = p.person.ID, p.person.Name
		}
		if n.MobilePhone, err = p.contact(s.SendMobile, p.buyer.Mobile, p.person.Mobile); err != nil {
			return production.Request{}, err
		}
		if n.Email, err = p.contact(s.SendEmail, p.buyer.Email, p.person.Email); err != nil {
			return production.Request{}, err
		}
		call = n
	case domain.Refresh:
		call = v1.RefreshInstance{OrderID: p.order.ID, InstanceID: p.inst.SellerInstanceID, ProductID: p.call.OfferID, ExpireTime: v1.ExpireTime(clock.FromMicros(p.call.Expiry), d.k.ExpireZone),
			PeriodType: string(p.line.PeriodType), PeriodNumber: p.line.PeriodNumber, OrderAmount: p.call.Amount, TrialToFormal: p.call.Scene == trade.SceneConvert}
	case domain.Upgrade:
		u := v1.Upgrade{InstanceID: p.inst.SellerInstanceID, OrderID: p.order.ID, SKUCode: p.line.SKUCode, ProductID: p.line.OfferID}
		if p.line.Linear {
			u.Quantity.Amount = p.line.Quantity
		}
		call = u
	case domain.Expire:
		call = v1.ExpireInstance{InstanceID: p.inst.SellerInstanceID, OrderID: p.inst.OrderID}
	case domain.Release:
		call = v1.ReleaseInstance{InstanceID: p.inst.SellerInstanceID, OrderID: p.inst.OrderID, OrderAmount: p.call.Amount}
	default:
		return production.Request{}, fmt.Errorf("the first generation has no call %q", p.what)
	}
	key, now, _ := d.signing(p, m.activity, "")
	return v1.Build(call, settings, address, key, now)
}

// contact seals a buyer's mobile number or address for the seller; "" where the
// product does not ask for it or nothing is known. // spec: 10 §2.2, §6.4
func (p *plan) contact(wanted bool, candidates ...string) (string, error) {
	if !wanted {
		return "", nil
	}
	for _, c := range candidates {
		if c = strings.TrimSpace(c); c != "" {
			bits := sealed.AES256
			if p.product.Settings.SealBits == 128 {
				bits = sealed.AES128
			}
			return sealed.SealWithIV(p.keys[0], bits, p.contactIV(c), c)
		}
	}
	return "", nil
}

// contactIV is the same for every repetition of one order, so that two sends differ
// in nothing but businessId and stamp, and for nobody without the key to foresee.
// spec: 10 §12.3
func (p *plan) contactIV(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	h := hmac.New(sha256.New, []byte(p.keys[0]))
	h.Write([]byte("souk contact iv\x00" + p.line.ID + "\x00" + text))
	iv := make([]byte, 16)
	for i, b := range h.Sum(nil)[:16] {
		iv[i] = alphabet[int(b)%len(alphabet)]
	}
	return string(iv)
}

func chargingV1(c order.Charging) v1.ChargingMode {
	switch c {
	case order.OneTime:
		return v1.OneTime
	case order.OnDemand:
		return v1.PayPerUse
	case order.OnDemandPackage:
		return v1.Package
	}
	return v1.Period
}

func (d *Delivery) renderV2(p *plan, m message) (production.Request, error) {
	address, err := v2.ParseAddress(p.address)
	if err != nil {
		return production.Request{}, err
	}
	key, now, nonce := d.signing(p, m.activity, ident.Nonce())
	var call v2.Call
	switch {
	case p.what == domain.Notify:
		return ordernotify.Build(ordernotify.Notice{OrderID: p.order.ID, OrderLineID: p.line.ID}, false, address, key, nonce, now)
	case m.polls:
		call = v2.QueryInstance{InstanceIDs: []string{p.inst.SellerInstanceID}}
	case p.what == domain.Create:
		call = v2.NewInstance{OrderID: p.order.ID, OrderLineID: p.line.ID, BusinessID: m.businessID}
	case p.what == domain.Refresh:
		call = v2.RefreshInstance{Scene: p.call.Scene, OrderID: p.order.ID, OrderLineID: p.line.ID, InstanceID: p.inst.SellerInstanceID, ProductID: p.call.OfferID,
			ExpireTime: v2.ExpireTime(clock.FromMicros(p.call.Expiry))}
	case p.what == domain.Upgrade:
		call = v2.UpgradeInstance{InstanceID: p.inst.SellerInstanceID, OrderID: p.order.ID, OrderLineID: p.line.ID}
	case p.what == domain.Check:
		call = v2.ChangeInstanceCheck{InstanceID: p.inst.SellerInstanceID, AsString: p.product.Settings.ProductInfoText,
			Product: v2.ProductInfo{SKUCode: p.call.SKUCode, ProductID: p.call.OfferID, LinearValue: p.call.Linear}}
	case p.what == domain.Expire:
		call = v2.UpdateInstanceStatus{InstanceID: p.inst.SellerInstanceID, Status: v2.StatusFreeze}
	case p.what == domain.Thaw:
		call = v2.UpdateInstanceStatus{InstanceID: p.inst.SellerInstanceID, Status: v2.StatusUnfreeze}
	case p.what == domain.Release:
		r := v2.ReleaseInstance{InstanceID: p.inst.SellerInstanceID}
		if p.order.Type == order.Unsubscribe { // only then an order is named // spec: 11 §4.5
			r.OrderID, r.OrderLineID = p.order.ID, p.line.ID
		}
		call = r
	default:
		return production.Request{}, fmt.Errorf("the second generation has no call %q", p.what)
	}
	return v2.Build(call, false, address, key, nonce, now)
}

// pollState is what one look at an instance being made says.
type pollState = v2.PollState

// Came is what came of a call, in the words of the protocol.
func Came(a outbound.Answer) production.Answer {
	answer := production.Answer{Status: a.Status, Headers: a.Header, Body: a.Body}
	switch a.Reason {
	case "":
	case outbound.ReasonTimeout:
		answer.TimedOut = true
	case outbound.ReasonTooLarge:
		answer.TooLarge = true
		if answer.Status == 0 {
			answer.Status = 200
		}
	default:
		answer.TransportErr = a.Err
	}
	return answer
}

// judge says what an answer means.
func (d *Delivery) judge(p *plan, m message, a outbound.Answer) reply {
	r := reply{status: a.Status, sent: a.SentBytes, received: a.ReceivedBytes, wrote: a.WroteRequest, took: a.Duration}
	answer := Came(a)
	if a.Err != nil {
		r.detail = a.Reason + ": " + a.Err.Error()
	}
	switch {
	case p.what == domain.Notify:
		r.verdict = ordernotify.Judge(answer, false)
	case m.polls:
		r.poll, r.verdict = v2.JudgePoll(p.inst.SellerInstanceID, answer, p.product.Settings.ReadyWithoutInfo, p.keys...)
	case p.product.Protocol == catalog.V1:
		r.verdict = v1.Judge(v1.Activity(m.activity), answer, v1.Judging{LenientContentType: p.product.Settings.LenientContentType}, p.keys...)
	default:
		r.verdict = v2.Judge(v2.Activity(m.activity), answer, v2.Judging{}, p.keys...)
	}
	// Blocked by our own policy, or no name behind the address: nothing can have happened.
	if r.verdict.Unknown && !a.WroteRequest && (a.Reason == outbound.ReasonBlocked || a.Reason == outbound.ReasonInvalid) {
		r.verdict.Unknown, r.verdict.Reason = false, reasonField
	}
	return r
}
