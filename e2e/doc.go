// Package e2e uses the pages of a whole running marketplace as people do: as a person without scripts who reads and
// sends forms (http_test.go), and in a headless Chromium (pages_test.go, flows_test.go) that looks for what a person
// would mind: something on the console, something that the Content-Security-Policy had to stop, anything wider than a
// small phone, a character that the fonts cannot draw, a text that no catalogue holds. A picture of each page is left
// under out/ to look at.
//
// It must not reach behind the faces but to set the scene. Without a browser its browser tests skip on a developer's
// machine and fail in CI.
package e2e
