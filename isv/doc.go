// Package isv is the SDK for a seller's server: implement Seller, wrap it with New,
// and serve it. The SDK verifies every call (both generations of the production
// interface and the order notification, on one address), decrypts what the
// marketplace encrypted, encrypts and signs the answers, refuses replays, and keeps
// a small durable journal so that a repeated or concurrent call never makes a second
// instance, even when the process is killed between acting and answering.
//
// Vocabulary: seller, independent software vendor (商家, ISV), production interface
// (生产接口), instance (实例), order (订单), order line (订单行), access key (密钥),
// idempotency (幂等).
//
// A Seller who sells with the joint kit or by authorisation code also implements
// KitListener or LicenseCodes.
//
// Implements the seller's side of chapters 10, 11, 12 §1, §2.1 and 13 §1–2, and the client of the
// order query of 14 §3.1. It must not depend on the marketplace's own code and must
// not decide anything that is the seller's business.
package isv
