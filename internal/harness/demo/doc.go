// Package demo fills an empty sandbox with believable data (演示数据), starts two
// sandbox sellers as processes of their own, and plays the story of `souk demo
// --once` through the program's addresses: it ends well only if orders, ledger and
// the sellers' own records agree. // spec: 01 §8.1
package demo
