package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	// ErrCommitUnknown means that the database was lost while it committed:
	// the changes may or may not be there. The caller must look before it
	// repeats anything; the transaction is never repeated by this package.
	ErrCommitUnknown = errors.New("outcome of the commit is unknown")
	// ErrNewerSchema means that a newer program has migrated the database.
	ErrNewerSchema = errors.New("database was migrated by a newer program")
	// ErrClosed means that the DB was closed.
	ErrClosed = errors.New("database is closed")
	// ErrNested means that a closure tried to open a second transaction.
	ErrNested = errors.New("transaction inside a transaction")

	// errUndone is what the neighbours of a transaction get that took the whole
	// group with it: nothing is wrong with them.
	errUndone = errors.New("undone together with its group")
)

// IsUnique reports whether err is the violation of a unique key or a primary
// key, on either engine.
func IsUnique(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505"
	}
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return true
	}
	return false
}

// IsUnavailable reports whether err says that the database is gone, locked for
// too long, full or out of resources: nothing is wrong with the request and
// the caller may repeat it later. An ErrCommitUnknown is not of this kind,
// since repeating it blindly could do the work twice.
func IsUnavailable(err error) bool {
	if err == nil || errors.Is(err, ErrCommitUnknown) {
		return false
	}
	if errors.Is(err, ErrClosed) || errors.Is(err, errUndone) || isLost(err) || retryable(err) {
		return true
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code {
		case "55P03", // lock not available in time
			"25006", // a server that is read-only just now (failing over)
			"25P03": // idle in transaction for too long
			return true
		}
		return len(e.Code) == 5 && (e.Code[:2] == "53" || e.Code[:2] == "58")
	}
	switch sqliteCode(err) & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL:
		return true
	}
	return false
}

// IsText reports whether the database refused a text that is not valid UTF-8 or holds the character U+0000. SQLite
// takes such texts; callers that must answer alike check before.
func IsText(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "22021" || e.Code == "22P05")
}

// sqliteCode is the extended result code of an SQLite error, 0 for others.
func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// retryable reports whether the server itself asked for the transaction to be
// run again.
func retryable(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch e.Code {
	case "40001", "40P01": // serialisation failure, deadlock
		return true
	case "0A000": // a statement prepared before a migration
		return e.Routine == "RevalidateCachedQuery"
	}
	return false
}

// isLost reports whether the connection to the server is gone or could not be
// made. An ended context is not a lost connection, although drivers close the
// connection then.
func isLost(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		// 57P01–57P03: shutting down, crashed, starting up. 08: connection.
		return e.Code == "57P01" || e.Code == "57P02" || e.Code == "57P03" || (len(e.Code) == 5 && e.Code[:2] == "08")
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || pgconn.SafeToRetry(err)
}
