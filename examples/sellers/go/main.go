// Command go is a small seller's server on the SDK (package isv): the same server as its
// neighbours in Java, Python, Node and PHP.
//
// Vocabulary: seller (商家), production interface (生产接口), instance (实例).
//
// Implements the seller's side of chapters 10 and 11. It is an example: replace the methods
// of shop by your own business, and let nothing else grow here.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/souk-market/souk/isv"
)

// instance is what the shop keeps of a customer: one file each.
type instance struct {
	ID, State                            string // State: active, frozen or released
	OrderID, ProductID, SKUCode          string
	ExpireTime, Amount, Customer, Mobile string
	Password                             string // the initial one
}

// shop is the business: it implements isv.Seller.
type shop struct {
	directory string
	site      string           // where buyers find their instance
	orders    *isv.OrderClient // nil: orders are not read
}

func (s *shop) path(id string) string {
	sum := sha256.Sum256([]byte(id)) // ids are opaque: never a file name as they are
	return filepath.Join(s.directory, hex.EncodeToString(sum[:16])+".json")
}

func (s *shop) load(id string) (in instance, err error) {
	raw, err := os.ReadFile(s.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return in, isv.ErrNoInstance
	} else if err != nil {
		return in, err
	}
	return in, json.Unmarshal(raw, &in)
}

// save is durable: a temporary file, synced, renamed, and its directory synced.
func (s *shop) save(in instance) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(s.directory, "*.tmp")
	if err != nil {
		return err
	}
	_, err = file.Write(raw)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), s.path(in.ID)); err != nil {
		return err
	}
	directory, err := os.Open(s.directory)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

// change alters an instance that exists. The SDK calls it for one instance at a time.
func (s *shop) change(id string, alter func(*instance)) error {
	in, err := s.load(id)
	if err == nil && in.State == "released" {
		err = isv.ErrNoInstance
	}
	if err != nil {
		return err
	}
	alter(&in)
	return s.save(in)
}

// Create makes the instance; called again under the same id after a crash, it goes on.
func (s *shop) Create(ctx context.Context, c isv.Creation) error {
	if _, err := s.load(c.InstanceID); err == nil || !errors.Is(err, isv.ErrNoInstance) {
		return err
	}
	in := instance{ID: c.InstanceID, State: "active", OrderID: c.OrderID, ProductID: c.ProductID, SKUCode: c.SKUCode,
		ExpireTime: c.ExpireTime, Amount: c.Amount, Customer: c.CustomerName, Mobile: c.MobilePhone, Password: rand.Text()[:16]}
	if err := s.readOrder(ctx, &in, c.Generation, c.OrderID, c.OrderLineID, c.Test); err != nil {
		return err
	}
	// Here you would make what was bought, unless c.Test.
	return s.save(in)
}

// readOrder fills in what V2 does not send.
func (s *shop) readOrder(ctx context.Context, in *instance, generation isv.Generation, orderID, lineID string, test bool) error {
	if s.orders == nil || generation != isv.V2 || test {
		return nil
	}
	order, err := s.orders.Order(ctx, orderID, lineID)
	if err != nil {
		return err
	}
	for _, line := range order.Lines {
		if line.OrderLineID == lineID && len(line.Products) > 0 {
			p := line.Products[0]
			in.ProductID, in.SKUCode, in.Amount = p.ProductID, p.SKUCode, string(p.LinearValue)
			in.ExpireTime = cmp.Or(line.ExpireTime, in.ExpireTime)
			return nil
		}
	}
	return errors.New("the order has no line " + lineID)
}

// Renew stores the new end. A renewal of V1 also thaws; V2 sends UNFREEZE for that.
func (s *shop) Renew(ctx context.Context, r isv.Renewal) error {
	var bought instance
	if r.Scene == "RENEWAL_CHANGE" { // another size from now on
		if err := s.readOrder(ctx, &bought, r.Generation, r.OrderID, r.OrderLineID, r.Test); err != nil {
			return err
		}
	}
	return s.change(r.InstanceID, func(in *instance) {
		in.ExpireTime, in.ProductID = r.ExpireTime, cmp.Or(bought.ProductID, r.ProductID, in.ProductID)
		in.SKUCode, in.Amount = cmp.Or(bought.SKUCode, in.SKUCode), cmp.Or(bought.Amount, in.Amount)
		if r.Generation == isv.V1 {
			in.State = "active"
		}
	})
}

// Freeze stops the service and keeps the data.
func (s *shop) Freeze(_ context.Context, c isv.Change) error {
	return s.change(c.InstanceID, func(in *instance) { in.State = "frozen" })
}

// Unfreeze starts it again.
func (s *shop) Unfreeze(_ context.Context, c isv.Change) error {
	return s.change(c.InstanceID, func(in *instance) { in.State = "active" })
}

// Release deletes the service.
func (s *shop) Release(_ context.Context, c isv.Change) error {
	return s.change(c.InstanceID, func(in *instance) { in.State = "released" })
}

// Upgrade gives the instance the size of the new order; the SDK calls it once per order.
func (s *shop) Upgrade(ctx context.Context, u isv.Upgrade) error {
	var bought instance
	if err := s.readOrder(ctx, &bought, u.Generation, u.OrderID, u.OrderLineID, u.Test); err != nil {
		return err
	}
	return s.change(u.InstanceID, func(in *instance) {
		in.ProductID, in.SKUCode = cmp.Or(u.ProductID, bought.ProductID, in.ProductID), cmp.Or(u.SKUCode, bought.SKUCode, in.SKUCode)
		in.Amount = cmp.Or(u.Amount, bought.Amount, in.Amount)
	})
}

// Describe tells the buyer the way in. On V1 the SDK encrypts userName and password.
func (s *shop) Describe(_ context.Context, id string) (isv.Entry, error) {
	in, err := s.load(id)
	if err == nil && in.State == "released" {
		err = isv.ErrNoInstance
	}
	return isv.Entry{FrontEndURL: s.site + "/open/" + url.PathEscape(id), AdminURL: s.site + "/admin",
		UserName: "admin", Password: in.Password, Memo: "请在首次登录后修改密码"}, err
}

func run() error {
	if len(os.Args) == 3 && os.Args[1] == "vectors" {
		return vectors(os.Args[2])
	}
	key, data := os.Getenv("KEY"), cmp.Or(os.Getenv("DATA"), "seller-data")
	if err := os.MkdirAll(filepath.Join(data, "instances"), 0o700); err != nil {
		return err
	}
	store, err := isv.OpenFileStore(filepath.Join(data, "journal.jsonl"))
	if err != nil {
		return err
	}
	defer store.Close()
	s := &shop{directory: filepath.Join(data, "instances"), site: cmp.Or(os.Getenv("SITE"), "https://shop.example.com")}
	if base := os.Getenv("MARKETPLACE"); base != "" {
		s.orders = &isv.OrderClient{BaseURL: base, AccessKey: os.Getenv("AK"), SecretKey: os.Getenv("SK"),
			HTTP: &http.Client{Timeout: 4 * time.Second}} // the marketplace waits 5 s for us
	}
	handler, err := isv.New(isv.Config{Keys: []string{key}, NotifyKeys: []string{cmp.Or(os.Getenv("NOTIFY_KEY"), key)},
		Store: store, StampWindow: 5 * time.Minute, Log: slog.Default()}, s)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cmp.Or(os.Getenv("LISTEN"), "127.0.0.1:8081"))
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s/produce\n", listener.Addr())
	mux := http.NewServeMux()
	mux.Handle("/produce", handler)
	mux.Handle("/notify", handler)
	return http.Serve(listener, mux)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
