// Package usagepush signs and verifies the usage that sellers push to the
// marketplace by the new interface: headers ts, nonce and signature.
//
// Vocabulary: usage push (使用量推送), usage record (话单, SDR), interconnection key
// (对接密钥).
//
// Implements chapter 14 §2.1. It must not read records, check clocks or remember
// nonces: those are the receiver's.
package usagepush
