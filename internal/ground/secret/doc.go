// Package secret holds the type of values that must never be shown (秘密):
// keys, passwords, tokens. Whatever prints, logs, encodes or stores one by
// accident gets three asterisks or an error; only Reveal gives the value.
//
// It implements design.md §3 ("Secrets"). It must not encrypt; that is the
// keyring's work.
package secret
