// Package clock gives the program its two clocks.
//
// The wire clock (电文时钟) is the operating system's: signatures, nonces, tokens,
// sessions, leases. The business clock (业务时钟) is the wire clock plus one stored
// offset that never shrinks: orders, terms, schedules, limits, bills. In production
// mode the offset is 0; in sandbox mode it can be moved forward. // spec: 01 §1
//
// Nothing else in the program may call time.Now for a decision.
package clock
