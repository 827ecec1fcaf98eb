// Package messages is the use cases of messages (消息): whom a notice goes to outside the marketplace, the receivers
// (消息接收人) that a company names, what each member chose to be told through which channel, and the page of what was
// told.
//
// Whoever is told: the people whom the kind concerns, by their own choice; the receivers that were set for it; and when
// none was set, the address that is bound to the company's account. Nothing is written to an address that nobody proved.
// Chapters: 20 A7, B7; 10 §2.6; 01 §10. The table of kinds is domain/notice; the words come in from the face. It must not
// know HTTP or how a message is sent.
package messages
