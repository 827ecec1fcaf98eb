package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/souk-market/souk/internal/domain/pricing"
)

// checkChange holds a specification against how it is on sale: what buyers of it rely
// on stays. // spec: 20 B3.2, B3.4
func (s *Spec) checkChange(c *checker, at string) {
	if c.facts.Live == nil || s.Key == "" {
		return
	}
	i := slices.IndexFunc(c.facts.Live.Specs, func(old Spec) bool { return old.Key == s.Key })
	if i < 0 {
		return
	}
	old := c.facts.Live.Specs[i]
	// By term or once: a further term is welcome, the other way of charging is another
	// specification.
	once := func(s *Spec) (once, term bool) {
		for _, p := range s.Prices {
			once, term = once || p.PeriodType == OneTime, term || p.PeriodType.Months() > 0
		}
		return once, term
	}
	hadOnce, hadTerm := once(&old)
	hasOnce, hasTerm := once(s)
	if hasOnce && !hadOnce || hasTerm && !hadTerm {
		c.add(at+"prices", "fixed")
	}
	switch {
	case (old.Quantity == nil) != (s.Quantity == nil):
		c.add(at+"quantity.name", "fixed")
	case s.Quantity != nil && (old.Quantity.Step != s.Quantity.Step || old.Quantity.Min != s.Quantity.Min && (s.Quantity.Min-old.Quantity.Min)%max(old.Quantity.Step, 1) != 0):
		c.add(at+"quantity.step", "fixed")
	}
}

func (s *Spec) check(c *checker, at string, names map[string]bool) {
	if c.text(at+"name_zh", s.NameZH, 1, MaxSpecName) {
		switch {
		case counterName.MatchString(strings.TrimSpace(s.NameZH)):
			c.add(at+"name_zh", "meaningless")
		case names[s.NameZH]:
			c.add(at+"name_zh", "duplicate")
		}
		names[s.NameZH] = true
		c.words(at+"name_zh", s.NameZH, true)
	}
	if c.text(at+"name_en", s.NameEN, 1, MaxSpecName) {
		if counterName.MatchString(strings.TrimSpace(s.NameEN)) {
			c.add(at+"name_en", "meaningless")
		}
		c.words(at+"name_en", s.NameEN, true)
	}
	if len(s.Enums) > MaxEnums {
		c.add(at+"enums", "too_many", MaxEnums)
	}
	seen := map[string]bool{}
	for i, e := range s.Enums {
		here := fmt.Sprintf("%senums[%d].", at, i)
		c.text(here+"name", e.Name, 1, 30)
		if seen[e.Name] {
			c.add(here+"name", "duplicate")
		}
		seen[e.Name] = true
		switch n := len(e.Values); {
		case n == 0:
			c.add(here+"values", "missing")
		case n > MaxEnumValues:
			c.add(here+"values", "too_many", MaxEnumValues)
		}
		values := map[string]bool{}
		for _, v := range e.Values {
			c.text(here+"values", v, 1, 30)
			if values[v] {
				c.add(here+"values", "duplicate")
			}
			if strings.Contains(v, "/") {
				c.add(here+"values", "form", "不含 /")
			}
			values[v] = true
		}
	}
	combinations := s.Combinations()
	if len(combinations) > MaxSKUsPerSpec {
		c.add(at+"enums", "too_many", MaxSKUsPerSpec)
		return
	}
	if q := s.Quantity; q != nil {
		c.text(at+"quantity.name", q.Name, 1, 30)
		c.text(at+"quantity.unit", q.Unit, 1, 10)
		if q.Min < 1 || q.Max < q.Min || q.Max > MaxQuantity || q.Step < 1 || q.Step > q.Max {
			c.add(at+"quantity.max", "range", 1, MaxQuantity)
		}
		if !q.Pricing.Known() {
			c.add(at+"quantity.pricing", "form", "linear, graduated, volume")
		}
	}
	if s.TrialDays != 0 && (s.TrialDays < MinTrial || s.TrialDays > MaxTrial) {
		c.add(at+"trial_days", "range", MinTrial, MaxTrial)
	}
	s.checkPrices(c, at, combinations)
}

func (s *Spec) checkPrices(c *checker, at string, combinations []string) {
	type term struct {
		sku string
		p   PeriodType
	}
	priced := map[term]string{}
	has := map[string]bool{}
	for i, p := range s.Prices {
		here := fmt.Sprintf("%sprices[%d].", at, i)
		if !slices.Contains(combinations, p.SKU) {
			c.add(here+"sku", "unknown")
			continue
		}
		if p.PeriodType != Month && p.PeriodType != Year && p.PeriodType != OneTime {
			c.add(here+"period_type", "form", "month, year, one_time")
		}
		if d, err := pricing.ParseUnit(p.Amount); err != nil {
			c.add(here+"amount", "form", s.priceForm())
		} else if d.IsZero() {
			c.add(here+"amount", "zero_price") // who wants to give it away for a while offers a trial // spec: 20 B3.1
		}
		s.checkBands(c, here, p)
		if !p.Currency.Known() {
			c.add(here+"currency", "form", "CNY, USD, EUR")
		}
		k := term{p.SKU, p.PeriodType}
		if _, twice := priced[k]; twice {
			c.add(here+"amount", "duplicate")
		}
		priced[k], has[p.SKU] = p.Amount, true
	}
	for _, k := range combinations {
		if !has[k] {
			c.add(at+"prices", "missing", k)
		}
	}
	if s.TrialDays > 0 && !slices.ContainsFunc(s.Prices, func(p Price) bool { return p.PeriodType.Months() > 0 }) {
		c.add(at+"trial_days", "needs_period")
	}
	for i, u := range s.Upgrades {
		here := fmt.Sprintf("%supgrades[%d]", at, i)
		if !slices.Contains(combinations, u.From) || !slices.Contains(combinations, u.To) || u.From == u.To {
			c.add(here, "unknown")
			continue
		}
		for _, p := range []PeriodType{Month, Year} {
			from, e1 := pricing.ParseUnit(priced[term{u.From, p}])
			to, e2 := pricing.ParseUnit(priced[term{u.To, p}])
			if e1 == nil && e2 == nil && to.Cmp(from) < 0 {
				c.add(here, "price_inversion")
			}
		}
	}
}

// checkBands checks the prices that depend on the number of pieces. // spec: 20 B3.3
func (s *Spec) checkBands(c *checker, here string, p Price) {
	q := s.Quantity
	switch {
	case q == nil || q.Pricing == pricing.Linear:
		if len(p.Bands) > 0 {
			c.add(here+"amount", "bands_need_mode")
		}
	case len(p.Bands) == 0:
		c.add(here+"amount", "bands_missing")
	case p.Bands.Check(q.Min, q.Max) != nil:
		c.add(here+"amount", "bands", q.Min, q.Max)
	case slices.ContainsFunc(p.Bands, func(b pricing.Band) bool { d, err := pricing.ParseUnit(b.Unit); return err == nil && d.IsZero() }):
		c.add(here+"amount", "zero_price") // no band gives it away
	}
}

// priceForm is an example of a price as it is written.
func (s *Spec) priceForm() string {
	if s.Quantity != nil && s.Quantity.Pricing != pricing.Linear {
		return "12.00 11:10.00"
	}
	return "12.00"
}
