// Package storefront is what everybody sees (商品市场): home, search, product page with its price calculator, seller's
// shop, sign-in, and the checkout (下单) that leads to the buyer centre.
//
// Chapters: 22 §8, 20 B3–B4. It must not know SQL, nor price anything itself: the service quotes.
package storefront
