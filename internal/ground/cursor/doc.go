// Package cursor makes the opaque page marks of keyset paging: the key of the
// last row seen, never an offset, so that pages neither skip nor repeat rows
// while others write. It must not carry anything secret: it is encoded, not sealed.
package cursor
