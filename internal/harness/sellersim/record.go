package sellersim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// State is what the seller believes of an instance.
type State string

// The states of the seller's own record.
const (
	StateCreating State = "creating"
	StateActive   State = "active"
	StateFrozen   State = "frozen"
	StateReleased State = "released"
)

// Line is one line of record.jsonl. Kind "received" is written for every call that
// arrives, "acted" (synced to disk before the answer) for every one that the seller
// really carried out.
type Line struct {
	At         time.Time `json:"at"`
	Kind       string    `json:"kind"`
	Activity   string    `json:"activity"`
	InstanceID string    `json:"instance,omitempty"`
	OrderID    string    `json:"order,omitempty"`
	LineID     string    `json:"line,omitempty"`
	ProductID  string    `json:"product,omitempty"`
	SKUCode    string    `json:"sku,omitempty"`
	BusinessID string    `json:"business,omitempty"`
	Amount     string    `json:"amount,omitempty"`
	ExpireTime string    `json:"expire_time,omitempty"`
	Scene      string    `json:"scene,omitempty"`
	OrderType  string    `json:"order_type,omitempty"`
	OrderMoney string    `json:"order_amount,omitempty"`
	State      State     `json:"state,omitempty"` // of the instance, afterwards
	Test       bool      `json:"test,omitempty"`
	License    string    `json:"license,omitempty"`
	Kit        *KitLine  `json:"kit,omitempty"`
}

// Instance is what the seller has for one buyer.
type Instance struct {
	InstanceID string    `json:"instance"`
	OrderID    string    `json:"order"`
	LineID     string    `json:"line,omitempty"`
	ProductID  string    `json:"product,omitempty"`
	SKUCode    string    `json:"sku,omitempty"`
	Amount     string    `json:"amount,omitempty"`
	ExpireTime string    `json:"expire_time,omitempty"`
	State      State     `json:"state"`
	Test       bool      `json:"test,omitempty"`
	CreatedAt  time.Time `json:"created_at"`

	polls int
}

// Snapshot is the whole record, as GET /record answers it.
type Snapshot struct {
	Instances []Instance     `json:"instances"` // in the order of creation
	Calls     []Line         `json:"calls"`     // acted on
	Received  map[string]int `json:"received"`  // calls that arrived, by activity
	Tenants   []Tenant       `json:"tenants,omitempty"`
	Licenses  []License      `json:"licenses,omitempty"`
}

// record is the journal with the state that follows from it.
type record struct {
	mu        sync.Mutex
	file      *os.File
	volatile  bool // never sync
	instances map[string]*Instance
	order     []string
	calls     []Line
	received  map[string]int
	tenants   []*tenant
	licenses  []*License
}

func openRecord(path string) (*record, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	r := &record{file: file, instances: map[string]*Instance{}, received: map[string]int{}}
	if err := r.load(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return r, nil
}

// load replays the journal; a last line cut short by a crash is dropped.
func (r *record) load() error {
	reader := bufio.NewReader(r.file)
	var end int64
	for {
		text, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var line Line
		if err := json.Unmarshal(bytes.TrimSpace(text), &line); err != nil {
			return fmt.Errorf("record is damaged at byte %d: %w", end, err)
		}
		r.apply(line)
		end += int64(len(text))
	}
	if err := r.file.Truncate(end); err != nil {
		return err
	}
	_, err := r.file.Seek(end, io.SeekStart)
	return err
}

// apply changes the state in memory.
func (r *record) apply(line Line) {
	if line.Kind == "received" {
		r.received[line.Activity]++
		return
	}
	r.calls = append(r.calls, line)
	if line.Kit != nil {
		r.applyKit(line)
		return
	}
	if line.License != "" {
		r.applyLicense(line)
		return
	}
	if line.InstanceID == "" || line.State == "" {
		return
	}
	instance := r.instances[line.InstanceID]
	if instance == nil {
		instance = &Instance{
			InstanceID: line.InstanceID, OrderID: line.OrderID, LineID: line.LineID, ProductID: line.ProductID, Test: line.Test, CreatedAt: line.At,
		}
		r.instances[line.InstanceID] = instance
		r.order = append(r.order, line.InstanceID)
	}
	instance.State = line.State
	keep(&instance.ExpireTime, line.ExpireTime)
	keep(&instance.Amount, line.Amount)
	keep(&instance.SKUCode, line.SKUCode)
	keep(&instance.ProductID, line.ProductID)
}

func keep(field *string, value string) {
	if value != "" {
		*field = value
	}
}

// write appends a line; lines of kind "acted" are on disk when it returns.
func (r *record) write(line Line) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.writeLocked(line)
}

func (r *record) writeLocked(line Line) error {
	line.At = time.Now().UTC()
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	if _, err := r.file.Write(append(text, '\n')); err != nil {
		return err
	}
	if line.Kind == "acted" && !r.volatile {
		if err := r.file.Sync(); err != nil {
			return err
		}
	}
	r.apply(line)
	return nil
}

// change moves an existing instance to a state; found is false when there is none
// that is not released.
func (r *record) change(line Line, next func(Instance) State) (found bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	instance := r.instances[line.InstanceID]
	if instance == nil || instance.State == StateReleased {
		return false, nil
	}
	line.Kind, line.State = "acted", next(*instance)
	return true, r.writeLocked(line)
}

func (r *record) instance(id string) (Instance, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	instance := r.instances[id]
	if instance == nil {
		return Instance{}, false
	}
	return *instance, true
}

// poll counts a look at an instance that is being made, and returns how many there were.
func (r *record) poll(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if instance := r.instances[id]; instance != nil {
		instance.polls++
		return instance.polls
	}
	return 0
}

// ofAnotherOrder returns an instance that does not belong to the order.
func (r *record) ofAnotherOrder(order string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range r.order {
		if r.instances[id].OrderID != order {
			return id, true
		}
	}
	return "", false
}

// ofOrder returns the first instance of an order.
func (r *record) ofOrder(order string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range r.order {
		if r.instances[id].OrderID == order {
			return id, true
		}
	}
	return "", false
}

func (r *record) snapshot() Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Snapshot{Instances: []Instance{}, Calls: append([]Line{}, r.calls...), Received: map[string]int{}}
	for _, id := range r.order {
		s.Instances = append(s.Instances, *r.instances[id])
	}
	s.Tenants, s.Licenses = r.kitSnapshot()
	for activity, n := range r.received {
		s.Received[activity] = n
	}
	return s
}
