// Package search is the index of products on sale (商品搜索): Chinese words of two
// characters, English stems, any case and width, with facets, sorting and pages that
// continue after the last product seen.
//
// The index is in memory and rebuilt from the database when a process starts; after
// that it follows the change feed. It is never the truth, and it holds what a query
// needs, not what a page shows. It is our own because a general engine took 50 s and
// 420 MB to index 20,000 products and 0.1 to 1.5 s for a query over them
// (docs/decisions/0031). Chapters: 20 B9, issue 3. It must not know SQL or HTTP.
package search
