// Package delivery calls sellers' servers (调用生产接口): it turns a job into one
// request of the wire, records the attempt before a byte is sent, judges the answer,
// and commits the outcome — activation, the next try, or the end — in one
// transaction. Here, and only here, domain words become wire words.
//
// Vocabulary: attempt (调用记录), restart (重新启动), replay (重放), live details
// (资源详情实时查询). Chapters: 10, 11, 12 §1, 01 §2, 02. It must not know how bytes
// are signed (protocol/) nor how a connection is made (engine/outbound).
package delivery
