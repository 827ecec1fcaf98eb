package isv

import (
	"context"
	"slices"

	"github.com/souk-market/souk/protocol/license"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/wirejson"
)

// LicenseCodes is a Seller of licences by authorisation code, who wants to hear of a
// code's changes. Without it such calls are answered with 000002.
// spec: 12 §2.1
type LicenseCodes interface {
	// RenewCode stores the new end of a code.
	RenewCode(ctx context.Context, r CodeRenewal) error
	// FreezeCode makes a code unusable until it is thawed.
	FreezeCode(ctx context.Context, c CodeChange) error
	// UnfreezeCode ends a freeze.
	UnfreezeCode(ctx context.Context, c CodeChange) error
	// ReleaseCode ends a code for good.
	ReleaseCode(ctx context.Context, c CodeChange) error
}

// CodeRenewal is a refreshLicenseCode call.
type CodeRenewal struct {
	License     string
	Scene       string // license.SceneRenewal or license.SceneUnsubscribeRenewal
	OrderID     string // a new one each time
	OrderLineID string
	ProductID   string // may be empty
	ExpireTime  string // the new end, UTC
	Test        bool
}

// CodeChange is a freeze, unfreeze or release of a code.
type CodeChange struct {
	License     string
	OrderID     string // of the unsubscription; may be empty
	OrderLineID string
	Test        bool
}

// aboutCodes tells whether an activity is about authorisation codes.
func aboutCodes(activity string) bool {
	return slices.Contains(license.Activities, v2.Activity(activity))
}

// actLicense runs one verified call about a code.
// spec: 12 §2.1
func (s *Server) actLicense(ctx context.Context, activity v2.Activity, call wirejson.Value) result {
	codes, ok := s.seller.(LicenseCodes)
	if !ok {
		return refused(codeParameter, "authorisation codes are not served here")
	}
	get := func(name string) string { text, _ := call.StringOf(name); return text }
	test, code := get("testFlag") == "1", get("license")
	change := CodeChange{License: code, OrderID: get("orderId"), OrderLineID: get("orderLineId"), Test: test}
	lock := "license/" + code
	name := string(activity)
	switch activity {
	case license.ActivityRefresh:
		renewal := CodeRenewal{License: code, Scene: get("scene"), OrderID: change.OrderID, OrderLineID: change.OrderLineID,
			ProductID: get("productId"), ExpireTime: get("expireTime"), Test: test}
		if renewal.Scene != license.SceneRenewal && renewal.Scene != license.SceneUnsubscribeRenewal {
			return refused(codeParameter, "scene is unknown")
		}
		key := prefix("code-renew", test) + code + "/" + renewal.OrderID + "/" + renewal.OrderLineID
		return s.outcome(name, test, s.once(key, lock, func() error { return codes.RenewCode(ctx, renewal) }))
	case license.ActivityStatus:
		act := codes.FreezeCode
		switch get("status") {
		case license.StatusFreeze:
		case license.StatusUnfreeze:
			act = codes.UnfreezeCode
		default:
			return refused(codeParameter, "status is unknown")
		}
		return s.outcome(name, test, s.always(lock, func() error { return act(ctx, change) }))
	default:
		return s.outcome(name, test, s.once(prefix("code-release", test)+code, lock, func() error { return codes.ReleaseCode(ctx, change) }))
	}
}
