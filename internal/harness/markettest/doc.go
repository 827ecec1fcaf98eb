// Package markettest runs the whole program on a free port with believable data and acts as each role, for tests
// that cross rooms: who may do what on every route, and what an outsider can tell apart.
//
// It implements the rule on access of the design (another tenant's id answers exactly like an unknown one; 01 §8.5)
// and holds every request and reply against the OpenAPI document. It must not be imported by anything but tests.
package markettest
