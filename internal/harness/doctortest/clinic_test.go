package doctortest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/souk-market/souk/internal/face/openapi"
	"github.com/souk-market/souk/internal/harness/sellersim"
	"github.com/souk-market/souk/internal/service/doctor"
	"github.com/souk-market/souk/isv"
	"github.com/souk-market/souk/protocol/sealed"
)

const (
	key = "clinic-key-7f3a9b2c"
	ak  = "CLINICAK0001"
	sk  = "clinic-secret-4d5e6f"
)

// rsaKey is the sellers' key for clientSecret, made once.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, sealed.MinRSABits)
	if err != nil {
		panic(err)
	}
	return key
})

// clinic is one seller in the doctor's hands. Its server outlives the seller, so that
// the seller can be restarted under the same address.
type clinic struct {
	t      testing.TB
	o      sellersim.Options
	server *httptest.Server

	once sync.Once
	mu   sync.RWMutex
	sim  *sellersim.Sim
}

func open(t testing.TB, generation isv.Generation, faults ...string) *clinic {
	t.Helper()
	c := &clinic{t: t, o: sellersim.Options{RSAKey: rsaKey(), Protocol: generation, Key: key, Dir: t.TempDir(), ReadyAfter: 2, Faults: faults, Volatile: !slices.Contains(faults, "forgets-on-restart") && len(faults) > 0}}
	c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.RLock()
		sim := c.sim
		c.mu.RUnlock()
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(c.close)
	c.start()
	return c
}

func (c *clinic) close() {
	c.once.Do(func() {
		c.server.CloseClientConnections()
		c.server.Close()
		c.mu.Lock()
		defer c.mu.Unlock()
		if err := c.sim.Close(); err != nil {
			c.t.Error(err)
		}
	})
}

func (c *clinic) start() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	sim, err := sellersim.New(c.o)
	if err != nil {
		c.t.Error(err)
		return
	}
	sim.SetBaseURL(c.server.URL)
	c.sim = sim
}

func (c *clinic) restart(context.Context) error {
	c.mu.Lock()
	err := c.sim.Close()
	c.mu.Unlock()
	if err != nil {
		return err
	}
	c.start()
	return nil
}

// examine runs the doctor.
func (c *clinic) examine(p doctor.Protocol, change func(*doctor.Options)) *doctor.Report {
	c.t.Helper()
	path := sellersim.PathProduce
	switch p {
	case doctor.Notify:
		path = sellersim.PathNotify
	case doctor.License:
		path = sellersim.PathLicense
	}
	o := doctor.Options{Kit: doctor.KitOptions{PublicKey: &rsaKey().PublicKey}, Protocol: p, URL: c.server.URL + path, Key: key, Lang: doctor.EN}
	if change != nil {
		change(&o)
	}
	r, err := doctor.Run(c.t.Context(), o)
	if err != nil {
		c.t.Error(err)
		return &doctor.Report{}
	}
	return r
}

// freePort finds an address for the doctor's order query, which the seller must know
// before it starts.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// withOrders makes the doctor serve the order query and the calls real.
func withOrders(address string) func(*doctor.Options) {
	return func(o *doctor.Options) {
		o.Real, o.AK, o.SK, o.OrderListen, o.MockOrder = true, ak, sk, address, openapi.MockAnswer
	}
}
