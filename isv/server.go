package isv

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/souk-market/souk/protocol/kit"
	"github.com/souk-market/souk/protocol/sealed"
	"github.com/souk-market/souk/protocol/wirejson"
)

// Config is what a server needs beside the Seller.
type Config struct {
	// Keys are the access keys of the base interfaces: the current one first, then, for
	// a while after a rotation, the old one. Answers are signed with the caller's.
	Keys []string
	// NotifyKeys are those of the general interface, for the order notification.
	NotifyKeys []string
	// KitKeys are those of the joint sync interface; none: the kit is not served. V1 sellers
	// have one key for everything and give it here too. spec: 01 §2.4
	KitKeys []string
	// LicenseKeys are those of the authorisation codes; none: they are not served.
	LicenseKeys []string
	// RSAKey opens the clientSecret of applicationSync, under the hashes of OAEP
	// (sealed.DefaultOAEP by default). spec: 13 §3.2
	RSAKey *rsa.PrivateKey
	OAEP   sealed.OAEPProfile
	// OpenSecret is used instead of RSAKey and OAEP when it is set, for keys that live
	// elsewhere.
	OpenSecret func(clientSecret string) (string, error)
	// Store remembers what was done; required.
	Store Store
	// Bits is the key length chosen for encrypted values when the product was published;
	// sealed.AES256 by default. spec: 10 §6.3–6.4
	Bits sealed.Bits
	// NewID names a new instance: globally unique, at most 64 characters. By default the
	// call's BusinessID when no instance has it, else a random one. spec: 10 §2.4
	NewID func(Creation) string
	// StampWindow is how far timeStamp of V1 may be off, either way; 0 accepts any stamp,
	// as V1 defines no window. spec: 10 §1.3
	StampWindow time.Duration
	// Now is the server's clock; time.Now by default.
	Now func() time.Time
	// Log gets refused and failed calls; discarded by default.
	Log *slog.Logger
}

// MaxRequest is the longest request body that is read, in bytes.
const MaxRequest = 64 << 10

// Result codes that the SDK answers by itself.
// spec: 10 §5, 11 §5
const (
	codeOK         = "000000"
	codeAuth       = "000001"
	codeParameter  = "000002"
	codeNoInstance = "000003"
	codeProcessing = "000004"
	codeInternal   = "000005"
)

// Server is the http.Handler: GET is V1; POST is V2, the order notification, calls about
// authorisation codes, and, under the fixed sub-paths, the kit in both generations.
type Server struct {
	config Config
	seller Seller
	locks  keyed
	nonces *nonces
}

// New checks the configuration and makes the handler.
func New(config Config, seller Seller) (*Server, error) {
	switch {
	case seller == nil:
		return nil, errors.New("isv: no Seller")
	case len(config.Keys) == 0:
		return nil, errors.New("isv: no access key")
	case config.Store == nil:
		return nil, errors.New("isv: no Store")
	}
	for _, key := range slices.Concat(config.Keys, config.NotifyKeys, config.KitKeys, config.LicenseKeys) {
		if key == "" {
			return nil, errors.New("isv: an access key is empty")
		}
	}
	if config.Bits == 0 {
		config.Bits = sealed.AES256
	}
	if config.OAEP == "" {
		config.OAEP = sealed.DefaultOAEP
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{config: config, seller: seller, nonces: newNonces()}, nil
}

// ServeHTTP verifies, acts and answers.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		s.serveV1(w, r)
	case http.MethodPost:
		if callback, generation, ok := kit.FindCallback(r.URL.Path); ok {
			s.serveKit(w, r, callback, generation)
			return
		}
		s.serveV2(w, r)
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}

// result is an answer before it is written.
type result wirejson.Obj

func (s *Server) success() result { return result{"resultCode": codeOK, "resultMsg": "success."} }

func refused(code, message string) result { return result{"resultCode": code, "resultMsg": message} }

// failure turns a Seller's error into an answer.
func (s *Server) failure(activity string, err error) result {
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		return refused(refusal.Code, refusal.Message)
	case errors.Is(err, ErrNoInstance):
		return refused(codeNoInstance, ErrNoInstance.Error())
	case errors.Is(err, ErrNotReady):
		return refused(codeProcessing, ErrNotReady.Error())
	}
	s.config.Log.Error("call failed", "activity", activity, "error", err)
	return refused(codeInternal, "internal error")
}

// outcome is success or failure; a debugging call may name an instance that never
// was, since the interfaces are debugged in any order.
// spec: 10 §8.1
func (s *Server) outcome(activity string, test bool, err error) result {
	if err == nil || test && errors.Is(err, ErrNoInstance) {
		return s.success()
	}
	return s.failure(activity, err)
}

// acting detaches the Seller from a caller who hangs up: half-done work helps nobody.
func acting(r *http.Request) context.Context { return context.WithoutCancel(r.Context()) }

// create runs a creation once per key: the instance's id is on disk before the
// Seller acts, so that a repetition after a crash names the same instance.
// spec: 10 §2.5, 11 §4.1, 01 §2.5
func (s *Server) create(ctx context.Context, key string, c Creation, act func(context.Context, Creation) error) (instanceID string, err error) {
	defer s.locks.lock(key)()
	record, found, err := s.config.Store.Get(key)
	if err != nil || record.Done {
		return record.InstanceID, err
	}
	if !found {
		if record, err = s.begin(key, c); err != nil {
			return "", err
		}
	}
	c.InstanceID, c.Repeated = record.InstanceID, found
	defer s.locks.lock("instance/" + c.InstanceID)()
	if err := act(ctx, c); err != nil {
		return "", err
	}
	record.Done = true
	return record.InstanceID, s.config.Store.Put(record)
}

// begin chooses the id of a new instance and writes it down.
func (s *Server) begin(key string, c Creation) (Record, error) {
	record := Record{Key: key}
	if s.config.NewID != nil {
		record.InstanceID = s.config.NewID(c)
	} else {
		// The business id is the recommended instance id, if no other order's call had it.
		defer s.locks.lock("id/" + c.BusinessID)()
		owner, taken, err := s.config.Store.Get("id/" + c.BusinessID)
		if err != nil {
			return record, err
		}
		if record.InstanceID = c.BusinessID; taken && owner.InstanceID != key || c.BusinessID == "" || len([]rune(c.BusinessID)) > 64 {
			if record.InstanceID, err = randomID(); err != nil {
				return record, err
			}
		} else if err := s.config.Store.Put(Record{Key: "id/" + c.BusinessID, InstanceID: key, Done: true}); err != nil {
			return record, err
		}
	}
	return record, s.config.Store.Put(record)
}

func randomID() (string, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(rand.Reader, b); err != nil {
		return "", err
	}
	return hex.EncodeToString(b), nil
}

// once runs something for an instance at most once successfully per key.
func (s *Server) once(key, instanceID string, act func() error) error {
	defer s.locks.lock("instance/" + instanceID)()
	record, _, err := s.config.Store.Get(key)
	if err != nil || record.Done {
		return err
	}
	if err := act(); err != nil {
		return err
	}
	return s.config.Store.Put(Record{Key: key, InstanceID: instanceID, Done: true})
}

// always runs something that may be repeated, one at a time per instance.
func (s *Server) always(instanceID string, act func() error) error {
	defer s.locks.lock("instance/" + instanceID)()
	return act()
}

// prefix keeps the records of debugging calls apart from real ones.
func prefix(kind string, test bool) string {
	if test {
		return "test/" + kind + "/"
	}
	return kind + "/"
}

// usage writes usage entries as the answers carry them.
// spec: 10 §3.6, 11 §4.2
func usage(all []Usage) ([]any, error) {
	items := make([]any, len(all))
	for i, u := range all {
		plain, ok := wirejson.PlainDecimal(u.Value)
		if !ok {
			return nil, errors.New("usage value " + u.Value + " is not a decimal")
		}
		item := wirejson.Obj{
			"usageValue":      wirejson.Value{Kind: wirejson.Number, Text: plain},
			"statisticalTime": statisticalTime(u.At),
		}
		put(item, "relatedInstanceId", u.RelatedInstanceID)
		put(item, "dashboardUrl", u.DashboardURL)
		items[i] = item
	}
	return items, nil
}

func put(o wirejson.Obj, name, value string) {
	if value != "" {
		o[name] = value
	}
}
