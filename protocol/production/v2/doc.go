// Package v2 is the second generation of the production interface: POST requests
// with a canonical JSON body and the signature in the query.
//
// One struct per activity becomes a body, a body becomes a signed request (Build,
// Post), an answer becomes a verdict (Judge) or the state of a poll (JudgePoll).
// Servers verify with Verify.
//
// Vocabulary: newInstance (创建实例), queryInstance (查询实例信息), refreshInstance
// (更新实例), updateInstanceStatus (更新实例状态), releaseInstance (释放实例),
// upgradeInstance (实例升级), changeInstanceCheck (续费变更校验), scene (场景), access
// key (访问密钥), order line (订单行).
//
// Implements chapter 11 with the field lessons of 02 §2. It must not open a
// connection, read a clock or draw randomness of its own.
package v2
