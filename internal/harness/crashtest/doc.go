// Package crashtest kills a real marketplace and real sellers at the worst moments
// and looks at what is left (崩溃测试).
//
// The killed program is cmd/souk built with -tags soukcrash: at a label of 01 §8.7
// it sends itself SIGKILL, and at random instants the test does. Sellers are `souk
// seller` processes, killed too, and told to act and then close without an answer.
// Orders come in over the management API by a client that, like a good script,
// repeats what it got no answer to under the same Idempotency-Key.
//
// Afterwards three records that know nothing of each other have to agree: the
// orders and instances, the ledger, and what each seller wrote on its own disk.
// No order lost, no instance made twice, no money lost. // spec: 01 §8.7
//
// The package holds tests only:
//
//	go test ./internal/harness/crashtest                     # as in `make test`
//	go test ./internal/harness/crashtest -rounds 200         # a night of random kills
//	go test ./internal/harness/crashtest -report FILE        # and a page about it
package crashtest
