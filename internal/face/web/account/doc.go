// Package account is the pages about persons (人员): registration (注册), the second factor at sign-in (动态口令), the
// password that was forgotten (找回密码), the invitation that is taken (邀请), and in each console members (成员),
// security (安全设置), access tokens (访问令牌), sign-in history (登录记录) and the audit log (审计日志).
//
// Chapters: 01 §9, 20 A6. A page that asks for an address answers alike whether or not it has an account. It must not
// decide anything: people and audit do.
package account
