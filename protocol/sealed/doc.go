// Package sealed encrypts and decrypts the few secret values that travel inside
// the protocols: credentials, mobile numbers, e-mail addresses, client secrets.
//
// Two forms exist. The symmetric form is 16 characters of initial vector followed
// by the base64 of AES-CBC under a key derived from the access key the way a Java
// program derives it (SHA1PRNG). The asymmetric form is RSA-OAEP in one of three
// hash profiles.
//
// Vocabulary: access key (密钥), initial vector (初始向量), encryptType (加密类型),
// sensitive information (敏感信息), public key (公钥).
//
// Implements chapters 10 §6.3–6.4, 11 §8 and 13 §3.2. It must not hold keys, log
// values or draw randomness of its own: the caller passes the source.
package sealed
