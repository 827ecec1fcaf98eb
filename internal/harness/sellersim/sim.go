package sellersim

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/isv"
	"github.com/souk-market/souk/protocol/kit"
	"github.com/souk-market/souk/protocol/license"
	"github.com/souk-market/souk/protocol/ordernotify"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/sealed"
)

// Options of a sandbox seller.
type Options struct {
	Protocol   isv.Generation // which calls it takes: V1 is GET, V2 is POST
	Key        string         // access key of the base interfaces
	GeneralKey string         // of the general interface; Key when empty
	KitKey     string         // of the joint sync interface; Key when empty
	LicenseKey string         // of the authorisation codes; Key when empty
	Bits       sealed.Bits    // of encrypted values; 256 by default
	// RSAKey opens the clientSecret of applicationSync under the hashes of OAEP; without
	// one, a key is made when it is first needed and kept in Dir as rsa-key.pem.
	RSAKey     *rsa.PrivateKey
	OAEP       sealed.OAEPProfile
	Dir        string // holds journal.jsonl (the SDK's) and record.jsonl (the seller's)
	ReadyAfter int    // V2: at which poll an instance is ready; 0 is at once
	// Volatile syncs nothing to disk and keeps the SDK's journal in memory: for
	// measurements, where the seller must not be what is measured.
	Volatile bool

	// The order query is used when Marketplace is set. spec: 14 §3.1
	Marketplace, AccessKey, SecretKey string

	Faults []string // see Faults
	Log    *slog.Logger
}

// Paths of the server. Everything else is the page of an instance or unknown.
const (
	PathProduce   = "/produce"        // the production address; kit callbacks behind it
	PathLicense   = "/Licenseproduce" // authorisation codes; kit callbacks behind it
	PathNotify    = "/notify"         // the order notification's address
	PathRecord    = "/record"         // GET: the seller's record as JSON (Snapshot)
	PathFault     = "/fault"          // GET: the faults that are on; POST {"faults": […]}: replaces them
	PathPublicKey = "/public-key"     // GET: the public key to encrypt clientSecret with, PEM
)

// Sim is a running sandbox seller.
type Sim struct {
	options Options
	log     *slog.Logger
	store   store
	record  *record
	faults  *faults
	seller  *seller
	sdk     *isv.Server
	serial  atomic.Int64
	racing  racing
	rsa     lazyKey
}

type store interface {
	isv.Store
	Close() error
}

// New opens the seller's files and makes its server.
func New(options Options) (*Sim, error) {
	if options.Protocol != isv.V1 && options.Protocol != isv.V2 {
		return nil, fmt.Errorf("protocol %q is neither v1 nor v2", options.Protocol)
	}
	if options.GeneralKey == "" {
		options.GeneralKey = options.Key
	}
	if options.KitKey == "" {
		options.KitKey = options.Key
	}
	if options.LicenseKey == "" {
		options.LicenseKey = options.Key
	}
	if options.OAEP == "" {
		options.OAEP = sealed.DefaultOAEP
	}
	if !slices.Contains(sealed.OAEPProfiles, options.OAEP) {
		return nil, fmt.Errorf("OAEP profile %q is none of %v", options.OAEP, sealed.OAEPProfiles)
	}
	if options.Bits == 0 {
		options.Bits = sealed.AES256
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	s := &Sim{options: options, log: options.Log, faults: &faults{}}
	if err := s.faults.set(options.Faults); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(options.Dir, 0o700); err != nil {
		return nil, err
	}
	if s.faults.on("forgets-on-restart", "") {
		if err := forget(options.Dir); err != nil {
			return nil, err
		}
	}
	var err error
	if options.Volatile {
		s.store = isv.NewMemoryStore()
	} else if s.store, err = isv.OpenFileStore(filepath.Join(options.Dir, "journal.jsonl")); err != nil {
		return nil, err
	}
	if s.record, err = openRecord(filepath.Join(options.Dir, "record.jsonl")); err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	s.record.volatile = options.Volatile
	s.seller = &seller{record: s.record, faults: s.faults, ready: options.ReadyAfter}
	s.SetBaseURL("http://localhost")
	if options.Marketplace != "" {
		s.seller.orders = &isv.OrderClient{BaseURL: options.Marketplace, AccessKey: options.AccessKey, SecretKey: options.SecretKey,
			// The marketplace waits 5 s for our answer, so the order must come sooner.
			HTTP: &http.Client{Timeout: 4 * time.Second}}
	}
	s.sdk, err = isv.New(isv.Config{
		Keys: []string{options.Key}, NotifyKeys: []string{options.GeneralKey}, KitKeys: []string{options.KitKey}, LicenseKeys: []string{options.LicenseKey},
		OpenSecret: s.openSecret, Bits: options.Bits,
		Store: forgetful{s.store, s.faults}, NewID: s.seller.newID, Now: s.now, Log: s.log,
	}, s.seller)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close closes the files.
func (s *Sim) Close() error { return errors.Join(s.store.Close(), s.record.file.Close()) }

// SetBaseURL tells under which address buyers reach the instances.
func (s *Sim) SetBaseURL(base string) { s.seller.base.Store(&base) }

// SetFaults replaces the faults that are on.
func (s *Sim) SetFaults(faults ...string) error { return s.faults.set(faults) }

// Record returns what the seller has done.
func (s *Sim) Record() Snapshot { return s.record.snapshot() }

// now is the server's clock: the wall clock, unless a fault puts it wrong.
func (s *Sim) now() time.Time { return time.Now().Add(s.faults.duration("clock-off", "")) }

// keyFor is the key of the class that a call belongs to.
// spec: 01 §2.4
func (s *Sim) keyFor(x *exchange) string {
	switch {
	case x.kit == kit.V1:
		// Callbacks of V1 come with the base key, the seller's one key; the kit's is taken too.
		if _, err := kit.VerifyV1(x.r.Header.Get("authToken"), x.body, s.options.KitKey); err != nil {
			return s.options.Key
		}
		return s.options.KitKey
	case x.kit != 0:
		return s.options.KitKey
	case slices.Contains(license.Activities, v2.Activity(x.activity)):
		return s.options.LicenseKey
	case x.activity == string(ordernotify.Activity):
		return s.options.GeneralKey
	}
	return s.options.Key
}

// ServeHTTP is the seller's whole server.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _, isKit := kit.FindCallback(r.URL.Path)
	switch {
	case r.URL.Path == PathProduce:
		s.produce(w, r)
	case r.Method == http.MethodPost && (r.URL.Path == PathNotify || r.URL.Path == PathLicense || isKit):
		s.call(w, r)
	case r.URL.Path == PathPublicKey && r.Method == http.MethodGet:
		s.servePublicKey(w)
	case r.URL.Path == PathRecord && r.Method == http.MethodGet:
		s.writeJSON(w, s.Record())
	case r.URL.Path == PathFault:
		s.serveFault(w, r)
	case strings.HasPrefix(r.URL.Path, "/instances/") && r.Method == http.MethodGet:
		s.servePage(w, r)
	default:
		http.NotFound(w, r)
	}
}

// produce takes calls of one generation only, as real servers do.
func (s *Sim) produce(w http.ResponseWriter, r *http.Request) {
	method := http.MethodGet
	if s.options.Protocol == isv.V2 {
		method = http.MethodPost
	}
	if r.Method != method {
		w.Header().Set("Allow", method)
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	s.call(w, r)
}

func (s *Sim) call(w http.ResponseWriter, r *http.Request) {
	x, err := s.exchange(w, r)
	if err != nil {
		http.Error(w, "request is too long or broke off", http.StatusBadRequest)
		return
	}
	// Delivery servers do not know the order notification, and the other way round.
	// spec: 02 §2.9
	notice, codes := x.activity == string(ordernotify.Activity), slices.Contains(license.Activities, v2.Activity(x.activity))
	if notice != (r.URL.Path == PathNotify) || r.URL.Path == PathLicense && !codes {
		http.Error(w, "activity is unknown here", http.StatusBadRequest)
		return
	}
	line := Line{Kind: "received", Activity: x.activity, OrderID: x.order, LineID: x.line, ProductID: x.product, InstanceID: x.instance, BusinessID: x.business, Scene: x.scene, License: x.license, Test: x.test}
	if err := s.record.write(line); err != nil {
		s.log.Error("record cannot be written", "error", err)
		http.Error(w, "record cannot be written", http.StatusInternalServerError)
		return
	}
	s.log.Info("call", "activity", x.activity, "order", x.order, "instance", x.instance)
	s.run(x)
}

func (s *Sim) serveFault(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost:
		var wanted struct {
			Faults []string `json:"faults"`
		}
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, isv.MaxRequest))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&wanted); err != nil {
			http.Error(w, "body must be {\"faults\": [\"name\", …]}", http.StatusBadRequest)
			return
		}
		if err := s.faults.set(wanted.Faults); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	s.writeJSON(w, map[string]any{"faults": s.faults.list()})
}

func (s *Sim) writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		s.log.Warn("answer not delivered", "error", err)
	}
}

// servePage is what a buyer sees behind the entry link.
func (s *Sim) servePage(w http.ResponseWriter, r *http.Request) {
	id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/instances/"), "/")
	instance, found := s.record.instance(id)
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html;charset=utf-8")
	_, _ = io.WriteString(w, "<!DOCTYPE html><html lang=\"zh\"><meta charset=\"utf-8\"><title>Sandbox instance</title><h1>沙箱实例 "+
		html.EscapeString(instance.InstanceID)+"</h1><p>"+html.EscapeString(string(instance.State))+"</p></html>\n")
}

// Serve answers on the listener until ctx ends, then gives running calls two seconds.
func (s *Sim) Serve(ctx context.Context, listener net.Listener) error {
	s.SetBaseURL("http://" + listener.Addr().String())
	base, cancel := context.WithCancel(context.Background())
	defer cancel() // frees the calls that a fault never answers
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return base }}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		cancel()
		const grace = 2 * time.Second
		limit, done := context.WithTimeout(context.Background(), grace)
		defer done()
		if err := server.Shutdown(limit); err != nil {
			err = server.Close()
			stopped <- err
			return
		}
		stopped <- nil
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
