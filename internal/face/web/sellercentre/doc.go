// Package sellercentre is the seller's console (卖家中心): to-do list, products, access of the seller's server
// (对接: production addresses 生产地址, keys 密钥, access keys 访问密钥), orders, services, production interface messages
// (生产接口消息), income.
//
// Chapters: 20 B7, 10 §8.4, 14 §5, 01 §2.1, §2.4. Pages that other consoles have too stand in package desk. It must not
// decide anything, and shows a secret only after a click that leaves an audit row.
package sellercentre
