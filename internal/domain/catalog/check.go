package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Problem is one thing a field lacks. Code is stable: pages put it into words of
// both languages with the arguments.
type Problem struct {
	Field   string   // path, such as specs[0].name_zh
	Code    string   // ProblemCodes
	Args    []string // what the words need
	Warning bool     // does not keep the product from being submitted
}

// CaseMissing is the code of a need without a passing debugging case, which the body alone does not tell. // spec: 01 §2.12
const CaseMissing = "case_missing"

// ProblemCodes lists every code, for the test that each has words.
var ProblemCodes = []string{
	"missing", "too_long", "too_short", "not_utf8", "operator_name", "marketing_words", "contains_price", "contains_phone", "contains_link", "contains_email",
	"contains_version", "superlative", "personal_data", "taken", "form", "range", "picture_form", "picture_size", "file_form", "file_size", "too_many",
	"duplicate", "unknown", "blanks", "support_time", "meaningless", "no_address", "not_leaf", "needs_period", "price_inversion",
	"fixed", "zero_price", "similar", "foreign_address", "bands", "bands_missing", "bands_need_mode",
}

// FileFacts is what is known of an uploaded file.
type FileFacts struct {
	MediaType     string
	Size          int64
	Width, Height int // pictures
}

// Facts is what the rules need to know beside the body itself.
type Facts struct {
	Files             map[string]FileFacts
	DescriptionText   string   // without markup
	DescriptionImages []string // file ids
	ForeignLinks      []string // links to elsewhere in description or guide
	NameTaken         bool     // by another product of this seller
	HasAddress        bool     // a production address is registered
	CategoryLeaf      bool
	OperatorNames     []string // must not be used in names // spec: 20 B2
	Similar           string   // a product of this seller with a name much alike; "" for none
	GuideText         string   // of the user guide, without markup
	Live              *Body    // the version on sale, whose fixed parts stay; nil before the first
}

// Limits of the wizard. // spec: 20 B2, B3
const (
	MaxProductName  = 60
	MaxOverview     = 120
	MinDescription  = 400 // characters of text, when there are no pictures
	MaxDescription  = 20000
	MaxPictures     = 5
	MaxPicture      = 5 << 20
	MaxDocument     = 20 << 20
	LogoSide        = 120
	PictureWidth    = 800
	PictureHeight   = 600
	MaxHighlights   = 6
	MaxCases        = 10
	MaxExtendParams = 3
	MaxSpecName     = 50
	MaxEnums        = 5
	MaxEnumValues   = 20
	MaxSKUsPerSpec  = 200
	MaxSpecs        = 20
	MinTrial        = 3
	MaxTrial        = 180
	MaxTags         = 10
	MinAgreement    = 100
	MaxAgreement    = 50000
)

var (
	versionForm  = regexp.MustCompile(`^V[1-9][0-9]*\.[0-9]+(\.[0-9]+)*$`)
	versionWord  = regexp.MustCompile(`(?i)\bv?[0-9]+\.[0-9]+(\.[0-9]+)*\b`)
	priceWord    = regexp.MustCompile(`[¥￥$]\s*[0-9]|[0-9]+(\.[0-9]+)?\s*(元|块|美元|USD|CNY|RMB)`)
	phoneWord    = regexp.MustCompile(`(^|[^0-9])(1[3-9][0-9]{9}|0[0-9]{2,3}-[0-9]{7,8}|400-?[0-9]{3}-?[0-9]{4})([^0-9]|$)`)
	linkWord     = regexp.MustCompile(`(?i)https?://|www\.[a-z0-9]`)
	mailWord     = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}`)
	identityWord = regexp.MustCompile(`(^|[^0-9])([1-9][0-9]{16}[0-9Xx]|62[0-9]{14,17})([^0-9]|$)`)
	blankWord    = regexp.MustCompile(`_{3,}|＿{2,}|（盖章）|\(盖章\)|签订地点`)
	counterName  = regexp.MustCompile(`(?i)^(规格|spec|sku|套餐)?\s*[0-9一二三四五六七八九十]*$|^(年|月|包年|包月|套|次|个|year|month|yearly|monthly)$`)
	hotlineForm  = regexp.MustCompile(`^[+0-9][0-9 -]{4,24}$`)

	marketing    = []string{"免费", "促销", "特价", "优惠", "限时", "打折", "清仓", "free", "promotion", "discount", "best price"}
	superlatives = []string{"国家级", "最佳", "最好", "极致", "世界第一", "全球首个", "第一品牌", "顶级", "唯一", "史无前例"}
	extendNames  = []string{"emailDomainName", "ip", "identificationCode", "platformParams"} // spec: 10 §2.3
)

type checker struct {
	out   []Problem
	facts Facts
}

func (c *checker) add(field, code string, args ...any) {
	p := Problem{Field: field, Code: code}
	for _, a := range args {
		p.Args = append(p.Args, fmt.Sprint(a))
	}
	c.out = append(c.out, p)
}

func (c *checker) warn(field, code string, args ...any) {
	c.add(field, code, args...)
	c.out[len(c.out)-1].Warning = true
}

// text checks presence, encoding and length; it tells whether more can be looked at.
func (c *checker) text(field, s string, min, max int) bool {
	n := utf8.RuneCountInString(strings.TrimSpace(s))
	switch {
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		c.add(field, "not_utf8")
	case n == 0 && min > 0:
		c.add(field, "missing")
	case n < min:
		c.add(field, "too_short", min, n)
	case n > max:
		c.add(field, "too_long", max, n)
	default:
		return n > 0
	}
	return false
}

// words looks for what must not stand in a text. // spec: 20 B2, forbidden content
func (c *checker) words(field, s string, isName bool) {
	lower := strings.ToLower(s)
	for _, n := range c.facts.OperatorNames {
		if n != "" && strings.Contains(lower, strings.ToLower(n)) {
			c.add(field, "operator_name", n)
		}
	}
	if isName {
		for _, m := range marketing {
			if strings.Contains(lower, m) {
				c.add(field, "marketing_words", m)
			}
		}
		for code, form := range map[string]*regexp.Regexp{"contains_price": priceWord, "contains_version": versionWord} {
			if m := form.FindString(s); m != "" {
				c.add(field, code, strings.TrimSpace(m))
			}
		}
	}
	for _, r := range []struct {
		code string
		form *regexp.Regexp
	}{{"contains_phone", phoneWord}, {"contains_link", linkWord}, {"contains_email", mailWord}, {"personal_data", identityWord}} {
		if m := r.form.FindString(s); m != "" {
			c.add(field, r.code, strings.TrimSpace(m))
		}
	}
	for _, w := range superlatives {
		if strings.Contains(s, w) {
			c.warn(field, "superlative", w)
		}
	}
}

func (c *checker) picture(field, id string, types []string, width, height int) {
	f, ok := c.facts.Files[id]
	switch {
	case id == "":
		c.add(field, "missing")
	case !ok:
		c.add(field, "unknown")
	case !slices.Contains(types, f.MediaType):
		c.add(field, "picture_form", strings.Join(types, ", "))
	case f.Size > MaxPicture:
		c.add(field, "file_size", MaxPicture>>20)
	case f.Width != width || f.Height != height:
		c.add(field, "picture_size", width, height, f.Width, f.Height)
	}
}

func (c *checker) document(field, id string) {
	f, ok := c.facts.Files[id]
	switch {
	case !ok:
		c.add(field, "unknown")
	case strings.HasPrefix(f.MediaType, "image/"):
		c.add(field, "file_form")
	case f.Size > MaxDocument:
		c.add(field, "file_size", MaxDocument>>20)
	}
}

// Check holds a body against every rule of the wizard for SaaS and gives what is
// missing, step by step, in the order of the fields. // spec: 20 B2, B3
func (b *Body) Check(f Facts) []Problem {
	c := &checker{facts: f}
	b.checkAccess(c)
	b.checkBasic(c)
	b.checkQualification(c)
	b.checkBusiness(c)
	return c.out
}

func (b *Body) checkAccess(c *checker) {
	if c.text("name", b.Name, 1, MaxProductName) {
		c.words("name", b.Name, true)
		if c.facts.NameTaken {
			c.add("name", "taken")
		} else if c.facts.Similar != "" {
			c.warn("name", "similar", c.facts.Similar) // editions of one thing are specifications of one product // spec: 20 B1
		}
	}
	if b.Version == "" {
		c.add("version", "missing")
	} else if !versionForm.MatchString(b.Version) {
		c.add("version", "form", "V1.0")
	}
	if b.Protocol != V1 && b.Protocol != V2 {
		c.add("protocol", "missing")
	}
	c.picture("logo", b.Logo, []string{"image/png"}, LogoSide, LogoSide)
	if !c.facts.HasAddress {
		c.add("production_address", "no_address")
	}
	if b.Supervised && (b.DeliveryDays < 1 || b.DeliveryDays > 365) {
		c.add("delivery_days", "range", 1, 365)
	}
	// Products with supervision need a delivery template. // spec: 20 B2
	if b.Supervised && b.DeliveryForm == "" {
		c.add("delivery_template", "missing")
	} else if b.DeliveryForm != "" {
		c.document("delivery_template", b.DeliveryForm)
	}
	if len(b.ExtendParams) > MaxExtendParams {
		c.add("extend_params", "too_many", MaxExtendParams)
	}
	seen := map[string]bool{}
	for i, p := range b.ExtendParams {
		at := fmt.Sprintf("extend_params[%d]", i)
		if !slices.Contains(extendNames, p.Name) {
			c.add(at+".name", "form", strings.Join(extendNames, ", "))
		}
		if seen[p.Name] {
			c.add(at+".name", "duplicate")
		}
		seen[p.Name] = true
		c.text(at+".label", p.Label, 1, 30)
	}
	if b.SealBits != 0 && b.SealBits != 128 && b.SealBits != 256 {
		c.add("seal_bits", "form", "128, 256")
	}
}

func (b *Body) checkBasic(c *checker) {
	switch n := len(b.Media); {
	case n == 0:
		c.add("media", "missing")
	case n > MaxPictures:
		c.add("media", "too_many", MaxPictures)
	}
	for i, id := range b.Media {
		c.picture(fmt.Sprintf("media[%d]", i), id, []string{"image/png", "image/jpeg", "image/gif"}, PictureWidth, PictureHeight)
	}
	if c.text("overview", b.Overview, 1, MaxOverview) {
		c.words("overview", b.Overview, false)
	}
	if c.text("description", b.Description, 1, MaxDescription) {
		text := strings.Join(strings.Fields(c.facts.DescriptionText), " ")
		if n := utf8.RuneCountInString(text); len(c.facts.DescriptionImages) == 0 && n < MinDescription {
			c.add("description", "too_short", MinDescription, n)
		}
		if len(c.facts.DescriptionImages) > MaxPictures {
			c.add("description", "too_many", MaxPictures)
		}
		for _, id := range c.facts.DescriptionImages {
			p, ok := c.facts.Files[id]
			switch {
			case !ok:
				c.add("description", "unknown")
			case p.Width < 900 || p.Width > 1200 || p.Height < 800:
				c.add("description", "picture_size", "900–1200", "≥ 800", p.Width, p.Height)
			}
		}
		c.words("description", text, false)
	}
	for _, l := range c.facts.ForeignLinks {
		c.add("description", "contains_link", l)
	}
	switch n := len(b.Highlights); {
	case n == 0:
		c.add("highlights", "missing")
	case n > MaxHighlights:
		c.add("highlights", "too_many", MaxHighlights)
	}
	for i, h := range b.Highlights {
		at := fmt.Sprintf("highlights[%d].", i)
		c.text(at+"title", h.Title, 1, 30)
		c.text(at+"text", h.Text, 1, 200)
	}
	if len(b.Cases) > MaxCases {
		c.add("cases", "too_many", MaxCases)
	}
	for i, k := range b.Cases {
		at := fmt.Sprintf("cases[%d].", i)
		c.text(at+"customer", k.Customer, 1, 60)
		c.text(at+"background", k.Background, 1, 1000)
		c.text(at+"result", k.Result, 1, 1000)
	}
}

func (b *Body) checkQualification(c *checker) {
	if c.text("agreement", b.Agreement, MinAgreement, MaxAgreement) {
		if m := blankWord.FindString(b.Agreement); m != "" {
			c.add("agreement", "blanks", m)
		}
	}
	s := b.Support
	if s.Days < 5 || s.Days > 7 || s.Hours < 8 || s.Hours > 24 {
		c.add("support.time", "support_time")
	}
	c.text("support.time", s.Time, 1, 100)
	c.text("support.content", s.Content, 1, 1000)
	if c.text("support.hotline", s.Hotline, 1, 26) && !hotlineForm.MatchString(s.Hotline) {
		c.add("support.hotline", "form", "400-123-4567")
	}
	if c.text("support.email", s.Email, 1, 100) && mailWord.FindString(s.Email) != s.Email {
		c.add("support.email", "form", "service@example.com")
	}
	switch {
	case b.UserGuideFile != "":
		c.document("user_guide", b.UserGuideFile)
	default:
		if c.text("user_guide", b.UserGuide, 50, MaxDescription) {
			if m := linkWord.FindString(c.facts.GuideText); m != "" {
				c.warn("user_guide", "foreign_address", m)
			}
		}
	}
	if b.Copyright == "" {
		c.add("copyright", "missing")
	} else {
		c.document("copyright", b.Copyright)
	}
}

func (b *Body) checkBusiness(c *checker) {
	if b.Category == "" {
		c.add("category", "missing")
	} else if !c.facts.CategoryLeaf {
		c.add("category", "not_leaf")
	}
	if len(b.Tags) > MaxTags {
		c.add("tags", "too_many", MaxTags)
	}
	switch n := len(b.Specs); {
	case n == 0:
		c.add("specs", "missing")
	case n > MaxSpecs:
		c.add("specs", "too_many", MaxSpecs)
	}
	names := map[string]bool{}
	for i := range b.Specs {
		b.Specs[i].check(c, fmt.Sprintf("specs[%d].", i), names)
		b.Specs[i].checkChange(c, fmt.Sprintf("specs[%d].", i))
	}
}
