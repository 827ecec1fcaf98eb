// Package money holds amounts (金额): whole minor units of one currency, the one
// rounding function, and splits that lose nothing.
//
// Unit prices and usage quantities are exact decimals and live in domain/pricing;
// they become an Amount exactly once, by rounding half up. // spec: 01 §4.1
package money
