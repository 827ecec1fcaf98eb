package trade

import (
	"github.com/souk-market/souk/internal/ground/crash"
	"github.com/souk-market/souk/internal/service/kernel"
)

const (
	paidCommitted   = crash.PaidCommitted
	activeCommitted = crash.ActiveCommitted
	notifyQueued    = crash.NotifyQueued
)

// afterCommit marks an instant at which a test build may kill itself.
func afterCommit(tx *kernel.Tx, label string) { tx.OnCommit(func() { crash.Point(label) }) }
