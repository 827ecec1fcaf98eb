// Package notice says of each kind of notice (消息) whom it reaches by role, how urgent it is, and through which channels
// (渠道: in-site 站内信, mail 邮件, SMS 短信) unless a receiver (接收人) chose otherwise; and which ones nobody can switch
// off.
//
// Chapters: 20 A7, B7; 10 §2.6, §8.5; 11 §6; 22 §2. It must not know the words of a notice, SQL, or how a mail is sent.
package notice
