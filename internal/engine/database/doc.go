// Package database opens the one relational database of a Souk installation
// (数据库) and runs transactions in it. It is the only package that knows that
// there are two engines: SQLite, embedded, one process; and PostgreSQL, or an
// engine that speaks its protocol, shared by any number of processes.
//
// # Vocabulary
//
//   - engine (引擎): "sqlite" or "postgres".
//   - transaction (事务): a closure over *Tx. It may run more than once, so its
//     only effect is through that Tx; what must happen afterwards is given to
//     Tx.OnCommit.
//   - snapshot (快照): what a Read sees, unchanged while it runs.
//   - group commit (组提交): several closures of different callers made durable by
//     one SQLite COMMIT, each undone alone when it fails.
//   - migration (迁移): a numbered SQL file, run once per database.
//
// # One SQL text for both engines
//
// Placeholders are $1, $2 …; INSERT … ON CONFLICT and RETURNING are available.
// Column types are BIGINT, TEXT, BOOLEAN and BYTEA; a time is a BIGINT of
// microseconds since 1970 UTC, money a BIGINT of minor units. A statement that
// fails dooms its transaction on both engines, although SQLite alone would let
// it go on: what passes on one engine passes on the other.
//
// It implements design.md §3 ("One SQL text for both engines", "SQLite") and
// the database faults of the spine ("locked, full, gone").
//
// # What it must not do
//
// It holds no table, no query of the product and no rule; that is store and the
// floors above. It never repeats a COMMIT whose outcome is unknown.
package database
