package doctor

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/xml"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
)

// sample is a report with every kind of verdict and with texts that try to break out.
func sample(lang Lang) *Report {
	r := &Report{Version: reportVersion, Protocol: V1, Address: "https://example.com/produce", Started: time.Unix(1_790_000_000, 0).UTC(), Millis: 1234, Lang: lang, Calls: 7}
	evil := "</script><script>alert(1)</script> <img src=http://evil.example/x> & \"'\x1b[31m\x00 中文"
	for i, rule := range Rules(V1) {
		v := newVerdict(rule)
		x := Exchange{Call: "newInstance", Sent: "GET /?a=" + evil, Received: evil, Status: 200, Code: "000000", Millis: 3}
		switch i % 4 {
		case 0:
			v.pass([]Exchange{x})
		case 1:
			v.fail(sayf("坏了 %s", "broken %s", evil), []Exchange{x, {Call: "x", Error: evil}})
		case 2:
			v.block("v1.new.period")
		default:
			v.skip(Optional, Text{"没有要求", "not asked for"})
		}
		r.Verdicts = append(r.Verdicts, v)
	}
	r.conclude(true)
	return r
}

func TestReportsAreSignedAndVerified(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, _, _ := ed25519.GenerateKey(rand.Reader)
	for _, lang := range []Lang{ZH, EN} {
		r := sample(lang)
		r.Verdicts = r.Verdicts[:8] // the size of a report makes no difference
		for form, write := range map[string]func() ([]byte, error){"json": r.JSON, "html": r.HTML} {
			r.signature = nil
			text, err := write()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Verify(text, nil); !errors.Is(err, ErrUnsigned) {
				t.Errorf("%s: unsigned: %v", form, err)
			}
			if err := r.Sign(private); err != nil {
				t.Fatal(err)
			}
			if text, err = write(); err != nil {
				t.Fatal(err)
			}
			got, err := Verify(text, public)
			if err != nil || got.Outcome != r.Outcome || len(got.Verdicts) != len(r.Verdicts) || got.Signature().Fingerprint() != r.Signature().Fingerprint() {
				t.Errorf("%s: %v", form, err)
			}
			if _, err := Verify(text, other); !errors.Is(err, ErrOtherKey) {
				t.Errorf("%s: another key: %v", form, err)
			}
			// Any flipped byte is found, except white space between the values of JSON.
			for at := 0; at < len(text); at += 1 + len(text)/200 {
				changed := bytes.Clone(text)
				changed[at] ^= 1 << (at % 7)
				if form == "json" && sameJSON(text, changed) {
					continue
				}
				if _, err := Verify(changed, public); err == nil {
					t.Fatalf("%s: a flip at %d is not found: %q", form, at, text[max(0, at-20):min(len(text), at+20)])
				}
			}
		}
	}
	if err := sample(ZH).Sign(nil); err == nil {
		t.Error("signed with nothing")
	}
}

func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

func TestWhatIsNoReport(t *testing.T) {
	for _, text := range []string{
		"", "{}", "null", "<html>", `{"report":{}}`, `{"report":{"version":2}}`, `{"report":{"version":1},"report":{"version":1}}`,
		`{"report":{"version":1},"more":1}`, `{"report":{"version":1,"more":1}}`, dataHead + "{}" + dataTail, "\xff",
	} {
		if _, err := Verify([]byte(text), nil); !errors.Is(err, ErrNotAReport) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestKeysOfReports(t *testing.T) {
	for text, ok := range map[string]bool{
		"": false, "AAAA": false, "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----": true,
		"GUb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXA": false, strings.Repeat("0a", 32): true, strings.Repeat("A", 43) + "=": true,
	} {
		if _, err := ParsePublicKey(text); ok != (err == nil) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"} {
		if _, err := ParsePrivateKey([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

// The page needs nothing from outside, lets nothing out of its texts, and speaks one language.
func TestThePageStandsAlone(t *testing.T) {
	for _, lang := range []Lang{ZH, EN} {
		r := sample(lang)
		text, err := r.HTML()
		if err != nil {
			t.Fatal(err)
		}
		page := string(text)
		body, _, _ := strings.Cut(page, dataHead)
		for _, form := range []string{`(?i)<script`, `(?i)<(link|img|iframe|object|embed|base)`, `(?i)<[^>]*\s(src|href|action)=`, `(?i)@import|url\(`, `<[^>]*\son[a-z]+=`} {
			if found := regexp.MustCompile(form).FindString(body); found != "" {
				t.Errorf("the page holds %q", found)
			}
		}
		if n := strings.Count(strings.ToLower(page), "<script"); n != 1 {
			t.Errorf("%d scripts", n)
		}
		for _, v := range r.Verdicts {
			if !strings.Contains(body, "<code>"+v.Rule+"</code>") {
				t.Errorf("%s is not on the page", v.Rule)
			}
		}
		for name, word := range pageWords {
			if word.ZH == "" || word.EN == "" {
				t.Errorf("page word %s is missing", name)
			}
		}
		if lang == EN {
			for _, word := range []string{"符合", "必须", "应当", "请求", "应答"} {
				if strings.Contains(body, word) {
					t.Errorf("the English page says %s", word)
				}
			}
		}
		if !strings.Contains(body, map[Lang]string{ZH: `lang="zh-CN"`, EN: `lang="en"`}[lang]) {
			t.Error("the page does not name its language")
		}
	}
}

// Build servers count only broken musts as failures.
func TestJUnit(t *testing.T) {
	r := sample(EN)
	text, err := r.JUnit()
	if err != nil {
		t.Fatal(err)
	}
	var s junitSuite
	if err := xml.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	failures, skipped := 0, 0
	for _, c := range s.Cases {
		if c.Failure != nil {
			failures++
		}
		if c.Skipped != nil {
			skipped++
		}
	}
	if s.Tests != len(r.Verdicts) || s.Failures != failures || failures != len(r.Red()) || s.Skipped != skipped || s.Errors != 0 {
		t.Errorf("%d tests, %d (%d) failures, %d (%d) skipped", s.Tests, s.Failures, failures, s.Skipped, skipped)
	}
	r.conclude(false)
	if text, _ = r.JUnit(); !strings.Contains(string(text), `errors="1"`) {
		t.Error("a run that reached nobody is no error")
	}
}

func TestOutcomesAndExitCodes(t *testing.T) {
	must := Rule{ID: "v1.x", Level: Must}
	should := Rule{ID: "v1.y", Level: Should}
	verdict := func(r Rule, change func(*Verdict)) Verdict { v := newVerdict(r); change(&v); return v }
	pass := func(v *Verdict) { v.pass(nil) }
	fail := func(v *Verdict) { v.fail(Text{}, nil) }
	ended := func(v *Verdict) { v.skip(Ended, outOfTime) }
	optional := func(v *Verdict) { v.skip(Optional, Text{}) }
	for _, c := range []struct {
		verdicts []Verdict
		reached  bool
		want     Outcome
		code     int
	}{
		{[]Verdict{verdict(must, pass), verdict(should, fail)}, true, Healthy, 0},
		{[]Verdict{verdict(must, optional)}, true, Healthy, 0},
		{[]Verdict{verdict(must, fail), verdict(must, ended)}, true, Ill, 1},
		{[]Verdict{verdict(must, pass), verdict(must, ended)}, true, Interrupted, 2},
		{[]Verdict{verdict(must, fail)}, false, NotReached, 2},
	} {
		r := &Report{Verdicts: c.verdicts}
		if r.conclude(c.reached); r.Outcome != c.want || r.Outcome.ExitCode() != c.code || r.Outcome.Text().EN == "" {
			t.Errorf("%+v: %s %d", c.verdicts, r.Outcome, r.Outcome.ExitCode())
		}
	}
}

// What a server says cannot steer the terminal, and there is no colour unless asked for.
func TestTheTerminalIsSafe(t *testing.T) {
	for _, colour := range []bool{false, true} {
		var out strings.Builder
		p := Printer{Out: &out, Lang: EN, Colour: colour, Verbose: true}
		r := sample(EN)
		for _, v := range r.Verdicts {
			if err := p.Verdict(v); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Summary(r); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if colour {
			for _, code := range []string{green, red, yellow, grey, bold, plain} {
				text = strings.ReplaceAll(text, code, "")
			}
		}
		if at := strings.IndexFunc(text, func(c rune) bool { return unicode.IsControl(c) && c != '\n' }); at >= 0 {
			t.Errorf("colour %v: control character in %q", colour, text[max(0, at-40):at+10])
		}
	}
}
