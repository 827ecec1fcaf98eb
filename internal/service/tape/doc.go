// Package tape records what a marketplace and a seller's server say to each other (抓包), and
// plays the requests again (重放): a reverse proxy that passes every byte on, and a player that
// signs each request anew.
//
// A tape is a text file of one JSON object a line. Secrets are masked before they are written:
// what the answers' userName, password and license hold, a clientSecret, and the signatures of
// requests.
//
// Vocabulary: exchange (一次往返), tape (录制文件), upstream (被测服务器).
//
// Chapters: 10 §6, §8.4, 11 §2, 13 §1. It must not know orders, and it stores no key.
package tape
