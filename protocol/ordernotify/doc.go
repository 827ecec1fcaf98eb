// Package ordernotify is the notice that tells a seller of a paid order, beside
// the delivery and without influence on it. It is signed by the V2 rules with the
// key of the class "general interface" (通用接口) and holds ids only: the seller
// reads the order through the order query.
//
// Vocabulary: order notification (订单通知), order line (订单行).
//
// Implements chapter 12 §1 and 02 §2.9. It must not know the delivery address.
package ordernotify
