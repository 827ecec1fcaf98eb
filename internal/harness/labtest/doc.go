// Package labtest drives the lab of a whole marketplace against sandbox sellers, well-behaved
// and not: debugging, saved cases, the gate of releases, probing, domains, public keys.
// Chapters: 10 §8, 11 §7, 13 §3, 01 §2.11–2.12. It holds tests only.
package labtest
