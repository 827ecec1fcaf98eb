// Package mail is the outbox (发件箱) of mails and SMS (短信): a message is put into a table in the transaction that it
// belongs to, and sent afterwards, so that none is sent for what did not happen, nor lost for what did. A try holds a
// lease: any number of processes send beside each other, and only a try that died between sending and noting it is made
// again.
//
// Vocabulary: mail (邮件), outbox (发件箱), sender (发送方). What a message says is sealed in the table, for it holds
// links and codes that open doors; once it was handed over, the table forgets it. Mails go through an SMTP server, SMS
// through package sms; without a provider the sender writes files under <data>/outbox. Chapters: 01 §10, 20 A7. It must
// not know why a message is written, nor its words.
package mail
