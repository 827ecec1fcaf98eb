//go:build !soukcrash

package crash

// Point does nothing in a normal build.
func Point(string) {}
