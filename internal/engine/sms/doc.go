// Package sms hands short messages (短信) to a provider by a webhook: one signed POST of JSON for each, through the guarded
// client. Which provider sends them, and at what price, is the business of whoever answers the webhook.
//
// Chapters: 01 §10, 20 A7. It must not know why an SMS is written; the outbox of package mail queues and repeats.
package sms
