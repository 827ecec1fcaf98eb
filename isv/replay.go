package isv

import (
	"sync"
	"time"

	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// nonces remembers the nonces of the last two windows: an older request is refused
// by its timestamp. It does not survive a restart; the journal still keeps a replay
// from acting twice.
// spec: 11 §2
type nonces struct {
	mu     sync.Mutex
	seen   map[string]time.Time
	sweep  time.Time
	window time.Duration
}

func newNonces() *nonces { return &nonces{seen: map[string]time.Time{}, window: 2 * v2.Window} }

// fresh reports whether the nonce is new, and remembers it.
func (n *nonces) fresh(nonce string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.sweep) > n.window || now.Before(n.sweep) {
		for old, at := range n.seen {
			if now.Sub(at) > n.window {
				delete(n.seen, old)
			}
		}
		n.sweep = now
	}
	if at, known := n.seen[nonce]; known && now.Sub(at) <= n.window {
		return false
	}
	n.seen[nonce] = now
	return true
}

// keyed is one lock per key, forgotten when nobody holds it.
type keyed struct {
	mu    sync.Mutex
	locks map[string]*keyedLock
}

type keyedLock struct {
	mu      sync.Mutex
	waiting int
}

func (k *keyed) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[string]*keyedLock{}
	}
	l := k.locks[key]
	if l == nil {
		l = &keyedLock{}
		k.locks[key] = l
	}
	l.waiting++
	k.mu.Unlock()
	l.mu.Lock()
	return func() {
		l.mu.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.waiting--; l.waiting == 0 {
			delete(k.locks, key)
		}
	}
}
