// Package license is the delivery of licences by authorisation code: the marketplace
// makes the code and tells the seller when its term or state changes. Beside it stands
// the request by which an online licence is applied for.
//
// All calls are signed by the V2 rules; those about codes with the key of the class
// "License authorisation code" (License授权码交付接口).
//
// Vocabulary: authorisation code (授权码), refreshLicenseCode (更新授权码有效期),
// updateLicenseCodeStatus (变更授权码状态), releaseLicenseCode (释放授权码),
// getLicenseAsync (异步申请License), device fingerprint (设备指纹).
//
// Implements chapter 12 §2.1–2.2. It must not make codes or know when a call is due.
package license
