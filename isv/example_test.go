package isv_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/souk-market/souk/isv"
	v1 "github.com/souk-market/souk/protocol/production/v1"
)

// shop is a whole seller: it keeps its instances in a map.
type shop struct {
	mu        sync.Mutex
	instances map[string]string // id → state
}

func (s *shop) set(id, state string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.instances[id]; !known && state != "active" {
		return isv.ErrNoInstance
	}
	s.instances[id] = state
	return nil
}

func (s *shop) Create(_ context.Context, c isv.Creation) error { return s.set(c.InstanceID, "active") }
func (s *shop) Renew(_ context.Context, r isv.Renewal) error   { return s.set(r.InstanceID, "active") }
func (s *shop) Freeze(_ context.Context, c isv.Change) error   { return s.set(c.InstanceID, "frozen") }
func (s *shop) Unfreeze(_ context.Context, c isv.Change) error { return s.set(c.InstanceID, "active") }
func (s *shop) Release(_ context.Context, c isv.Change) error  { return s.set(c.InstanceID, "released") }
func (s *shop) Upgrade(_ context.Context, u isv.Upgrade) error { return s.set(u.InstanceID, "active") }
func (s *shop) Describe(_ context.Context, id string) (isv.Entry, error) {
	return isv.Entry{FrontEndURL: "https://shop.example.com/" + id, UserName: "admin", Password: "change-me"}, nil
}

// Example is a seller's server in 40 lines: the type above and these.
func Example() {
	directory, _ := os.MkdirTemp("", "shop")
	defer os.RemoveAll(directory)
	store, err := isv.OpenFileStore(filepath.Join(directory, "journal.jsonl"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	handler, err := isv.New(isv.Config{Keys: []string{"key"}, NotifyKeys: []string{"general-key"}, Store: store},
		&shop{instances: map[string]string{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(handler) // in production: http.ListenAndServeTLS(…, handler)
	defer server.Close()

	// What the marketplace does, twice for one order:
	address, _ := v1.ParseAddress(server.URL + "/produce")
	for _, business := range []string{"business-1", "business-2"} {
		request, _ := v1.Build(v1.NewInstance{CustomerID: "c", BusinessID: business, OrderID: "CS1", ProductID: "p", ChargingMode: v1.OneTime},
			v1.Settings{}, address, "key", time.Now())
		fmt.Println(judge(request, v1.ActivityNewInstance))
	}
	// Output:
	// business-1 https://shop.example.com/business-1 admin change-me
	// business-1 https://shop.example.com/business-1 admin change-me
}

var _ http.Handler = (*isv.Server)(nil)
