package database

import (
	"sync/atomic"
	"time"
)

// Stats are running totals since the database was opened, and what is under way now.
type Stats struct {
	Writes     int64         // write transactions begun
	WriteWait  time.Duration // that they waited for their turn: the queue of SQLite's one writer, a connection to PostgreSQL
	Commits    int64         // COMMITs; on SQLite one may hold several transactions
	CommitTime time.Duration // that they took
	Waiting    int64         // writers in SQLite's queue now
	Open, Idle int           // connections now
	InUse      int
}

// meter counts for Stats.
type meter struct{ writes, writeWait, commits, commitTime atomic.Int64 }

// waited counts a write that began to wait at an instant.
func (m *meter) waited(since time.Time) {
	m.writes.Add(1)
	m.writeWait.Add(int64(time.Since(since)))
}

// committed counts a COMMIT that began at an instant.
func (m *meter) committed(since time.Time) {
	m.commits.Add(1)
	m.commitTime.Add(int64(time.Since(since)))
}

// Stats tells how busy the database is.
func (db *DB) Stats() Stats {
	m, s := db.back.stats()
	s.Writes, s.WriteWait = m.writes.Load(), time.Duration(m.writeWait.Load())
	s.Commits, s.CommitTime = m.commits.Load(), time.Duration(m.commitTime.Load())
	return s
}

func (l *lite) stats() (*meter, Stats) {
	s := Stats{Waiting: l.waiting.Load()}
	p := l.pool.Stats() // connections are held for good: those that nobody reads with lie in slots
	s.Open = p.OpenConnections
	s.InUse = max(0, l.o.MaxReaders-len(l.slots))
	s.Idle = max(0, s.Open-s.InUse)
	return &l.meter, s
}

func (p *post) stats() (*meter, Stats) {
	q := p.pool.Stats()
	return &p.meter, Stats{Open: q.OpenConnections, Idle: q.Idle, InUse: q.InUse}
}
