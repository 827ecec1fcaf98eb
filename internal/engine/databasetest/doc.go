// Package databasetest gives tests real databases: a fresh, migrated one of
// each engine for every test (design.md §3, "Tests": each storage test runs on
// SQLite and on PostgreSQL).
//
// PostgreSQL is the distribution's own: a temporary server is started from its
// binaries when a test binary first needs one, and ends with that binary however
// that ends. Started as root it runs as another account. The migrations run once
// per server into a template database (模板库) that is copied per test. With
// SOUK_TEST_POSTGRES set to the URL of a server, that one is used; the command
// pgtemp sets it for a whole `go test ./...`.
//
// Without PostgreSQL a test is skipped, but fails when CI=true or
// SOUK_REQUIRE_ALL=1: a skipped engine is a failure there (proof.md).
//
// It must not be imported by anything but tests and pgtemp.
package databasetest
