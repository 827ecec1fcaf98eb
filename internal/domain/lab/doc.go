// Package lab is the rules of proving a seller's server before a buyer sees it: which
// calls can be tried (scenarios), what a preset form holds, which saved cases a product
// needs, and when a day of probing counts as failed.
//
// Vocabulary: debugging (交付接口调试), scenario (调试场景), saved case (调试用例), probing (拨测),
// production address (生产地址), application credential (应用凭证).
//
// Chapters: 10 §8, 11 §7, 12 §1–2, 13 §2–3, 01 §2.11–2.12, 02 §1.16–1.21, §2.18–2.19. It must
// not send, sign or store anything.
package lab
