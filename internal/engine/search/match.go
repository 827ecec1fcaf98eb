package search

import (
	"slices"
	"strings"
)

// hit is a document that the text of a query found.
type hit struct {
	slot  uint32
	score int
}

// maxPrefix bounds how many words a word being typed may stand for.
const maxPrefix = 64

// matches are the documents that hold every word, in whichever field each; all pairs
// or stems of one word must be found in one field. ok is false when there is no word.
func (x *Index) matches(text string) (out []hit, ok bool) {
	first := true
	for _, word := range strings.Fields(text) {
		var found []uint32 // postings
		whole := true
		tokens(word, func(t string) {
			ps := x.postings[t]
			if whole {
				found, whole = slices.Clone(ps), false
				return
			}
			found = both(found, ps)
		})
		if whole {
			return nil, true // nothing but signs: nothing is called so
		}
		found = either(found, x.typed(word))
		hits := make([]hit, 0, len(found))
		for _, p := range found {
			hits = append(hits, hit{p >> fieldBits, worth[p&(1<<fieldBits-1)]})
		}
		if first {
			out, first = hits, false
			continue
		}
		kept, i := out[:0], 0
		for _, h := range out {
			for i < len(hits) && hits[i].slot < h.slot {
				i++
			}
			if i < len(hits) && hits[i].slot == h.slot {
				kept = append(kept, hit{h.slot, h.score + hits[i].score})
			}
		}
		out = kept
	}
	return out, !first
}

// typed finds names with a word that begins as this one, as long as it is one word.
func (x *Index) typed(word string) (out []uint32) {
	var run []rune
	for _, r := range strings.ToLower(word) {
		if r >= 0xff01 && r <= 0xff5e {
			r -= 0xfee0
		}
		run = append(run, r)
	}
	prefix := string(run)
	at, _ := slices.BinarySearch(x.names, prefix)
	for n := 0; at < len(x.names) && n < maxPrefix && strings.HasPrefix(x.names[at], prefix); at, n = at+1, n+1 {
		var named []uint32
		for _, p := range x.postings[x.names[at]] {
			if p&inName != 0 {
				named = append(named, p&^(1<<fieldBits-1)|inSummary) // worth less than the word itself
			}
		}
		out = either(out, named)
	}
	return out
}

// both are the documents in both lists, in the fields that both have.
func both(a, b []uint32) []uint32 {
	out, i := a[:0], 0
	for _, p := range a {
		for i < len(b) && b[i]>>fieldBits < p>>fieldBits {
			i++
		}
		if i < len(b) && b[i]>>fieldBits == p>>fieldBits {
			if p&b[i]&(1<<fieldBits-1) != 0 {
				out = append(out, p&b[i])
			}
		}
	}
	return out
}

// either are the documents of both lists.
func either(a, b []uint32) []uint32 {
	if len(a) == 0 || len(b) == 0 {
		return append(a, b...)
	}
	out := make([]uint32, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch x, y := a[0]>>fieldBits, b[0]>>fieldBits; {
		case x < y:
			out, a = append(out, a[0]), a[1:]
		case x > y:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, a[0]|b[0]), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}
