// Package ui is the kit that the pages of all four faces are made of: the frame around them (顶栏, 侧边导航), and the
// parts that they are composed from: figure row, filter bar, table with paging and export, state chip, next-step
// banner, timeline, tabs, empty state, form with its errors, confirmation, bytes viewer (报文查看), drawn figures.
//
// A page is a value: Page names its blocks, one template draws them all. A state is shown by one table (state.go) as
// colour, icon and word. Text is named by ids of package locale. Everything is served by the binary under a strict
// Content-Security-Policy; with scripts off every page and form works by reload.
//
// It implements the visual language of the page design, 22 §8, 01 §2.10 (a sandbox says so on every page) and
// 02 §2.16 (code, status and message shown together). It must not know a use case.
package ui
