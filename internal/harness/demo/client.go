package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// Client speaks the management API as one account.
type Client struct {
	Base  string
	Token string
}

var client = &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// Problem is an error the API answered.
type Problem struct {
	Status  int
	Code    string            `json:"code"`
	Message string            `json:"message"`
	Fields  map[string]string `json:"fields"`
}

func (p *Problem) Error() string {
	return fmt.Sprintf("%d %s: %s %v", p.Status, p.Code, p.Message, p.Fields)
}

// Do makes one call; out may be nil. key is the Idempotency-Key, "" for none.
func (c Client) Do(ctx context.Context, method, path, key string, in, out any) error {
	var body, answer []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	if err := c.Raw(ctx, method, path, key, body, &answer); err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// Raw is Do with the bytes as they are; out may be nil.
func (c Client) Raw(ctx context.Context, method, path, key string, body []byte, out *[]byte) error {
	r, err := http.NewRequestWithContext(ctx, method, c.Base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 400 {
		var e struct {
			Error Problem `json:"error"`
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			return fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, raw)
		}
		e.Error.Status = answer.StatusCode
		return fmt.Errorf("%s %s: %w", method, path, &e.Error)
	}
	if out != nil {
		*out = raw
	}
	return nil
}

// The parts of the API's answers that the story reads.
type (
	// Product is a product on sale.
	Product struct {
		ID, Name, Protocol string
		SellerID           string `json:"seller_id"`
		SKUs               []struct {
			Code       string `json:"sku_code"`
			Name       string
			Attributes map[string]string
			Quantity   *struct{ Max int64 } `json:"quantity"`
			Offers     []struct {
				ProductID  string `json:"product_id"`
				PeriodType string `json:"period_type"`
				Price      string
			}
		}
	}
	// Order is an order.
	Order struct {
		ID, Type, Status, Currency, Reason string
		BuyerID                            string `json:"buyer_id"`
		SellerID                           string `json:"seller_id"`
		AmountDeal                         string `json:"amount_deal"`
		AmountPaid                         string `json:"amount_paid"`
		OriginOrderID                      string `json:"origin_order_id"`
		PossiblyOrphaned                   bool   `json:"possibly_orphaned"`
		Source                             string
		Breakdown                          []struct{ Kind, Unit, Amount string }
		Lines                              []struct {
			ID, Status string
			InstanceID string `json:"instance_id"`
			AmountPaid string `json:"amount_paid"`
		}
	}
	// Instance is a service.
	Instance struct {
		ID, Status       string
		SellerID         string `json:"seller_id"`
		OrderID          string `json:"order_id"`
		SellerInstanceID string `json:"seller_instance_id"`
		ExpireAt         string `json:"expire_at"`
		EffectiveAt      string `json:"effective_at"`
		SKUCode          string `json:"sku_code"`
		Quantity         int64
		Trial            bool
		AutoRenew        bool     `json:"auto_renew"`
		RefundableUntil  string   `json:"refundable_until"`
		FreezeReasons    []string `json:"freeze_reasons"`
		Entry            *struct {
			FrontEndURL string `json:"front_end_url"`
			UserName    string `json:"user_name"`
			Password    string
			Memo        string
		}
	}
	// Attempt is a call to a seller.
	Attempt struct {
		ID, Activity, State, Reason, Occasion string
		OrderID                               string `json:"order_id"`
		Number                                int
		HTTPStatus                            int     `json:"http_status"`
		ResultCode                            string  `json:"result_code"`
		BusinessAt                            string  `json:"business_at"`
		DurationMS                            float64 `json:"duration_ms"`
	}
	// LedgerAccount is a ledger balance.
	LedgerAccount struct{ Account, Currency, Balance string }
	// Page is a list.
	Page[T any] struct {
		Items []T
		Next  string
	}
)

// All reads every page of a list.
func All[T any](ctx context.Context, c Client, path string) ([]T, error) {
	var out []T
	sep := "?"
	if bytes.ContainsRune([]byte(path), '?') {
		sep = "&"
	}
	for mark := ""; ; {
		var p Page[T]
		if err := c.Do(ctx, "GET", path+sep+"limit=200&page="+mark, "", nil, &p); err != nil {
			return nil, err
		}
		out = append(out, p.Items...)
		if mark = p.Next; mark == "" {
			return out, nil
		}
	}
}

// FrozenFor tells whether an instance is frozen for a reason.
func (i Instance) FrozenFor(reason string) bool { return slices.Contains(i.FreezeReasons, reason) }
