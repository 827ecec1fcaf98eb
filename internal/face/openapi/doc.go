// Package openapi serves the interfaces that a seller's programs call at the marketplace (卖家开放API): the
// order query (查询订单) and the usage push (推送话单) of both generations.
//
// A caller proves itself with an access key (AK/SK) and a signature over the request; failures of the proof
// have the gateway's body {"error_code","error_msg","request_id"}, everything after it the interface's own
// {"resultCode","resultMsg"}. Answers are exact: members in a fixed order, no HTML escaping, amounts as text.
//
// The nine mock orders (模拟订单) let a seller test before a real order exists. They are frozen files and any
// authenticated seller may read them.
//
// It implements chapters 14 §2.1–2.3, §3.1, §4 and 01 §5, §6. It must not know SQL, and decides nothing about orders:
// what an order looks like to its seller comes in as OrderView.
package openapi
