// Package delivery holds the rules of calling a seller's server (生产接口): which
// call there is, when it is repeated, how long it may take, and what follows when
// it fails for good (交付失败).
//
// A schedule is a list of offsets from the instant the call became due. It is
// counted in tries, so that a try the platform itself lost (a crash) is not held
// against the seller, and slots that passed while nobody could run them collapse
// into one. Chapter: 01 §2. It must not know the wire, SQL or HTTP.
package delivery
