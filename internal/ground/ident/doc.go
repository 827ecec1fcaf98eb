// Package ident makes the program's identifiers: order ids (订单号), wire product
// ids (商品ID), specification codes, nonces, secrets and row keys.
//
// Row keys are time-ordered UUIDs so that new rows land at the end of an index.
// Nothing here is a sequence of the database. // spec: 01 §7
package ident
