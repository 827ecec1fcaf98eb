// Package e2e opens the pages in a headless Chromium and looks at them as a person would: nothing on the console,
// nothing that the Content-Security-Policy had to stop, nothing wider than a small phone, no character that the
// fonts cannot draw, and a picture of each page under out/ to look at.
//
// It must not test rules: what a page says belongs to the tests of the face. Without a browser it skips on a
// developer's machine and fails in CI.
package e2e
