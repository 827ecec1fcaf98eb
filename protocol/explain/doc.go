// Package explain recomputes a signature or a sealed value step by step, and when it
// differs from the one that was found, names the mistakes that give exactly that one.
//
// A cause is never guessed from looks: the known wrong way is computed, alone and
// together with others, and named only if it gives the value that was found.
//
// Vocabulary: signature (签名), intermediate (中间值), cause (原因), access key (密钥),
// key class (密钥类别).
//
// Implements the diagnosis behind chapters 10 §6–7, 11 §2, 13 §1, 14 §2.1 and §6, and
// 01 §8.4. It must not open a connection, read a clock or keep a key, and what it
// returns must be shown to the owner of the key only.
package explain
