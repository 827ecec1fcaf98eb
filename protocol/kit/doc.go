// Package kit writes, reads, signs and verifies the five callbacks of the
// joint-operation kit, which a product's production address receives under fixed
// sub-paths, and judges the answers.
//
// The second generation signs the raw payload (headers x-sign, x-timestamp,
// x-nonce); the first signs the body's parameters (header authToken).
//
// Vocabulary: joint-operation kit (联营Kit), tenant sync (企业同步), application sync
// (应用同步), authorisation sync (用户授权同步), department sync (部门同步).
//
// Implements chapters 11 §2.1, 13 §1–2 and 02 §3. It must not know when a callback is
// due and must not be used for the basic interfaces, whose rule differs.
package kit
