// Package people is the use cases of companies (企业) and persons (人员): registration (注册) with a proved address,
// sign-in (登录) with sessions (会话), the second factor by time (动态口令) with recovery codes (恢复码), passwords and
// their reset, personal access tokens (访问令牌), members (成员) and invitations (邀请).
//
// Passwords are kept as argon2id; bearer secrets and links only as their SHA-256; seeds of the second factor under
// the keyring. No answer tells whether an address or login exists: the one who reads its mail is told. What can be
// guessed is counted in the database before it is looked at, known names and unknown ones alike.
// Chapters: 01 §8.5, §9, 20 A6. It must not know HTTP, pages or how a mail travels.
package people
