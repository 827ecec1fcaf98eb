package doctor

import (
	"slices"
	"strings"
	"time"
)

const reportVersion = 1

// State is what became of a rule.
type State string

// The states.
const (
	Pass State = "pass"
	Fail State = "fail"
	Skip State = "skip"
)

// Skipped says why a rule was not judged.
type Skipped string

// The kinds.
const (
	Optional Skipped = "optional" // not asked for, or nothing to judge
	Blocked  Skipped = "blocked"  // another rule, named in By, fails
	Ended    Skipped = "ended"    // the run ended before
)

// Verdict is what was found about one rule. Came says what came in words.
type Verdict struct {
	Rule      string     `json:"rule"`
	Level     Level      `json:"level"`
	Section   string     `json:"section"`
	State     State      `json:"state"`
	Skipped   Skipped    `json:"skipped,omitempty"`
	By        string     `json:"blocked_by,omitempty"`
	Sent      Text       `json:"sent"`
	Expected  Text       `json:"expected"`
	Came      Text       `json:"came"`
	Count     int        `json:"count,omitempty"` // of answers, for aspects
	Exchanges []Exchange `json:"exchanges,omitempty"`
}

func newVerdict(r Rule) Verdict {
	return Verdict{Rule: r.ID, Level: r.Level, Section: r.Section, Sent: r.Sent, Expected: r.Expected}
}

func (v *Verdict) pass(xs []Exchange) {
	v.State, v.Exchanges = Pass, xs
	if len(xs) > 0 {
		x := xs[len(xs)-1]
		v.Came = sayf("HTTP %d，resultCode %s", "HTTP %d, resultCode %s", x.Status, x.Code)
		if x.Status == 0 {
			v.Came = Text{"没有应答", "no answer"}
		}
	}
}

func (v *Verdict) fail(why Text, xs []Exchange) { v.State, v.Came, v.Exchanges = Fail, why, xs }

func (v *Verdict) skip(kind Skipped, why Text) { v.State, v.Skipped, v.Came = Skip, kind, why }

func (v *Verdict) block(by string) {
	v.State, v.Skipped, v.By = Skip, Blocked, by
	v.Came = sayf("因规则 %s 不符合而无法判断", "cannot be judged because rule %s does not hold", by)
}

// Outcome is the result of a run.
type Outcome string

// The outcomes; they are the exit codes 0, 1 and 2 of `souk doctor`.
const (
	Healthy     Outcome = "healthy"     // every must that was judged holds
	Ill         Outcome = "ill"         // a must does not hold
	NotReached  Outcome = "not-reached" // nobody was there
	Interrupted Outcome = "interrupted" // the run ended before every must was judged
)

// Sum counts the verdicts of one level.
type Sum struct {
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
}

// Report is the outcome of a run with all verdicts, in the order of the table.
type Report struct {
	Version  int           `json:"version"`
	Protocol Protocol      `json:"protocol"`
	Address  string        `json:"address"` // without its query
	Started  time.Time     `json:"started"`
	Millis   int64         `json:"ms"`
	Lang     Lang          `json:"lang"`
	Real     bool          `json:"real"`
	Calls    int           `json:"calls"`
	Outcome  Outcome       `json:"outcome"`
	Sums     map[Level]Sum `json:"sums"`
	Verdicts []Verdict     `json:"verdicts"`

	signature *Signature
}

// order sorts the verdicts as the table has them.
func (r *Report) order(rules []Rule) {
	at := map[string]int{}
	for i, rule := range rules {
		at[rule.ID] = i
	}
	slices.SortStableFunc(r.Verdicts, func(a, b Verdict) int { return at[a.Rule] - at[b.Rule] })
}

func (r *Report) conclude(reached bool) {
	r.Sums, r.Outcome = map[Level]Sum{}, Healthy
	ended := false
	for _, v := range r.Verdicts {
		s := r.Sums[v.Level]
		switch v.State {
		case Pass:
			s.Passed++
		case Fail:
			s.Failed++
		default:
			s.Skipped++
			ended = ended || v.Level == Must && v.Skipped == Ended
		}
		r.Sums[v.Level] = s
	}
	switch {
	case !reached:
		r.Outcome = NotReached
	case r.Sums[Must].Failed > 0:
		r.Outcome = Ill
	case ended:
		r.Outcome = Interrupted
	}
}

// Red lists the musts that do not hold.
func (r *Report) Red() []string { return r.failed(Must) }

// Yellow lists the shoulds and notes that do not hold.
func (r *Report) Yellow() []string { return append(r.failed(Should), r.failed(Note)...) }

func (r *Report) failed(level Level) []string {
	var ids []string
	for _, v := range r.Verdicts {
		if v.State == Fail && v.Level == level {
			ids = append(ids, v.Rule)
		}
	}
	return ids
}

// headline is a rule in one line: what is sent and what is expected. Aspects are about
// every answer, so there only the latter is said.
func (v Verdict) headline(l Lang) string {
	if strings.Contains(v.Rule, ".answer.") {
		return v.Expected.In(l)
	}
	return v.Sent.In(l) + " → " + v.Expected.In(l)
}

// rank orders levels by weight.
func (l Level) rank() int { return slices.Index([]Level{Must, Should, Note}, l) }
