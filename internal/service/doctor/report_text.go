package doctor

import (
	"fmt"
	"io"
	"strings"
)

// Printer writes verdicts for people, as they come.
type Printer struct {
	Out    io.Writer
	Lang   Lang
	Colour bool
	// Verbose shows the exchanges of failed rules.
	Verbose bool
	// Terminal shows which rule is played just now, on a line that is written over.
	Terminal bool
}

// Begin shows what is played now.
func (p Printer) Begin(rule string, n, all int) {
	if p.Terminal {
		_, _ = fmt.Fprintf(p.Out, "\r\x1b[K[%d/%d] %s …", n, all, rule) // a moment's hint
	}
}

const (
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	grey   = "\x1b[90m"
	bold   = "\x1b[1m"
	plain  = "\x1b[0m"
)

func (p Printer) paint(colour, text string) string {
	if !p.Colour {
		return text
	}
	return colour + text + plain
}

// words of the output.
var (
	stateWords = map[State]Text{Pass: {"符合", "ok"}, Fail: {"不符合", "broken"}, Skip: {"未判断", "skipped"}}
	levelWords = map[Level]Text{Must: {"必须", "must"}, Should: {"应当", "should"}, Note: {"提示", "note"}}
)

// mark is a verdict in one sign with its colour.
func mark(v Verdict) (sign, colour string) {
	switch {
	case v.State == Pass:
		return "✓", green
	case v.State == Skip:
		return "–", grey
	case v.Level == Must:
		return "✗", red
	case v.Level == Should:
		return "!", yellow
	}
	return "i", yellow
}

// Verdict writes one line, and what is wrong below it.
func (p Printer) Verdict(v Verdict) error {
	sign, colour := mark(v)
	line := p.paint(colour, fmt.Sprintf("%s %-28s", sign, v.Rule)) + " " + v.headline(p.Lang)
	var more []string
	if v.State != Pass {
		if came := v.Came.In(p.Lang); came != "" {
			more = append(more, came)
		}
	}
	if v.State == Fail {
		more = append(more, levelWords[v.Level].In(p.Lang)+", "+v.Section)
		if p.Verbose {
			for _, x := range v.Exchanges {
				more = append(more, strings.Split(strings.TrimSpace("> "+strings.ReplaceAll(strings.TrimSpace(x.Sent), "\n", "\n> ")+"\n< "+strings.ReplaceAll(strings.TrimSpace(x.Received), "\n", "\n< ")), "\n")...)
			}
		}
	}
	for _, m := range more {
		line += "\n    " + p.paint(grey, safe(m))
	}
	if p.Terminal {
		line = "\r\x1b[K" + line
	}
	_, err := fmt.Fprintln(p.Out, line)
	return err
}

// safe keeps an answer from steering the terminal.
func safe(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}

// Summary writes the last lines.
func (p Printer) Summary(r *Report) error {
	var b strings.Builder
	for _, level := range []Level{Must, Should, Note} {
		s := r.Sums[level]
		fmt.Fprintf(&b, "%s: %d %s, %d %s, %d %s\n", levelWords[level].In(p.Lang), s.Passed, stateWords[Pass].In(p.Lang), s.Failed, stateWords[Fail].In(p.Lang), s.Skipped, stateWords[Skip].In(p.Lang))
	}
	t := sayf("%d 次调用，用时 %.1f 秒", "%d calls in %.1f s", r.Calls, float64(r.Millis)/1000)
	b.WriteString(t.In(p.Lang) + "\n")
	colour := map[Outcome]string{Healthy: green, Ill: red}[r.Outcome]
	if colour == "" {
		colour = yellow
	}
	b.WriteString(p.paint(bold+colour, r.Outcome.Text().In(p.Lang)) + "\n")
	_, err := io.WriteString(p.Out, b.String())
	return err
}

// Text says what an outcome means.
func (o Outcome) Text() Text {
	return map[Outcome]Text{
		Healthy:     {"通过：已判断的“必须”规则全部符合", "passed: every must that was judged holds"},
		Ill:         {"未通过：有“必须”规则不符合", "not passed: a must does not hold"},
		NotReached:  {"无法体检：服务器不可达", "could not run: nobody answers at the address"},
		Interrupted: {"体检中断：有“必须”规则没有判断", "interrupted: not every must was judged"},
	}[o]
}

// ExitCode is what the command ends with.
func (o Outcome) ExitCode() int {
	switch o {
	case Healthy:
		return 0
	case Ill:
		return 1
	}
	return 2
}
