package lab

// States of a check-up. // spec: 01 §8.3
const (
	CheckupRunning = "running"
	CheckupDone    = "done"
	CheckupFailed  = "failed" // it could not be made
)
