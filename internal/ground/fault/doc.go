// Package fault holds the one small vocabulary of errors that every floor uses.
//
// A Fault has a Kind (what sort of thing went wrong), a stable machine Code, a
// Message that is safe to show to whoever asked, texts per field, and the cause,
// which is for logs only. Faces translate a Fault once, at the edge, into HTTP or
// into the code of the protocol spoken there; nothing below a face knows HTTP.
//
// It must not import anything but the standard library.
package fault
