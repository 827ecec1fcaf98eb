package v1

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/protocol/production"
	"github.com/souk-market/souk/protocol/wirejson"
)

// ErrAddress refuses a production address that V1 calls cannot be added to.
var ErrAddress = errors.New("production address cannot be used")

// Address is a seller's production address, ready to be extended.
type Address struct {
	origin string // scheme and authority
	path   string // percent-encoded, never empty
	own    []Param
}

// reserved names must not occur in the query of an address: the seller's reading
// of our own parameters would become ambiguous.
var reserved = []string{
	"activity", "authToken", "timeStamp", "testFlag", "customerId", "customerName", "userId", "userName", "mobilePhone",
	"email", "businessId", "orderId", "skuCode", "productId", "trialFlag", "expireTime", "chargingMode", "saasExtendParams",
	"amount", "diskSize", "bandWidth", "periodType", "periodNumber", "provisionType", "orderAmount", "instanceId",
	"trialToFormal", "instanceStatus",
}

// ParseAddress checks the form of a production address: absolute http or https,
// no user information, no fragment, and an own query that neither repeats a name
// nor uses one of ours. Whether the host is allowed is not decided here.
// spec: 10 §1.1
func ParseAddress(text string) (Address, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Contains(text, "#") {
		return Address{}, ErrAddress
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	own, err := parseQuery(u.RawQuery)
	if err != nil {
		return Address{}, fmt.Errorf("%w: its query is malformed", ErrAddress)
	}
	seen := map[string]bool{}
	for _, p := range own {
		if seen[p.Name] || slices.Contains(reserved, p.Name) {
			return Address{}, fmt.Errorf("%w: its query uses the name %q", ErrAddress, p.Name)
		}
		seen[p.Name] = true
	}
	return Address{origin: u.Scheme + "://" + u.Host, path: path, own: own}, nil
}

// parseQuery decodes a form query, keeping order and repetitions.
func parseQuery(raw string) ([]Param, error) {
	var params []Param
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		n, err := url.QueryUnescape(name)
		if err != nil {
			return nil, err
		}
		v, err := url.QueryUnescape(value)
		if err != nil || !utf8.ValidString(n+v) {
			return nil, errors.Join(err, errors.New("malformed query"))
		}
		params = append(params, Param{n, v})
	}
	return params, nil
}

// Encode percent-encodes by RFC 3986: letters, digits, "-", "_", "." and "~" stay,
// everything else becomes upper-case hex, a blank %20, a plus %2B.
// spec: 10 §1.1
func Encode(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

func encodeAll(params []Param) string {
	pairs := make([]string, len(params))
	for i, p := range params {
		pairs[i] = Encode(p.Name) + "=" + Encode(p.Value)
	}
	return strings.Join(pairs, "&")
}

// Headers are the request headers of every V1 call, in order.
// spec: 02 §1.1
var Headers = []production.Header{
	{Name: "Accept", Value: "application/json;charset=UTF-8, application/json;q=0.9, */*;q=0.1"},
	{Name: "Accept-Encoding", Value: "identity"},
}

// Build makes the complete signed request. now is the wire clock at the moment of
// sending; every repetition is built anew.
// spec: 10 §1.1, §6.1
func Build(call Call, settings Settings, address Address, accessKey string, now time.Time) (production.Request, error) {
	params, err := Parameters(call, settings)
	if err != nil {
		return production.Request{}, err
	}
	return Sign(params, address, accessKey, TimeStamp(now)), nil
}

// Sign is Build for parameters that are ready; saved cases and replays use it. The
// address's own query is signed along because the seller's check covers every
// parameter it receives.
func Sign(params []Param, address Address, accessKey, timeStamp string) production.Request {
	ours := append(slices.Clone(params), Param{"timeStamp", timeStamp})
	slices.SortFunc(ours, byName)
	all := append(slices.Clone(address.own), ours...)
	all = append(all, Param{"authToken", AuthToken(all, accessKey, timeStamp)})
	return production.Request{
		Method:  "GET",
		URL:     address.origin + address.path + "?" + encodeAll(all),
		Headers: slices.Clone(Headers),
	}
}

func byName(a, b Param) int { return wirejson.CompareUTF16(a.Name, b.Name) }

// MaxRequestLine is the longest request line of a queryInstance call in bytes.
// spec: 02 §1.9
const MaxRequestLine = 7500

// SplitQuery shares the instances out over as few calls as the limits allow: at
// most 100 ids and MaxRequestLine bytes each. An id that does not fit alone still
// gets its own call.
// spec: 02 §1.9
func SplitQuery(instanceIDs []string, settings Settings, address Address) ([]QueryInstance, error) {
	line := func(ids []string) (int, error) {
		params, err := Parameters(QueryInstance{ids}, settings)
		if err != nil {
			return 0, err
		}
		const anyTime = "20060102150405000"
		u := Sign(params, address, "", anyTime).URL
		// The token's own percent-encoding varies: 44 characters, each at most three bytes.
		const tokenSpread = 2 * 44
		return len("GET ") + len(u) - len(address.origin) + len(" HTTP/1.1\r\n") + tokenSpread, nil
	}
	var calls []QueryInstance
	var batch []string
	for _, id := range instanceIDs {
		next := append(slices.Clone(batch), id)
		size, err := 0, error(nil)
		if len(next) <= MaxQueryIDs {
			if size, err = line(next); err != nil {
				return nil, err
			}
		}
		if len(batch) > 0 && (len(next) > MaxQueryIDs || size > MaxRequestLine) {
			calls, next = append(calls, QueryInstance{batch}), []string{id}
			if _, err := line(next); err != nil {
				return nil, err
			}
		}
		batch = next
	}
	if len(batch) > 0 {
		calls = append(calls, QueryInstance{batch})
	}
	return calls, nil
}
