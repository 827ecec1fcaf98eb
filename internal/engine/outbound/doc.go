// Package outbound makes the calls to servers that Souk does not own (出站调用):
// sellers' production addresses, notification addresses, probes. It is the only
// way out; everything it refuses is unreachable for the whole program.
//
// # Vocabulary
//
//   - policy (策略): which addresses may be connected to.
//   - exchange (交换): one connection, one request, at most one answer. Nothing is
//     ever sent again: each attempt is recorded once, so it must happen once.
//   - reason (失败原因): the one word for why there is no usable answer.
//   - late answer (迟到的应答): a complete answer that came after the time-out.
//
// # How
//
// HTTP/1.1 is written and read here, on a connection of this package's own
// making, because the bytes are the product: header names keep their order and
// case, the request target goes out as it was signed, redirects, cookies,
// proxies and unpacking do not exist, and what went over the connection (under
// TLS) is handed back. A connection is not used twice: a server that closes an
// idle one just as the next request is written would turn a good delivery into
// an unknown outcome.
//
// The address is judged in the dialler's control function, that is the address
// the system is about to connect to, after resolution: a name that changes its
// answer between a check and the call gains nothing.
//
// It implements design.md §3 ("Outbound calls"), chapters 10 §1.1, §11 last
// lines and 01 §2.1, §2.3, §2.10. It must not judge what an answer means, store
// anything, or know a protocol's messages.
package outbound
