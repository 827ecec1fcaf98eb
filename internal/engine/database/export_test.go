package database

// Line tells how many writers wait for their turn and how many COMMITs there
// were: what a test of group commit looks at.
func Line(db *DB) (waiting, commits int64) {
	l := db.back.(*lite)
	return l.waiting.Load(), l.meter.commits.Load()
}

// MaxStatements is the bound of prepared statements per SQLite connection.
const MaxStatements = maxStatements
