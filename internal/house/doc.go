// Package house holds the tests that keep the tree in order and nothing else: which floor may
// import which, that every package says what it is for, that citations of the specification name
// sections that exist, and that no word stands in the code which must not.
//
// It must not be imported, and it must not know what any package does.
//
// Vocabulary: a floor (楼层) is a group of packages with one rule about what it imports; a citation
// is a comment of the form "spec:" followed by a chapter and its sections.
package house
