// Package v1 is the first generation of the production interface: signed GET
// requests to the seller, answers signed with Body-Sign.
//
// One struct per activity becomes parameters, parameters become a signed URL
// (Build), an answer becomes a verdict (Judge). Servers verify with Verify and
// answer with MakeBodySign.
//
// Vocabulary: newInstance (新购商品), refreshInstance (商品续费), expireInstance
// (商品过期), releaseInstance (商品资源释放), upgrade (商品升级), instanceStatus
// (实例状态变更), queryInstance (查询实例信息), getLicense (获取License授权码),
// authToken (安全校验令牌), extension parameters (扩展参数).
//
// Implements chapter 10 §1–7 with 01 §2.6 and the field lessons of 02 §1. It must
// not open a connection, read a clock, draw randomness or know what an order costs.
package v1
