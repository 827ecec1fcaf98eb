// Package backoffice is the operators' console (运营后台): queues with their ages, review of products (审核), companies
// (企业), orders and calls, top-ups by two people (充值双人复核), ledger explorer (账本), messages, the sandbox's clock
// (沙箱时钟), the workers' jobs (任务).
//
// Chapters: 20 B7, 01 §1, §4.3, §9, 22 §8. Pages that other consoles have too stand in package desk. It must not decide
// anything: who may approve what is decided by the services.
package backoffice
