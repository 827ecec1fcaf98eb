package lab

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/protocol/kit"
	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/sealed"
	"github.com/souk-market/souk/protocol/usagepush"
	"github.com/souk-market/souk/protocol/wirejson"
)

// unmadeInstance stands for the instance of a round that has not made one: an invented
// value, as documents allow. // spec: 10 §8.1
const unmadeInstance = "souk-debug-instance-0001"

// round is what the calls of one round share. // spec: 02 §1.19, §2.19
type round struct {
	order    string // of the subscription; "" until a scenario draws one
	instance string // as the seller answered
}

// message is a request of the lab, ready to go.
type message struct {
	request    production.Request
	filled     map[string]string // the form with its formulas worked out
	instances  []string          // asked by a query
	order      string
	businessID string
}

// compose writes a scenario's request. Problems name their field as "form.NAME".
func (l *Lab) compose(s lab.Scenario, form map[string]string, address string, p parties, r *round) (m message, err error) {
	if len(p.keys) == 0 {
		return m, fault.New(fault.Rule, "no_key", "no interconnection key of the class %s is set; set one first", s.Protocol.Class())
	}
	f := fault.Fields{}
	for name := range form {
		if _, known := fieldOf(s, name); !known {
			f.Add("form."+name, "is no parameter of this call")
		}
	}
	m.filled = map[string]string{}
	now := l.k.Wire.Now()
	made := map[lab.Formula]string{} // one order in one call, however often it is named
	for _, field := range s.Fields {
		text, err := lab.Expand(form[field.Name], func(fo lab.Formula) (string, error) {
			if fo.Name != "order" {
				return l.formula(s, fo, p, r, now)
			}
			if made[fo] == "" {
				var err error
				if made[fo], err = l.formula(s, fo, p, r, now); err != nil {
					return "", err
				}
			}
			return made[fo], nil
		})
		switch n := utf8.RuneCountInString(text); {
		case err != nil:
			f.Add("form."+field.Name, "%s", err)
		case !utf8.ValidString(text):
			f.Add("form."+field.Name, "is not valid UTF-8")
		case text == "" && field.Required:
			f.Add("form."+field.Name, "is required")
		case field.Max > 0 && n > field.Max:
			f.Add("form."+field.Name, "has %d characters, at most %d are allowed", n, field.Max)
		case field.Kind == lab.Integer && text != "" && !integer(text):
			f.Add("form."+field.Name, "must be a whole number")
		case field.Kind == lab.JSON && text != "":
			if _, err := wirejson.Parse([]byte(text)); err != nil {
				f.Add("form."+field.Name, "must be JSON: %s", err)
			}
		}
		m.filled[field.Name] = text
	}
	if err := f.Err(); err != nil {
		return m, err
	}
	m.order, m.businessID = m.filled["orderId"], m.filled["businessId"]
	if s.Activity == string(v2.ActivityQueryInstance) {
		m.instances = strings.Split(m.filled["instanceId"], ",")
	}
	m.request, err = l.write(s, m.filled, address, p, now)
	if errors.Is(err, v1.ErrAddress) || errors.Is(err, v2.ErrAddress) {
		return m, fault.Field("address", "%s", err)
	}
	return m, err
}

func fieldOf(s lab.Scenario, name string) (lab.Field, bool) {
	for _, f := range s.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return lab.Field{}, false
}

func integer(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && n < wirejson.MaxInteger && n > -wirejson.MaxInteger && strconv.FormatInt(n, 10) == text
}

// formula works one formula out.
func (l *Lab) formula(s lab.Scenario, f lab.Formula, p parties, r *round, now time.Time) (string, error) {
	switch f.Name {
	case "uuid":
		return ident.UUID(), nil
	case "order":
		if f.Arg == "new" {
			return l.debugOrder(s), nil
		}
		// V1 names the subscription in every call about its instance; V2 a mock order of the
		// scene, made anew for each call. // spec: 01 §2.6, 11 §7
		if s.Protocol != lab.V1 {
			return l.debugOrder(s), nil
		}
		if r.order == "" || s.Creates {
			r.order = l.debugOrder(s)
		}
		return r.order, nil
	case "instance":
		if r.instance != "" {
			return r.instance, nil
		}
		return unmadeInstance, nil
	case "stamp":
		return kit.TimeStampV1(now), nil
	case "utc":
		minutes, err := strconv.Atoi(f.Arg)
		return now.Add(-time.Duration(minutes) * time.Minute).UTC().Format(usagepush.TimeForm), err
	case "expiry":
		text, unit, _ := strings.Cut(f.Arg, " ")
		n, err := strconv.Atoi(text)
		if err != nil {
			return "", err
		}
		at := l.k.Clock.Now()
		switch unit {
		case "day":
			at = at.AddDate(0, 0, n)
		case "month":
			at = at.AddDate(0, n, 0)
		default:
			at = at.AddDate(n, 0, 0)
		}
		if s.Protocol == lab.V1 {
			return v1.ExpireTime(at, l.k.ExpireZone), nil
		}
		return v2.ExpireTime(at), nil
	case "seal", "seal128":
		bits := sealed.AES256
		if f.Name == "seal128" {
			bits = sealed.AES128
		}
		return sealed.Seal(p.keys[0], bits, f.Arg, rand.Reader)
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(f.Arg)), nil
	case "rsa":
		if p.credential == nil {
			return "", errors.New("register your public key first: the secret is encrypted with it")
		}
		key, err := sealed.ParsePublicKey(p.credential.PublicKey)
		if err != nil {
			return "", err
		}
		return sealed.OAEPProfile(p.credential.Profile).Encrypt(rand.Reader, key, f.Arg)
	}
	return "", fmt.Errorf("the formula %q is unknown", f.Name)
}

// debugOrder draws an order id that no real order can have. On V2 the seller may ask for the
// order, so it is a mock order with a mark of its own. // spec: 02 §1.19, 14 §3.1
func (l *Lab) debugOrder(s lab.Scenario) string {
	if s.Order != "" {
		return s.Order + lab.MockMark + strings.ToUpper(ident.Nonce()[:8])
	}
	return "CSDEBUG" + strings.ToUpper(ident.Nonce()[:10])
}

// write signs and writes a filled form as its protocol does.
func (l *Lab) write(s lab.Scenario, filled map[string]string, address string, p parties, now time.Time) (production.Request, error) {
	key := p.keys[0]
	if s.Inbound {
		return l.push(s, filled, key, now)
	}
	if s.Protocol == lab.V1 {
		to, err := v1.ParseAddress(address)
		if err != nil {
			return production.Request{}, err
		}
		params := []v1.Param{{Name: "activity", Value: s.Activity}, {Name: "testFlag", Value: "1"}}
		for _, f := range s.Fields {
			if v := filled[f.Name]; v != "" {
				params = append(params, v1.Param{Name: f.Name, Value: v})
			}
		}
		return v1.Sign(params, to, key, v1.TimeStamp(now)), nil
	}
	to, err := v2.ParseAddress(address)
	if err != nil {
		return production.Request{}, err
	}
	body := wirejson.Obj{}
	isKit := s.Protocol == lab.Kit1 || s.Protocol == lab.Kit2
	if !isKit {
		body["activity"], body["testFlag"] = s.Activity, "1"
	}
	for _, f := range s.Fields {
		text := filled[f.Name]
		switch {
		case text == "" && !isKit: // members of the kit stay, empty // spec: 13 §2
		case f.Kind == lab.Integer:
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return production.Request{}, err
			}
			body[f.Name] = n
		case f.Kind == lab.JSON && !(isKit && p.credential != nil && p.credential.Lists == ListsAsText):
			v, err := wirejson.Parse([]byte(text))
			if err != nil {
				return production.Request{}, err
			}
			body[f.Name] = v
		default:
			body[f.Name] = wirejson.Spell(text)
		}
	}
	b, err := wirejson.Canonical(body)
	if err != nil {
		return production.Request{}, err
	}
	switch s.Protocol {
	case lab.Kit1:
		return kit.BuildV1(kit.Callback(s.Activity), b, to, key)
	case lab.Kit2:
		return kit.Build(kit.Callback(s.Activity), b, to, key, ident.Nonce(), now), nil
	}
	return v2.Post(b, to, key, ident.Nonce(), now), nil
}
