// Package manage is the management API (管理接口) under /api/souk/v1: JSON over
// HTTP with personal access tokens, for scripts and for people's own tools.
//
// Members are snake_case; times RFC 3339 UTC; amounts decimal text; lists are
// {"items":[…],"next":"…"} with keyset pages; errors are {"error":{"code","message",
// "fields","request_id"}}. A change with an Idempotency-Key is done once however
// often it is sent. // spec: 01 §8.5
//
// It must not hold a rule: it reads a request, calls a use case, writes its outcome.
package manage
