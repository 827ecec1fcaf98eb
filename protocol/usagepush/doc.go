// Package usagepush is the usage that sellers push to the marketplace: the signature of
// the new interface (headers ts, nonce and signature), the records of both interfaces
// and the answers with their codes.
//
// Vocabulary: usage push (使用量推送), usage record (话单, SDR), interconnection key
// (对接密钥), on-demand instance (按需实例), package instance (套餐包实例).
//
// Implements chapter 14 §2.1–2.4 and 01 §6. It must not remember nonces, serials or
// spans and knows no instance: those are the receiver's.
package usagepush
