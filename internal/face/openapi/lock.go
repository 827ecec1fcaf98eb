package openapi

import (
	"sync"
	"time"
)

const (
	// lockAfter failures in a row are forgiven; one more locks the key. spec: 14 §4
	lockAfter = 5
	lockFor   = 5 * time.Minute
)

// locks counts the failures of known access keys, in this process. Unknown keys are not counted, so what a
// stranger sends cannot grow it.
type locks struct {
	mu   sync.Mutex
	keys map[string]*lockState
}

type lockState struct {
	failures int
	until    time.Time
}

func (l *locks) locked(ak string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.keys[ak]
	return s != nil && now.Before(s.until)
}

func (l *locks) failed(ak string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys == nil {
		l.keys = map[string]*lockState{}
	}
	s := l.keys[ak]
	if s == nil {
		s = &lockState{}
		l.keys[ak] = s
	}
	if s.failures++; s.failures > lockAfter {
		s.failures, s.until = 0, now.Add(lockFor)
	}
}

func (l *locks) succeeded(ak string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.keys, ak)
}
