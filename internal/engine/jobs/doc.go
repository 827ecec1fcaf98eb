// Package jobs runs the job table (任务): calls to sellers and timed work, by one
// mechanism.
//
// A job is queued in the transaction of what causes it, becomes due on the business
// clock, is claimed with a lease, and is finished in the transaction of its outcome.
// Lanes (泳道) bound how many jobs of one seller run at once, so that a dead seller
// holds up nobody else; chains (实例) keep the calls of one instance in order. A
// process that dies loses its leases and others take the jobs over. // spec: 01 §2
//
// Jobs of one kind that do nothing outside the database may be done together, in the
// transaction that takes them out of the queue (docs/decisions/0063).
//
// It must not know what a job does: kinds register a handler.
package jobs
