// Package doctortest holds the doctor (体检) against sandbox sellers: a healthy one
// passes, and each fault turns exactly the rules red that it must. Tests only.
//
// Implements proof.md ("Doctor rules"). It must not know how a rule is judged.
package doctortest
