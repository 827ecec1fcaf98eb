// Package desk holds the pages that several consoles share: orders (订单), services (已购买的服务), production interface
// messages (生产接口消息), messages (消息) and balances (余额). Each console mounts them under its own address; what a
// viewer may see and do is decided by the services, by the viewer's scope.
//
// Chapters: 22 §8, 10 §8.4, 01 §3, §8.5. It must not know SQL, nor decide anything about orders or calls.
package desk
