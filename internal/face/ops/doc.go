// Package ops is what machines that watch the marketplace see (监控): whether the process lives and is ready, metrics in
// Prometheus' form, and the one log line of every request, whichever face answers it.
//
// Labels of metrics are bounded: patterns of routes, activities, states; never the id of a seller, an order or a person.
// It must not hold a rule, and what it shows to anybody must tell nothing about the business.
package ops
