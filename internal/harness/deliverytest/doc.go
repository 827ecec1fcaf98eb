// Package deliverytest drives the whole program against sellers that the tests hold
// in their hands, byte by byte: the checks of 10 §12 and of 02, E12 of chapter 22, and
// what must follow from every kind of answer. It holds tests only.
package deliverytest
