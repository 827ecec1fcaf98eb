// Package proof shows that somebody reads an address or a number: a code of six digits (验证码) that is sent there and
// typed back. Codes are kept as hashes, are good once and for ten minutes, and wrong ones are counted in the database
// before they are looked at.
//
// Chapters: 14 §5, 20 A7. It must not know what is done with what was proved.
package proof
