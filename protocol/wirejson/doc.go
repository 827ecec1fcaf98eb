// Package wirejson reads and writes JSON the way the sellers' protocols need it.
//
// Reading keeps what encoding/json would lose: the exact text of a number, the
// difference between absent and null, and the fact that a name occurred twice.
// Writing produces the one canonical spelling (names ascending, no blanks, no
// HTML escaping) over which every signature of the second generation is made.
//
// Vocabulary: canonical body (规范请求体), member (成员), raw bytes (原始字节).
//
// Implements chapter 11 §2 points 1–2 and chapter 02 §1.11, §2.1, §2.2, §2.10.
// It must not know any message of the protocol and must not touch floats.
package wirejson
