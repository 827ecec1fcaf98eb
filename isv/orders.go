package isv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/souk-market/souk/protocol/aksk"
)

// OrderClient reads orders from the marketplace with an AK/SK pair.
// spec: 14 §3.1, §6
type OrderClient struct {
	BaseURL   string // e.g. "https://market.example.com"
	AccessKey string
	SecretKey string
	HTTP      *http.Client     // a client with a time-out of 10 s by default
	Now       func() time.Time // time.Now by default
}

// OrderQueryPath is the path of the order query.
const OrderQueryPath = "/api/mkp-openapi-public/global/v1/order/query"

// APIError is an answer of the marketplace that is not an order.
type APIError struct {
	Status  int    // HTTP
	Code    string // "MKT.0101", "APIGW.0301", …; empty when the body had none
	Message string
}

func (e *APIError) Error() string {
	return fmt.Sprintf("order query: HTTP %d %s %s", e.Status, e.Code, e.Message)
}

// Text is a JSON string that some servers send as a number.
type Text string

// UnmarshalJSON keeps the exact text of a number; null is empty.
func (t *Text) UnmarshalJSON(raw []byte) error {
	if bytes.Equal(raw, []byte("null")) {
		return nil
	}
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		*t = Text(s)
		return nil
	}
	*t = Text(raw)
	return nil
}

// Order is what the order query answers. Times are UTC yyyyMMddHHmmss.
// spec: 14 §3.1, 01 §5
type Order struct {
	OrderID      string        `json:"orderId"`
	Type         string        `json:"orderType"` // NEW, TRIAL, TRIAL_TO_FORMAL, RENEW, CHANGE, UNSUBSCRIBE
	CreateTime   string        `json:"createTime"`
	Lines        []OrderLine   `json:"orderLine"`
	Buyer        *Buyer        `json:"buyerInfo"`
	ExtendParams []ExtendParam `json:"extendParams"`
}

// OrderLine is one line of an order.
type OrderLine struct {
	OrderLineID   string    `json:"orderLineId"`
	ChargingMode  string    `json:"chargingMode"` // PERIOD, ONE_TIME, ON_DEMAND, ON_DEMAND_PKG
	ExpireTime    string    `json:"expireTime"`
	PeriodType    string    `json:"periodType"`
	PeriodNumber  Text      `json:"periodNumber"`
	Amount        Text      `json:"currency"`
	AmountCharged Text      `json:"currencyAfterDiscount"`
	Products      []Product `json:"productInfo"`
}

// Product is what an order line is about.
type Product struct {
	ProductID   string `json:"productId"`
	SKUCode     string `json:"skuCode"`
	Name        string `json:"productName"`
	LinearValue Text   `json:"linearValue"`
}

// Buyer is who ordered; contact data only when the product asks for it.
type Buyer struct {
	CustomerID   string `json:"customerId"`
	CustomerName string `json:"customerName"`
	UserID       string `json:"userId"`
	UserName     string `json:"userName"`
	MobilePhone  string `json:"mobilePhone"`
	Email        string `json:"email"`
}

// ExtendParam is a custom parameter of the order page.
type ExtendParam struct {
	Name  string `json:"name"`
	Value Text   `json:"value"`
}

// Order reads one order; orderLineID may be empty. An *APIError tells of a refusal.
func (c *OrderClient) Order(ctx context.Context, orderID, orderLineID string) (Order, error) {
	query := "?orderId=" + url.QueryEscape(orderID)
	if orderLineID != "" {
		query += "&orderLineId=" + url.QueryEscape(orderLineID)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.BaseURL, "/")+OrderQueryPath+query, nil)
	if err != nil {
		return Order{}, err
	}
	if err := c.sign(request); err != nil {
		return Order{}, err
	}
	response, err := c.client().Do(request)
	if err != nil {
		return Order{}, err
	}
	defer response.Body.Close() //nolint:errcheck // nothing left to lose
	const maxAnswer = 1 << 20
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return Order{}, err
	}
	return readOrder(response.StatusCode, body)
}

func (c *OrderClient) sign(request *http.Request) error {
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Sdk-Date", now().UTC().Format(aksk.TimeFormat))
	authorization, err := aksk.Sign(aksk.Request{
		Method: request.Method, Target: request.URL.RequestURI(), Host: request.URL.Host, Header: request.Header,
	}, c.AccessKey, c.SecretKey, "content-type", "host", "x-sdk-date")
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", authorization)
	return nil
}

func (c *OrderClient) client() *http.Client {
	client := http.Client{Timeout: 10 * time.Second}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	// A signature is for one address: a redirect would carry it elsewhere.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

func readOrder(status int, body []byte) (Order, error) {
	var answer struct {
		ResultCode string `json:"resultCode"`
		ResultMsg  string `json:"resultMsg"`
		ErrorCode  string `json:"error_code"`
		ErrorMsg   string `json:"error_msg"`
		Order      *Order `json:"orderInfo"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		if status != http.StatusOK {
			return Order{}, &APIError{Status: status}
		}
		return Order{}, errors.Join(errors.New("order query: answer is unreadable"), err)
	}
	if status != http.StatusOK || answer.ResultCode != "MKT.0000" || answer.Order == nil {
		if answer.ResultCode == "" {
			answer.ResultCode, answer.ResultMsg = answer.ErrorCode, answer.ErrorMsg
		}
		return Order{}, &APIError{Status: status, Code: answer.ResultCode, Message: answer.ResultMsg}
	}
	return *answer.Order, nil
}
