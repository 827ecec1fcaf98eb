package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// The reasons why there is no usable answer. // spec: 10 §8.3, 02 §2.10
const (
	ReasonInvalid     = "invalid"     // the request itself is malformed; nothing was sent
	ReasonBlocked     = "blocked"     // the policy refuses the address; nothing was sent
	ReasonDNS         = "dns"         // the name has no address
	ReasonRefused     = "refused"     // nobody listens there
	ReasonUnreachable = "unreachable" // no way there
	ReasonTLS         = "tls"         // no secure connection: certificate, version, not TLS at all
	ReasonTimeout     = "timeout"     // no complete answer in time
	ReasonReset       = "reset"       // the connection was reset
	ReasonClosed      = "closed"      // closed without an answer, or in the middle of it
	ReasonMalformed   = "malformed"   // what came is not HTTP/1
	ReasonTooLarge    = "too_large"   // header over 64 KB or body over MaxBody
	ReasonCanceled    = "canceled"    // the caller gave up
	ReasonNetwork     = "network"     // another failure of the connection
)

// Answer is what a call led to.
type Answer struct {
	// Reason is empty when a complete answer came, of whatever status.
	Reason string
	// Err explains Reason in words that the seller may see.
	Err error

	// Status is 0 until a status line was read. Proto is as sent: "HTTP/1.1".
	Status int
	Proto  string
	// Header has canonical names; fields of one name keep apart and in order.
	Header http.Header
	// Body is as sent, without transfer coding: not unpacked, not decoded. It
	// may be partial when Reason is set.
	Body []byte

	// WroteRequest tells whether any byte of the request was handed to a
	// connection. If so and Reason is set, the outcome is unknown: the other
	// side may have acted.
	WroteRequest bool
	// SentBytes and ReceivedBytes are the bytes on the connection, inside TLS.
	// What was received is cut at Options.MaxCapture.
	SentBytes, ReceivedBytes []byte

	Started  time.Time
	Duration time.Duration
}

// stages of an exchange, to tell what an error means.
type stage int

const (
	connecting stage = iota
	securing
	writing
	reading
)

// reason gives an error its word.
func reason(err error, at stage) string {
	timeout := errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		timeout = true
	}
	_, isBlocked := errors.AsType[blocked](err)
	_, isAlert := errors.AsType[tls.AlertError](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case isBlocked:
		return ReasonBlocked
	case errors.Is(err, context.Canceled):
		return ReasonCanceled
	case timeout:
		return ReasonTimeout
	case isDNS:
		return ReasonDNS
	case errors.Is(err, errTooLarge):
		return ReasonTooLarge
	case at == securing || isAlert:
		return ReasonTLS
	case errors.Is(err, syscall.ECONNREFUSED):
		return ReasonRefused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return ReasonUnreachable
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ReasonReset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ReasonClosed
	}
	if _, ok := errors.AsType[*net.OpError](err); !ok && at == reading {
		return ReasonMalformed
	}
	return ReasonNetwork
}
