package isv

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	v1 "github.com/souk-market/souk/protocol/production/v1"
	"github.com/souk-market/souk/protocol/sealed"
	"github.com/souk-market/souk/protocol/wirejson"
)

func statisticalTime(t time.Time) string { return v1.TimeStamp(t) }

// serveV1 answers a GET: every answer is HTTP 200, JSON and signed, refusals too.
// spec: 10 §1.1, §6.2
func (s *Server) serveV1(w http.ResponseWriter, r *http.Request) {
	request, err := v1.Verify(r.URL.RawQuery, s.config.Keys...)
	if err != nil {
		s.config.Log.Warn("call refused", "reason", err)
		s.writeV1(w, s.config.Keys[0], refused(codeAuth, err.Error()))
		return
	}
	if !s.timely(request.Params["timeStamp"]) {
		s.config.Log.Warn("call refused", "reason", "timeStamp is too old or too new")
		s.writeV1(w, s.keyOf(request), refused(codeParameter, "timeStamp is malformed or too far from the clock, which is UTC"))
		return
	}
	s.writeV1(w, s.keyOf(request), s.actV1(acting(r), request))
}

// timely reports whether a timeStamp of V1 lies in the window that the seller chose.
// spec: 10 §1.3
func (s *Server) timely(stamp string) bool {
	if s.config.StampWindow == 0 {
		return true
	}
	if len(stamp) != len("yyyyMMddHHmmssSSS") {
		return false
	}
	at, err := time.Parse("20060102150405.000", stamp[:14]+"."+stamp[14:])
	return err == nil && at.Sub(s.config.Now()).Abs() <= s.config.StampWindow
}

// keyOf is the key that the marketplace used: the answer is signed and encrypted
// with it, so that the two sides may rotate their keys at different moments.
func (s *Server) keyOf(request v1.Verified) string { return s.config.Keys[request.KeyIndex] }

func (s *Server) writeV1(w http.ResponseWriter, key string, answer result) {
	body, err := wirejson.Canonical(wirejson.Obj(answer))
	if err != nil {
		s.config.Log.Error("answer cannot be written", "error", err)
		body = []byte(`{"resultCode":"000005","resultMsg":"internal error"}`)
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set(v1.BodySignHeader, v1.MakeBodySign(key, body))
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(body); err != nil {
		s.config.Log.Warn("answer not delivered", "error", err)
	}
}

// actV1 runs one verified call.
func (s *Server) actV1(ctx context.Context, request v1.Verified) result {
	p := request.Params
	test := p["testFlag"] == "1"
	change := Change{Generation: V1, InstanceID: p["instanceId"], OrderID: p["orderId"], OrderAmount: p["orderAmount"], Test: test}
	activity := p["activity"]
	if missing := missingV1(v1.Activity(activity), p); missing != "" {
		return refused(codeParameter, missing+" is missing")
	}
	switch v1.Activity(activity) {
	case v1.ActivityNewInstance:
		return s.newInstanceV1(ctx, request)
	case v1.ActivityGetLicense:
		return s.getLicense(ctx, request)
	case v1.ActivityRefreshInstance, v1.ActivityRefreshLicense:
		renewal := Renewal{Generation: V1, InstanceID: p["instanceId"], OrderID: p["orderId"], ProductID: p["productId"],
			ExpireTime: p["expireTime"], TrialToFormal: p["trialToFormal"] == "1", OrderAmount: p["orderAmount"], Test: test}
		return s.outcome(activity, test, s.once(prefix("renew", test)+p["instanceId"]+"/"+p["orderId"], p["instanceId"], func() error {
			return s.seller.Renew(ctx, renewal)
		}))
	case v1.ActivityExpireInstance, v1.ActivityExpireLicense:
		return s.outcome(activity, test, s.always(p["instanceId"], func() error { return s.seller.Freeze(ctx, change) }))
	case v1.ActivityReleaseInstance, v1.ActivityReleaseLicense:
		return s.outcome(activity, test, s.once(prefix("release", test)+p["instanceId"], p["instanceId"], func() error {
			return s.seller.Release(ctx, change)
		}))
	case v1.ActivityUpgrade:
		upgrade := Upgrade{Generation: V1, InstanceID: p["instanceId"], OrderID: p["orderId"], ProductID: p["productId"], SKUCode: p["skuCode"],
			Amount: p["amount"], DiskSize: p["diskSize"], BandWidth: p["bandWidth"], Test: test}
		return s.outcome(activity, test, s.once(prefix("upgrade", test)+p["instanceId"]+"/"+p["orderId"], p["instanceId"], func() error {
			return s.seller.Upgrade(ctx, upgrade)
		}))
	case v1.ActivityInstanceStatus:
		return s.statusV1(ctx, change, p["instanceStatus"])
	case v1.ActivityQueryInstance:
		return s.queryV1(ctx, s.keyOf(request), strings.Split(p["instanceId"], ","))
	default:
		return refused(codeParameter, "activity is unknown")
	}
}

// missingV1 names the first mandatory parameter that a call lacks.
func missingV1(activity v1.Activity, p map[string]string) string {
	need := []string{"instanceId"}
	switch activity {
	case v1.ActivityNewInstance, v1.ActivityGetLicense:
		need = []string{"customerId", "businessId", "orderId", "productId"}
	case v1.ActivityRefreshInstance, v1.ActivityRefreshLicense:
		need = []string{"orderId", "instanceId", "expireTime"}
	case v1.ActivityExpireInstance, v1.ActivityExpireLicense, v1.ActivityReleaseInstance, v1.ActivityReleaseLicense:
		need = []string{"instanceId", "orderId"}
	case v1.ActivityUpgrade:
		need = []string{"instanceId", "orderId", "skuCode", "productId"}
	case v1.ActivityInstanceStatus:
		need = []string{"instanceId", "instanceStatus"}
	case v1.ActivityQueryInstance:
	default:
		return "" // unknown activity, named by the caller
	}
	for _, name := range need {
		if p[name] == "" {
			return name
		}
	}
	return ""
}

func (s *Server) statusV1(ctx context.Context, change Change, status string) result {
	var err error
	switch status {
	case v1.StatusFreeze:
		err = s.always(change.InstanceID, func() error { return s.seller.Freeze(ctx, change) })
	case v1.StatusNormal:
		err = s.always(change.InstanceID, func() error { return s.seller.Unfreeze(ctx, change) })
	default:
		return refused(codeParameter, "instanceStatus is unknown")
	}
	return s.outcome("instanceStatus", change.Test, err)
}

// creationV1 reads the parameters of newInstance and getLicense.
func (s *Server) creationV1(request v1.Verified) Creation {
	p := request.Params
	key := s.keyOf(request)
	return Creation{
		Generation: V1, OrderID: p["orderId"], BusinessID: p["businessId"], Test: p["testFlag"] == "1",
		ProductID: p["productId"], SKUCode: p["skuCode"], CustomerID: p["customerId"], CustomerName: p["customerName"],
		UserID: p["userId"], UserName: p["userName"], MobilePhone: s.open(key, "mobilePhone", p), Email: s.open(key, "email", p),
		ChargingMode: p["chargingMode"], Trial: p["trialFlag"] == "1", ExpireTime: p["expireTime"],
		PeriodType: p["periodType"], PeriodNumber: p["periodNumber"], Amount: p["amount"], DiskSize: p["diskSize"],
		BandWidth: p["bandWidth"], ProvisionType: p["provisionType"], OrderAmount: p["orderAmount"],
		Extensions: s.extensions(p["saasExtendParams"]),
	}
}

func (s *Server) open(key, name string, p map[string]string) string {
	if p[name] == "" {
		return ""
	}
	text, err := sealed.Open(key, s.config.Bits, p[name])
	if err != nil {
		// Usually the key length here differs from the one chosen when publishing.
		s.config.Log.Warn("value is undecryptable", "parameter", name, "bits", s.config.Bits)
	}
	return text
}

// spec: 10 §2.3
func (s *Server) extensions(text string) []Extension {
	if text == "" {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	var all []Extension
	if err := errors.Join(err, json.Unmarshal(raw, &all)); err != nil {
		s.config.Log.Warn("extension parameters are unreadable", "error", err)
		return nil
	}
	return all
}

// keyV1 is what a creation is idempotent by: the order, and the product too where
// one order makes several instances.
// spec: 10 §2.5
func keyV1(kind string, c Creation) string {
	key := prefix(kind, c.Test) + c.OrderID
	if c.ChargingMode == "0" {
		key += "/" + c.ProductID
	}
	return key
}

func (s *Server) newInstanceV1(ctx context.Context, request v1.Verified) result {
	c := s.creationV1(request)
	id, err := s.create(ctx, keyV1("v1", c), c, s.seller.Create)
	if err != nil {
		return s.failure("newInstance", err)
	}
	answer := s.success()
	answer["instanceId"] = id
	answer["encryptType"] = s.encryptType()
	entry, err := s.seller.Describe(ctx, id)
	if err != nil {
		// The instance exists: an answer without entry page is still a success.
		s.config.Log.Warn("instance cannot be described", "instance", id, "error", err)
		return answer
	}
	info, err := s.appInfoV1(entry, s.keyOf(request))
	if err != nil {
		return s.failure("newInstance", err)
	}
	answer["appInfo"] = info
	return answer
}

func (s *Server) encryptType() string {
	if s.config.Bits == sealed.AES128 {
		return "2"
	}
	return "1"
}

// appInfoV1 encrypts the credentials.
// spec: 10 §2.4, §6.3
func (s *Server) appInfoV1(entry Entry, key string) (wirejson.Obj, error) {
	info := wirejson.Obj{"frontEndUrl": entry.FrontEndURL}
	put(info, "adminUrl", entry.AdminURL)
	put(info, "memo", entry.Memo)
	for name, value := range map[string]string{"userName": entry.UserName, "password": entry.Password} {
		if value == "" {
			continue
		}
		wire, err := sealed.Seal(key, s.config.Bits, value, rand.Reader)
		if err != nil {
			return nil, err
		}
		if len(wire) > sealed.MaxCredential {
			return nil, errors.New(name + " is longer than 79 bytes")
		}
		info[name] = wire
	}
	return info, nil
}

func (s *Server) getLicense(ctx context.Context, request v1.Verified) result {
	licenser, ok := s.seller.(Licenser)
	if !ok {
		return refused(codeParameter, "licences are not sold here")
	}
	c := s.creationV1(request)
	id, err := s.create(ctx, keyV1("license", c), c, func(ctx context.Context, c Creation) error {
		_, err := licenser.License(ctx, c)
		return err
	})
	if err != nil {
		return s.failure("getLicense", err)
	}
	c.InstanceID, c.Repeated = id, true
	license, err := licenser.License(ctx, c)
	if err != nil {
		return s.failure("getLicense", err)
	}
	answer := s.success()
	answer["instanceId"], answer["license"] = id, license
	return answer
}

// queryV1 leaves out instances that do not exist or are not ready.
// spec: 10 §3.6
func (s *Server) queryV1(ctx context.Context, key string, ids []string) result {
	info := []any{}
	for _, id := range ids {
		entry, err := s.seller.Describe(ctx, id)
		if errors.Is(err, ErrNoInstance) || errors.Is(err, ErrNotReady) {
			continue
		}
		if err != nil {
			return s.failure("queryInstance", err)
		}
		app, err := s.appInfoV1(entry, key)
		if err != nil {
			return s.failure("queryInstance", err)
		}
		item := wirejson.Obj{"instanceId": id, "appInfo": app}
		if len(entry.Usage) > 0 {
			used, err := usage(entry.Usage)
			if err != nil {
				return s.failure("queryInstance", err)
			}
			item["usageInfo"] = used
		}
		info = append(info, item)
	}
	if len(info) == 0 {
		return refused(codeNoInstance, ErrNoInstance.Error())
	}
	answer := s.success()
	answer["encryptType"], answer["info"] = s.encryptType(), info
	return answer
}
