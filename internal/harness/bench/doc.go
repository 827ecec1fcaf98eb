// Package bench measures the program from outside and says what the same machine
// could do at most: the figures (性能指标) of docs/performance.md, behind `souk bench`.
//
// Each name is one measurement. It fills a fresh database through the use cases,
// starts `souk serve` as a process of its own with its default settings (sandbox
// mode, because the sellers listen on loopback), loads it over HTTP, and looks at
// the clock of the load generator, at the sellers' sockets and at what the database
// says in the end. Where the work is writing, the same rows are written again by
// the bare driver (the ceiling, 上限): same schema and indexes, same durability, one
// order or delivery per transaction, as many connections and COMMITs as the work
// had; no HTTP, no reads, no rules. Generator, sellers and, for PostgreSQL, the
// database server share the machine with what is measured, so all of them are kept
// cheap. // spec: 01 §8.1
//
// It must not hold a rule of the marketplace, and no test suite runs a measurement.
package bench
