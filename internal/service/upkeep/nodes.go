package upkeep

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/kernel"
)

// nodePrefix stands before the settings in which processes say that they live.
const nodePrefix = "node."

// How often a process says that it lives, and how long after its last word it is taken for gone.
const (
	beatEvery = 10 * time.Second
	goneAfter = time.Minute
)

// Node is a process of the marketplace.
type Node struct {
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Program string    `json:"program"`
	Started time.Time `json:"started"` // wire clock, as Seen
	Seen    time.Time `json:"seen"`
}

// beat says that this process lives, and forgets those that do not.
func (u *Upkeep) beat(ctx context.Context) error {
	u.node.Seen = u.k.Wire.Now().UTC()
	text, err := json.Marshal(u.node)
	if err != nil {
		return err
	}
	return u.k.DB.Write(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		all, err := store.Settings(ctx, tx, nodePrefix)
		if err != nil {
			return err
		}
		for name, text := range all {
			var n Node
			if err := json.Unmarshal([]byte(text), &n); err != nil || u.node.Seen.Sub(n.Seen) > goneAfter {
				if err := store.DropSetting(ctx, tx, name); err != nil {
					return err
				}
			}
		}
		return store.SetSetting(ctx, tx, nodePrefix+u.id, string(text))
	})
}

// leave says that this process ends.
func (u *Upkeep) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return u.k.DB.Write(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		return store.DropSetting(ctx, tx, nodePrefix+u.id)
	})
}

func newNode(k *kernel.Kernel, program string) Node {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	return Node{Host: host, PID: os.Getpid(), Program: program, Started: k.Wire.Now().UTC()}
}

// nodes lists the processes that live, the oldest first.
func (u *Upkeep) nodes(ctx context.Context, tx *kernel.Tx) (out []Node, err error) {
	all, err := store.Settings(ctx, tx, nodePrefix)
	if err != nil {
		return nil, err
	}
	now := u.k.Wire.Now()
	for _, text := range all {
		var n Node
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			return nil, err
		}
		if now.Sub(n.Seen) <= goneAfter {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b Node) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Host, b.Host), cmp.Compare(a.PID, b.PID))
	})
	return out, nil
}
