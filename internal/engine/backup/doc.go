// Package backup writes a marketplace into one stream and reads it back (备份, 恢复): a logical dump that either engine
// reads, so it is also the move from one to the other. // spec: 01 §8.6
//
// # The form
//
// A gzip'd tar, so that it can be looked into with the tools of every machine:
//
//	head.json                 Head: version of the form, of the schema, engine, instant, tables with columns and counts
//	keyring                   the master keys, only if they were asked for
//	files/SHA256              uploaded files, only if they were asked for
//	tables/NAME/000001.jsonl  rows, each a JSON array in the order of the head's columns
//	end.json                  End: counts, a digest of each table, and the SHA-256 of all that stands before it
//
// A table comes after those it refers to. A row's digest does not depend on the order of rows, so that two databases
// with the same digests hold the same rows whatever their engines.
//
// # What holds
//
//   - A dump is one snapshot of a running marketplace; memory does not grow with it.
//   - A dump goes into an empty database only, all of it or nothing: the sum is checked before the one transaction of
//     the restore commits. A cut or changed dump is refused, and so is one of a newer schema; an older one is loaded
//     into its own schema, which is then brought up.
//   - Tables and columns are those that the database names: none can be forgotten.
//
// It must not know what a table means, but for two: leases of jobs end with the database that gave them, and the
// rows that migrations and an empty marketplace's first start make do not count as content.
package backup
