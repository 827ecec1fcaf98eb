package delivery

import "bytes"

// maxKept bounds the bytes kept of each side of an attempt.
const maxKept = 64 << 10

// masked are the members whose values are never stored. // spec: 10 §8.4
var masked = [][]byte{[]byte("userName"), []byte("password"), []byte("license"), []byte("clientSecret")}

// Mask replaces the values of secret members by ***, in whatever state the text
// is: it may be cut off, or no JSON at all. Values that are no strings stay. It also
// bounds the length.
func Mask(b []byte) []byte {
	if len(b) > maxKept {
		b = b[:maxKept]
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		if b[i] == '"' {
			if end, ok := secretAt(b, i); ok {
				out = append(out, b[i:end]...)
				i = skipString(b, end)
				out = append(out, `"***"`...)
				continue
			}
		}
		out = append(out, b[i])
		i++
	}
	return out
}

// secretAt finds a secret member that begins at i and gives where its string value
// begins.
func secretAt(b []byte, i int) (valueAt int, ok bool) {
	for _, name := range masked {
		end := i + 1 + len(name)
		if end < len(b) && bytes.Equal(b[i+1:end], name) && b[end] == '"' {
			k := skipBlank(b, end+1)
			if k < len(b) && b[k] == ':' {
				k = skipBlank(b, k+1)
				if k < len(b) && b[k] == '"' {
					return k, true
				}
			}
		}
	}
	return 0, false
}

func skipBlank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString gives the index after the string that begins at i; the end of b when
// it is not closed.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}
