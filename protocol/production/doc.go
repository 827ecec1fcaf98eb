// Package production holds the words that both generations of the production
// interface share: what came back from a seller, and what it means.
//
// The subpackages v1 and v2 build the requests and judge the answers. A judgement
// is a Verdict; its Reason is a stable word, never a sentence, so that pages and
// mails can translate it.
//
// Vocabulary: production interface (生产接口), answer (响应), verdict (判定),
// result code (结果码), entry information (应用信息, appInfo), usage (使用量).
//
// Implements chapters 10 §2.4, §3.6, §8.3 and 11 §4.2 with the rulings of 02
// §1.10–1.17 and §2.10–2.16. It must not send, store, retry or know an order.
package production
