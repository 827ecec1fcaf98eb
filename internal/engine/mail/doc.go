// Package mail is the outbox (发件箱): a mail is put into a table in the transaction that it belongs to, and sent
// afterwards, so that a mail is never sent for what did not happen, nor lost for what did.
//
// Vocabulary: mail (邮件), outbox (发件箱), sender (发送方). What a mail says is sealed in the table, for it holds
// links that open doors; once it was handed over, the table forgets it. Without a provider the sender writes files
// under <data>/outbox. Chapters: 01 §10, 20 A7. It must not know why a mail is written, nor its words.
package mail
