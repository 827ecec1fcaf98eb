// Package api holds the OpenAPI documents of the interfaces that Souk serves: the management API (管理接口, 01 §8.5)
// and the sellers' open API (卖家开放API, 14 §3.1). The documents are served by the program, read by people, and kept
// true by tests: package apitest checks every request and reply of a test against them.
//
// It must not hold code that answers requests.
package api
