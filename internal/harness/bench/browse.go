package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// browseRate is how many requests a second arrive while latency is measured.
const browseRate = 200

// runBrowse measures the storefront as people who are not signed in see it. Latency is
// taken while requests arrive at random at browseRate, whether or not earlier ones are
// answered (from the instant a request was due, not from when it was sent); the rate
// with as many connections as clients, beside that of a static file of a page's size
// from the same process, before and after. Both are taken twice: as people browse, and
// with addresses that no answer can be kept for.
func runBrowse(ctx context.Context, o Options) (*Figure, error) {
	w := &world{o: o, heard: newLedger()}
	defer w.close()
	var err error
	if w.dir, err = newDir(o.Dir); err != nil {
		return nil, err
	}
	if w.url, err = w.database(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	shelf, err := w.stock(ctx, o.Products)
	if err != nil {
		return nil, err
	}
	o.say("browse: %d products on sale after %s", o.Products, time.Since(began).Round(time.Second))
	began = time.Now()
	s, err := w.start(ctx)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	c, err := dial(s.addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if status, answer, err := c.do("GET", "/", "", "", ""); err != nil || status != 200 {
		return nil, problem("/", status, answer, err)
	}
	first := time.Since(began)
	// The index is filled behind the first answers: a search that counts all products
	// tells when.
	for all := []byte(fmt.Sprintf("%d products", o.Products)); ; {
		status, answer, err := c.do("GET", "/search?lang=en-US", "", "", "")
		if err != nil || status != 200 {
			return nil, problem("/search", status, answer, err)
		}
		if bytes.Contains(answer, all) {
			break
		}
		if time.Since(began) > 5*time.Minute {
			return nil, errors.New("the index is not filled after five minutes")
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	filled := time.Since(began)
	o.say("browse: first page after %s, index filled after %s", first.Round(time.Millisecond), filled.Round(time.Millisecond))
	b := &browse{w: w, s: s, shelf: shelf}
	if b.static, err = b.asset(c); err != nil {
		return nil, err
	}
	var rs []Repeat
	for n := range o.Repeat {
		r, err := b.round(ctx)
		if err != nil {
			return nil, err
		}
		o.say("browse, repeat %d: p99 %.1f ms, %.0f/s of %.0f/s", n+1, r.P99, r.Rate, (r.CeilingBefore+r.CeilingAfter)/2)
		rs = append(rs, r)
	}
	f := &Figure{Target: "p99 < 25 ms at 200 requests/s; ratio >= 0.3", Detail: map[string]any{"products": o.Products, "first_page_ms": round(first.Seconds() * 1000), "index_filled_ms": round(filled.Seconds() * 1000)},
		Mix: fmt.Sprintf("not signed in, both languages, gzip; 10 %% home, 20 %% a category sorted in one of 4 ways, 15 %% further facets, 25 %% searches (60 %% Chinese words of two characters, 40 %% English words), 30 %% product pages, the n-th most popular asked for as often as 1/n; latency with %d requests/s arriving at random for %s, rate with %d connections; the ceiling is a static file of the same process, packed, about as large as a page; …_unkept: the same with an address of its own for each request, so that each page is drawn", browseRate, o.Run, o.Clients)}
	f.put(o, rs)
	f.Met = f.P99 != nil && *f.P99 < 25 && f.Ratio != nil && *f.Ratio >= 0.3
	return f, nil
}

// browse is one measurement under way.
type browse struct {
	w      *world
	s      *serve
	shelf  *shelf
	static string // address of the static file
	serial atomic.Int64
}

// asset finds the style sheet's address on the home page.
func (b *browse) asset(c *client) (string, error) {
	_, answer, err := c.do("GET", "/", "", "", "")
	if err != nil {
		return "", err
	}
	_, rest, ok := bytes.Cut(answer, []byte(`href="/assets/souk.css`))
	if !ok {
		return "", errors.New("the home page names no style sheet")
	}
	tail, _, _ := bytes.Cut(rest, []byte(`"`))
	return "/assets/souk.css" + string(tail), nil
}

// draw picks a request of the mix; unkept gives it an address of its own.
func (b *browse) draw(r *rand.Rand, zipf *rand.Zipf, unkept bool) (address, lang, word string) {
	lang = "zh-CN"
	if r.IntN(3) == 0 {
		lang = "en-US"
	}
	q := url.Values{}
	switch n := r.IntN(100); {
	case n < 10:
		address = "/"
	case n < 30:
		address = "/categories/" + shelfCategories[r.IntN(len(shelfCategories))]
		if sort := []string{"", "popular", "price", "rating"}[r.IntN(4)]; sort != "" {
			q.Set("sort", sort)
		}
	case n < 45:
		address = "/search"
		q.Set("category", shelfCategories[r.IntN(len(shelfCategories))])
		switch r.IntN(4) {
		case 0:
			q.Set("term", []string{"month", "year", "one_time"}[r.IntN(3)])
		case 1:
			q.Set("seller", b.shelf.sellers[r.IntN(len(b.shelf.sellers))])
		case 2:
			q.Set("delivery", []string{"now", "days3", "days7"}[r.IntN(3)])
		}
	case n < 70:
		address = "/search"
		if word = shelfChinese[r.IntN(len(shelfChinese))]; r.IntN(5) < 2 {
			word = shelfEnglish[r.IntN(len(shelfEnglish))]
		}
		q.Set("q", word)
	default:
		address = "/products/" + b.shelf.products[int(zipf.Uint64())%len(b.shelf.products)]
	}
	if unkept {
		q.Set("n", fmt.Sprint(b.serial.Add(1)))
	}
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	return address, lang, word
}

// ask sends a request; one in fifty is unpacked and looked at.
func (b *browse) ask(c *client, address, lang, word string, look bool) error {
	c.head = "Accept-Encoding: gzip\r\nCookie: souk_lang=" + lang + "\r\n"
	status, answer, err := c.do("GET", address, "", "", "")
	if err != nil || status != 200 {
		return problem(address, status, answer, err)
	}
	if !look || word == "" {
		return nil
	}
	z, err := gzip.NewReader(bytes.NewReader(answer))
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	page, err := io.ReadAll(z)
	// Every word is in some product's name once there are some hundreds of each.
	if err == nil && (!strings.Contains(strings.ToLower(string(page)), word) || len(b.shelf.products) >= 5000 && !bytes.Contains(page, []byte(`href="/products/`))) {
		err = fmt.Errorf("%s finds nothing", address)
	}
	return err
}

// workers runs f on connections of their own until it gives false.
func (b *browse) workers(n int, f func(c *client, r *rand.Rand, zipf *rand.Zipf) (bool, error)) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			c, err := dial(b.s.addr)
			if err != nil {
				errs[i] = err
				return
			}
			defer c.close()
			r := rand.New(rand.NewPCG(uint64(i), uint64(b.serial.Load())))
			zipf := rand.NewZipf(r, 1.0001, 1, uint64(len(b.shelf.products)-1))
			for more := true; more && errs[i] == nil; {
				more, errs[i] = f(c, r, zipf)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// saturate gives the rate of answers with all clients at work.
func (b *browse) saturate(d time.Duration, one func(c *client, r *rand.Rand, zipf *rand.Zipf, n int) error) (float64, error) {
	end := time.Now().Add(d)
	var done atomic.Int64
	began := time.Now()
	err := b.workers(b.w.o.Clients, func(c *client, r *rand.Rand, zipf *rand.Zipf) (bool, error) {
		if time.Now().After(end) {
			return false, nil
		}
		return true, one(c, r, zipf, int(done.Add(1)))
	})
	return float64(done.Load()) / time.Since(began).Seconds(), err
}

func (b *browse) file(c *client, _ *rand.Rand, _ *rand.Zipf, _ int) error {
	c.head = "Accept-Encoding: gzip\r\n"
	status, answer, err := c.do("GET", b.static, "", "", "")
	if err != nil || status != 200 {
		return problem(b.static, status, answer, err)
	}
	return nil
}

func (b *browse) page(unkept bool) func(c *client, r *rand.Rand, zipf *rand.Zipf, n int) error {
	return func(c *client, r *rand.Rand, zipf *rand.Zipf, n int) error {
		address, lang, word := b.draw(r, zipf, unkept)
		return b.ask(c, address, lang, word, n%50 == 0)
	}
}

// arrive gives the times of requests that come at random at browseRate.
func (b *browse) arrive(d time.Duration, unkept bool) ([]time.Duration, error) {
	due := make(chan time.Time, 4*browseRate)
	go func() {
		defer close(due)
		r := rand.New(rand.NewPCG(7, uint64(d)))
		next := time.Now()
		for end := next.Add(d); next.Before(end); {
			next = next.Add(time.Duration(r.ExpFloat64() * float64(time.Second) / browseRate))
			time.Sleep(time.Until(next))
			due <- next
		}
	}()
	var mu sync.Mutex
	var times []time.Duration
	err := b.workers(32, func(c *client, r *rand.Rand, zipf *rand.Zipf) (bool, error) {
		at, more := <-due
		if !more {
			return false, nil
		}
		address, lang, word := b.draw(r, zipf, unkept)
		err := b.ask(c, address, lang, word, false)
		took := time.Since(at)
		mu.Lock()
		times = append(times, took)
		mu.Unlock()
		return true, err
	})
	if err != nil {
		for range due { // the clock must not wait for nobody
		}
	}
	return times, err
}

// round is one repeat: latency, then rates between two ceilings.
func (b *browse) round(ctx context.Context) (r Repeat, err error) {
	if err := ctx.Err(); err != nil {
		return r, err
	}
	o := b.w.o
	r.More = map[string]float64{}
	if _, err = b.arrive(o.Warm, false); err != nil {
		return r, err
	}
	times, err := b.arrive(o.Run, false)
	if err != nil {
		return r, err
	}
	r.P50, r.P99 = round(quantile(times, 0.5)), round(quantile(times, 0.99))
	if times, err = b.arrive(o.Run, true); err != nil {
		return r, err
	}
	r.More["p50_unkept_ms"], r.More["p99_unkept_ms"] = round(quantile(times, 0.5)), round(quantile(times, 0.99))
	if _, err = b.saturate(o.Warm, b.page(false)); err != nil {
		return r, err
	}
	if r.CeilingBefore, err = b.saturate(o.Run/2, b.file); err != nil {
		return r, err
	}
	before, err := b.s.cpu()
	if err != nil {
		return r, err
	}
	if r.Rate, err = b.saturate(o.Run, b.page(false)); err != nil {
		return r, err
	}
	if r.More["server_cpu_ms_per_page"], err = b.s.perUnit(before, int(r.Rate*o.Run.Seconds())); err != nil {
		return r, err
	}
	if r.More["rate_unkept"], err = b.saturate(o.Run, b.page(true)); err != nil {
		return r, err
	}
	if r.CeilingAfter, err = b.saturate(o.Run/2, b.file); err != nil {
		return r, err
	}
	r.Rate, r.CeilingBefore, r.CeilingAfter, r.More["rate_unkept"] = round(r.Rate), round(r.CeilingBefore), round(r.CeilingAfter), round(r.More["rate_unkept"])
	r.Ratio = round(2 * r.Rate / (r.CeilingBefore + r.CeilingAfter))
	_, r.RSS, err = b.s.memory()
	r.RSS = round(r.RSS)
	return r, err
}
