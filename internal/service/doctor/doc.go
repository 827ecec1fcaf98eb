// Package doctor plays the marketplace against a seller's running server and gives one
// verdict per rule (接口体检): whole lives in order and out of order, good and bad calls,
// repetitions, lost answers, restarts.
//
// Vocabulary: rule (规则), level (级别: must 必须, should 应当, note 提示), verdict (判定),
// to play an order (演练订单), blocked (被阻断: cannot be judged because another rule
// fails), aspect (a rule about every answer, such as its signature).
//
// How it works: the rules are one table (Rules). A rule is judged by a check that makes
// calls, or, for aspects, by looking at all answers to genuine calls. One defect should
// turn one rule red: an answer with a wrong signature is still read for what it says, and
// rules that need a failed one are blocked instead of failing too.
//
// Implements 01 §8.3 and 02 §1.19–1.20, §2.18–2.19; each rule names the section that it
// comes from. It reads no database and knows no seller. It must not build or judge bytes
// by itself where protocol/ does, must never put a key, AK/SK or opened password into a
// report, and must not send an id that a real order could have.
package doctor
