package sellersim

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/souk-market/souk/isv"
)

// seller is the business behind the server: it writes the record and nothing else.
type seller struct {
	record *record
	faults *faults
	orders *isv.OrderClient // nil: orders are not read
	base   atomic.Pointer[string]
	ready  int // polls after which a V2 instance is ready
	serial atomic.Int64
}

// newID names instances: the business id, unless a fault wants otherwise.
func (s *seller) newID(c isv.Creation) string {
	switch {
	case s.faults.on("new-instance-id-each-time", "newInstance"):
		return fmt.Sprintf("%s-%d", digest(c.OrderID + c.BusinessID)[:24], s.serial.Add(1))
	case s.faults.on("base64-ids", "newInstance"):
		sum := sha256.Sum256([]byte(c.OrderID + c.OrderLineID + c.ProductID))
		return base64.StdEncoding.EncodeToString(append([]byte{0xFB, 0xEF, 0xFF}, sum[:16]...))
	case s.faults.on("same-instance-per-order", "newInstance"):
		if id, found := s.record.ofOrder(c.OrderID); found {
			return id
		}
	}
	// A business id that an instance has already belongs to another order here.
	if owner, taken := s.record.instance(c.BusinessID); taken && owner.OrderID != c.OrderID || c.BusinessID == "" {
		return digest(c.OrderID + c.OrderLineID + c.ProductID + c.BusinessID)[:32]
	}
	return c.BusinessID
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Create makes an instance, unless it is there already.
func (s *seller) Create(ctx context.Context, c isv.Creation) error {
	line := Line{
		Activity: "newInstance", InstanceID: c.InstanceID, OrderID: c.OrderID, LineID: c.OrderLineID, ProductID: c.ProductID, SKUCode: c.SKUCode,
		BusinessID: c.BusinessID, Amount: c.Amount, ExpireTime: c.ExpireTime, OrderMoney: c.OrderAmount, Test: c.Test, Kind: "acted", State: StateActive,
	}
	if _, made := s.record.instance(c.InstanceID); made {
		return nil
	}
	if c.Generation == isv.V2 {
		if s.pollsNeeded() > 0 {
			line.State = StateCreating
		}
		if err := s.readOrder(ctx, &line); err != nil {
			return err
		}
	}
	return s.record.write(line)
}

// readOrder fills in what V2 does not send. A debugging order is not asked for.
func (s *seller) readOrder(ctx context.Context, line *Line) error {
	if s.orders == nil || line.Test {
		return nil
	}
	client := *s.orders
	if s.faults.on("signs-orders-wrong", "") {
		client.SecretKey += "x"
	}
	order, err := client.Order(ctx, line.OrderID, line.LineID)
	if err != nil {
		return err
	}
	line.OrderType = order.Type
	for _, ordered := range order.Lines {
		if ordered.OrderLineID != line.LineID {
			continue
		}
		if mode, on := s.faults.value("refuse-charging", line.Activity); on && (mode == ordered.ChargingMode && order.Type == "NEW" || mode == order.Type) {
			return &isv.Refusal{Code: "000002", Message: mode + " is not sold here"}
		}
		line.ExpireTime, line.OrderMoney = ordered.ExpireTime, string(ordered.AmountCharged)
		if len(ordered.Products) > 0 {
			p := ordered.Products[0]
			line.ProductID, line.SKUCode, line.Amount = p.ProductID, p.SKUCode, string(p.LinearValue)
		}
		return nil
	}
	return errors.New("the order has no line " + line.LineID)
}

func (s *seller) pollsNeeded() int {
	if s.faults.on("never-ready", "queryInstance") {
		return 1
	}
	if value, on := s.faults.value("ready-after", "queryInstance"); on {
		n, _ := strconv.Atoi(value) // its form was checked when it was set
		return n
	}
	return s.ready
}

// change is every call that concerns an existing instance.
func (s *seller) change(line Line, next func(Instance) State) error {
	found, err := s.record.change(line, next)
	if err == nil && !found {
		return isv.ErrNoInstance
	}
	return err
}

func to(state State) func(Instance) State { return func(Instance) State { return state } }

func unchanged(i Instance) State { return i.State }

// Renew stores the new end; on V1 it thaws too.
func (s *seller) Renew(ctx context.Context, r isv.Renewal) error {
	line := Line{Activity: "refreshInstance", InstanceID: r.InstanceID, OrderID: r.OrderID, LineID: r.OrderLineID, ProductID: r.ProductID,
		ExpireTime: r.ExpireTime, Scene: r.Scene, OrderMoney: r.OrderAmount, Test: r.Test}
	next := unchanged
	if r.Generation == isv.V1 && !s.faults.on("never-thaw", "refreshInstance") {
		next = func(i Instance) State {
			if i.State == StateFrozen {
				return StateActive
			}
			return i.State
		}
	}
	if r.Scene == "UNSUBSCRIBE_RENEWAL_PERIOD" && s.faults.on("cancel-ends-access", "refreshInstance") {
		next = to(StateReleased)
	}
	return s.change(line, next)
}

// Freeze stops an instance.
func (s *seller) Freeze(_ context.Context, c isv.Change) error {
	return s.change(lineOf("freeze", c), to(StateFrozen))
}

// Unfreeze starts it again.
func (s *seller) Unfreeze(_ context.Context, c isv.Change) error {
	if s.faults.on("never-thaw", "") {
		return s.change(lineOf("unfreeze", c), unchanged)
	}
	return s.change(lineOf("unfreeze", c), to(StateActive))
}

// Release deletes it.
func (s *seller) Release(_ context.Context, c isv.Change) error {
	return s.change(lineOf("releaseInstance", c), to(StateReleased))
}

func lineOf(activity string, c isv.Change) Line {
	return Line{Activity: activity, InstanceID: c.InstanceID, OrderID: c.OrderID, LineID: c.OrderLineID, OrderMoney: c.OrderAmount, Test: c.Test}
}

// Upgrade changes its size; on V2 the size comes from the order.
func (s *seller) Upgrade(ctx context.Context, u isv.Upgrade) error {
	line := Line{Activity: "upgrade", InstanceID: u.InstanceID, OrderID: u.OrderID, LineID: u.OrderLineID, ProductID: u.ProductID, SKUCode: u.SKUCode, Amount: u.Amount, Test: u.Test}
	if u.Generation == isv.V2 {
		if err := s.readOrder(ctx, &line); err != nil {
			return err
		}
	}
	return s.change(line, unchanged)
}

// Describe makes up the entry of an instance. Instances of V2 become ready after a
// number of polls.
func (s *seller) Describe(_ context.Context, id string) (isv.Entry, error) {
	instance, found := s.record.instance(id)
	switch {
	case !found || instance.State == StateReleased:
		return isv.Entry{}, isv.ErrNoInstance
	case instance.State == StateCreating:
		if polls := s.record.poll(id); s.faults.on("never-ready", "queryInstance") || polls < s.pollsNeeded() {
			return isv.Entry{}, isv.ErrNotReady
		}
		if err := s.change(Line{Activity: "ready", InstanceID: id}, to(StateActive)); err != nil {
			return isv.Entry{}, err
		}
	}
	base := *s.base.Load()
	return isv.Entry{
		FrontEndURL: base + "/instances/" + id, AdminURL: base + "/instances/" + id + "/admin",
		UserName: "admin-" + digest(id)[:6], Password: "Pw+/=" + digest("password" + id)[:12], Memo: "请在首次登录后修改密码",
	}, nil
}

// License gives the same code for the same instance.
func (s *seller) License(ctx context.Context, c isv.Creation) (string, error) {
	return "LIC-" + digest("license" + c.InstanceID)[:24], s.Create(ctx, c)
}

// CheckChange allows every change of an instance that it has.
func (s *seller) CheckChange(_ context.Context, c isv.SizeChange) error {
	return s.change(Line{Activity: "changeInstanceCheck", InstanceID: c.InstanceID, ProductID: "", Amount: "", Test: c.Test}, unchanged)
}

// OrderNotified writes the notice down, and reads the order as a seller would.
func (s *seller) OrderNotified(ctx context.Context, n isv.Notice) error {
	line := Line{Kind: "acted", Activity: "orderNotify", OrderID: n.OrderID, LineID: n.OrderLineID, Test: n.Test}
	if err := s.readOrder(ctx, &line); err != nil {
		return err
	}
	return s.record.write(line)
}

// forgetful is the SDK's store of a seller that makes a new instance for every call.
type forgetful struct {
	isv.Store
	faults *faults
}

// Get finds nothing while such a fault is on.
func (f forgetful) Get(key string) (isv.Record, bool, error) {
	for _, name := range []string{"new-instance-id-each-time", "key-on-business-id"} {
		if f.faults.on(name, "newInstance") && (len(key) > 3 && (key[:3] == "v1/" || key[:3] == "v2/") || len(key) > 5 && key[:5] == "test/") {
			return isv.Record{}, false, nil
		}
	}
	return f.Store.Get(key)
}
