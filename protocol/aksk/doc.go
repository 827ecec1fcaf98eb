// Package aksk signs and verifies calls of sellers' programs to the open APIs:
// SDK-HMAC-SHA256 with an access key (AK) and a secret key (SK).
//
// Vocabulary: access key id (访问密钥ID, AK), secret access key (秘密访问密钥, SK),
// signed headers (参与签名的消息头), canonical request (规范请求).
//
// Implements chapter 14 §6. It must not look up keys, count failures or know which
// API is called; a caller maps ErrClockSkew to APIGW.0303 and every other error to
// APIGW.0301.
package aksk
