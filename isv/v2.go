package isv

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/souk-market/souk/protocol/license"
	"github.com/souk-market/souk/protocol/ordernotify"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/wirejson"
)

// serveV2 answers a POST. Refusals are HTTP 200 with a result code, like every
// other answer; nothing is signed.
// spec: 11 §1
func (s *Server) serveV2(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequest))
	if err != nil {
		s.writeV2(w, refused(codeParameter, "body is too long or broke off"))
		return
	}
	// The activity decides which key counts, so it is read before it is trusted.
	call, parsed := wirejson.ParseObject(body)
	activity, _ := call.StringOf("activity")
	keys := s.config.Keys
	switch {
	case v2.Activity(activity) == ordernotify.Activity:
		keys = s.config.NotifyKeys
	case aboutCodes(activity):
		keys = s.config.LicenseKeys
	}
	now := s.config.Now()
	verified, err := v2.Verify(r.URL.RawQuery, body, now, keys...)
	var wrong *v2.VerifyError
	if errors.As(err, &wrong) {
		s.config.Log.Warn("call refused", "activity", activity, "reason", wrong.Problem)
		s.writeV2(w, refused(wrong.Code, wrong.Problem))
		return
	}
	if !s.nonces.fresh(verified.Nonce, now) {
		s.config.Log.Warn("call refused", "activity", activity, "reason", "nonce was used before")
		s.writeV2(w, refused(codeParameter, "nonce was used before"))
		return
	}
	if parsed != nil {
		s.writeV2(w, refused(codeParameter, parsed.Error()))
		return
	}
	s.writeV2(w, s.actV2(acting(r), v2.Activity(activity), call))
}

func (s *Server) writeV2(w http.ResponseWriter, answer result) {
	body, err := wirejson.Canonical(wirejson.Obj(answer))
	if err != nil {
		s.config.Log.Error("answer cannot be written", "error", err)
		body = []byte(`{"resultCode":"000005","resultMsg":"internal error"}`)
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(body); err != nil {
		s.config.Log.Warn("answer not delivered", "error", err)
	}
}

// actV2 runs one verified call.
func (s *Server) actV2(ctx context.Context, activity v2.Activity, call wirejson.Value) result {
	get := func(name string) string { text, _ := call.StringOf(name); return text }
	if missing := missingV2(activity, call); missing != "" {
		return refused(codeParameter, missing+" is missing")
	}
	test := get("testFlag") == "1"
	instance, order, line := get("instanceId"), get("orderId"), get("orderLineId")
	change := Change{Generation: V2, InstanceID: instance, OrderID: order, OrderLineID: line, Test: test}
	name := string(activity)
	switch activity {
	case v2.ActivityNewInstance:
		c := Creation{Generation: V2, OrderID: order, OrderLineID: line, BusinessID: get("businessId"), Test: test}
		id, err := s.create(ctx, prefix("v2", test)+order+"/"+line, c, s.seller.Create)
		if err != nil {
			return s.failure(name, err)
		}
		answer := s.success()
		answer["instanceId"] = id
		return answer
	case v2.ActivityQueryInstance:
		return s.queryV2(ctx, strings.Split(instance, ","))
	case v2.ActivityRefreshInstance:
		scene := get("scene")
		renewal := Renewal{Generation: V2, InstanceID: instance, OrderID: order, OrderLineID: line, ProductID: get("productId"),
			ExpireTime: get("expireTime"), Scene: scene, TrialToFormal: scene == v2.SceneTrialToFormal, Test: test}
		return s.outcome(name, test, s.once(prefix("renew", test)+instance+"/"+order+"/"+line, instance, func() error {
			return s.seller.Renew(ctx, renewal)
		}))
	case v2.ActivityUpdateInstanceStatus:
		return s.statusV2(ctx, change, get("status"))
	case v2.ActivityReleaseInstance:
		return s.outcome(name, test, s.once(prefix("release", test)+instance, instance, func() error {
			return s.seller.Release(ctx, change)
		}))
	case v2.ActivityUpgradeInstance:
		upgrade := Upgrade{Generation: V2, InstanceID: instance, OrderID: order, OrderLineID: line, Test: test}
		return s.outcome(name, test, s.once(prefix("upgrade", test)+instance+"/"+order+"/"+line, instance, func() error {
			return s.seller.Upgrade(ctx, upgrade)
		}))
	case v2.ActivityChangeInstanceCheck:
		return s.checkChange(ctx, instance, test, call)
	case license.ActivityRefresh, license.ActivityStatus, license.ActivityRelease:
		return s.actLicense(ctx, activity, call)
	case ordernotify.Activity:
		listener, ok := s.seller.(OrderListener)
		if !ok {
			return s.success()
		}
		return s.outcome(name, false, listener.OrderNotified(ctx, Notice{OrderID: order, OrderLineID: line, Test: test}))
	default:
		return refused(codeParameter, "activity is unknown")
	}
}

func missingV2(activity v2.Activity, call wirejson.Value) string {
	var need []string
	switch activity {
	case v2.ActivityNewInstance:
		need = []string{"orderId", "orderLineId", "businessId"}
	case ordernotify.Activity:
		need = []string{"orderId", "orderLineId"}
	case v2.ActivityRefreshInstance:
		need = []string{"instanceId", "orderId", "orderLineId", "scene", "expireTime"}
	case v2.ActivityUpgradeInstance:
		need = []string{"instanceId", "orderId", "orderLineId"}
	case v2.ActivityUpdateInstanceStatus:
		need = []string{"instanceId", "status"}
	case license.ActivityRefresh:
		need = []string{"license", "scene", "orderId", "orderLineId", "expireTime"}
	case license.ActivityStatus:
		need = []string{"license", "status"}
	case license.ActivityRelease:
		need = []string{"license"}
	case v2.ActivityQueryInstance, v2.ActivityReleaseInstance, v2.ActivityChangeInstanceCheck:
		need = []string{"instanceId"}
	}
	for _, name := range need {
		if text, ok := call.StringOf(name); !ok || text == "" {
			return name
		}
	}
	return ""
}

func (s *Server) statusV2(ctx context.Context, change Change, status string) result {
	var err error
	switch status {
	case v2.StatusFreeze:
		err = s.always(change.InstanceID, func() error { return s.seller.Freeze(ctx, change) })
	case v2.StatusUnfreeze:
		err = s.always(change.InstanceID, func() error { return s.seller.Unfreeze(ctx, change) })
	default:
		return refused(codeParameter, "status is unknown")
	}
	return s.outcome("updateInstanceStatus", change.Test, err)
}

// checkChange reads productInfo in both forms.
// spec: 11 §4.7, 02 §2.6
func (s *Server) checkChange(ctx context.Context, instance string, test bool, call wirejson.Value) result {
	product, present := call.Get("productInfo")
	if present && product.Kind == wirejson.String {
		parsed, err := wirejson.ParseObject([]byte(product.Text))
		if err != nil {
			return refused(codeParameter, "productInfo is malformed")
		}
		product = parsed
	}
	if !present || product.Kind != wirejson.Object {
		return refused(codeParameter, "productInfo is missing or malformed")
	}
	checker, ok := s.seller.(ChangeChecker)
	if !ok {
		return s.success()
	}
	wanted := SizeChange{InstanceID: instance, Test: test}
	wanted.SKUCode, _ = product.StringOf("skuCode")
	wanted.ProductID, _ = product.StringOf("productId")
	if linear, present := product.Get("linearValue"); present {
		wanted.LinearValue = linear.Text
	}
	return s.outcome("changeInstanceCheck", test, checker.CheckChange(ctx, wanted))
}

// queryV2 answers "being processed" while the only instance asked for is not ready.
// spec: 11 §4.2, §6
func (s *Server) queryV2(ctx context.Context, ids []string) result {
	info := []any{}
	missing := ErrNoInstance
	for _, id := range ids {
		entry, err := s.seller.Describe(ctx, id)
		if errors.Is(err, ErrNoInstance) {
			continue
		}
		if errors.Is(err, ErrNotReady) {
			missing = ErrNotReady
			continue
		}
		if err != nil {
			return s.failure("queryInstance", err)
		}
		app := wirejson.Obj{"frontEndUrl": entry.FrontEndURL}
		put(app, "adminUrl", entry.AdminURL)
		put(app, "userName", entry.UserName)
		put(app, "password", entry.Password)
		put(app, "memo", entry.Memo)
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
		return s.failure("queryInstance", missing)
	}
	answer := s.success()
	answer["info"] = info
	return answer
}
