// Package sellersim is a seller's server for the sandbox, the demonstration and the
// tests: well-behaved by default, misbehaving on request in every way that real
// sellers were seen to. It is built on the public SDK (isv) and runs as a process of
// its own behind `souk seller`.
//
// It keeps its own record on disk, a readable journal of every call it acted on, so
// that a test can compare the marketplace's view with the seller's.
//
// Vocabulary: seller (商家), production address (生产地址), record (调用记录), fault
// (故障).
//
// Implements the seller's side of chapters 10 §8.3, §12.5, 11 and 02 (every field
// lesson is a fault here), and 01 §8.2. It must not import the marketplace's own
// floors: it knows the wire only.
package sellersim
