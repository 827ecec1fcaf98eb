// Package clients holds no code: its tests run foreign clients, which none of us
// wrote, against a running demo. It is a module of its own so that they stay out of
// the program's dependencies.
package clients
