// Package sellers holds the same small seller's server in several languages, and the
// vectors that all of them are tested with: vectors.json.
//
// The file is a list of flat objects: name, kind, the inputs of that kind, expected,
// valid, source. When valid is true, computing from the inputs gives expected; when it
// is false, expected is what must not be accepted for these inputs, or, for the kinds
// of checking, the word or code of the refusal. The kinds:
//
//	v1-token          key, query (percent-encoded, no authToken) -> authToken
//	v1-verify         key, query (with authToken) -> "" or 000001
//	v2-signature      key, nonce, timestamp, body -> signature, upper-case hex
//	v2-verify         key, query, body, now (milliseconds) -> "" or the result code
//	body-sign         key, body -> signature, base64
//	body-sign-header  key, body, headers ([name, value]) -> the signature or the refusal
//	answer            key, body -> signature; plain holds what the sealed members open to
//	kit-sign          key, nonce, timestamp, body -> x-sign, upper-case hex
//	kit-token         key, body -> authToken header
//	usage-signature   key, timestamp (ts), nonce, body -> signature, base64
//	aes-key           key, bits -> AES key, hex
//	seal              key, bits, iv, plain -> wire value
//	open              key, bits, wire -> plain text
//	oaep-open         private_key (PKCS#8, base64), profile, wire -> plain text
//	aksk              access_key, key (secret), method, host, target, header, signed, body -> signature
//	percent-encoding  plain -> text on the wire
//	extension-params  body (JSON) -> saasExtendParams
//
// Vocabulary: vector (测试向量), seller (商家).
//
// It is made from the golden data of the protocol packages by the test of this package
// with -update. It must not hold a vector of its own.
package sellers
