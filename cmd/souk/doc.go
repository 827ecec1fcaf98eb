// Command souk is the marketplace in one binary. It wires rooms and holds no rule.
// spec: 01 §8.1
package main
