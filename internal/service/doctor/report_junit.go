package doctor

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

type junitSuite struct {
	XMLName   xml.Name    `xml:"testsuite"`
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Error   *junitMessage `xml:"error,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// JUnit writes the report for build servers. Only a broken must is a failure there; a
// broken should or note passes with its text. A run that could not be made is an error.
func (r *Report) JUnit() ([]byte, error) {
	s := junitSuite{
		Name: "souk doctor " + string(r.Protocol), Tests: len(r.Verdicts), Failures: r.Sums[Must].Failed,
		Time: fmt.Sprintf("%.3f", float64(r.Millis)/1000), Timestamp: r.Started.Format(time.RFC3339),
	}
	for _, v := range r.Verdicts {
		c := junitCase{Class: "souk.doctor." + string(r.Protocol) + "." + string(v.Level), Name: v.Rule}
		came := v.Came.In(r.Lang)
		switch {
		case v.State == Skip:
			c.Skipped = &junitMessage{Message: came}
			s.Skipped++
		case v.State == Fail && v.Level == Must:
			c.Failure = &junitMessage{Message: came, Type: string(v.Level), Text: v.long(r.Lang)}
		case v.State == Fail:
			c.Out = levelWords[v.Level].In(r.Lang) + ": " + came + "\n" + v.long(r.Lang)
		}
		s.Cases = append(s.Cases, c)
	}
	if r.Outcome == NotReached || r.Outcome == Interrupted {
		s.Errors, s.Tests = 1, s.Tests+1
		s.Cases = append(s.Cases, junitCase{Class: "souk.doctor." + string(r.Protocol), Name: "run", Error: &junitMessage{Message: r.Outcome.Text().In(r.Lang), Type: string(r.Outcome)}})
	}
	text, err := xml.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(text, '\n')...), nil
}

// long is everything about a broken rule as text.
func (v Verdict) long(l Lang) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s → %s [%s]\n", v.Sent.In(l), v.Expected.In(l), v.Section)
	for _, x := range v.Exchanges {
		fmt.Fprintf(&b, "\n%s\n\n%s\n", strings.TrimSpace(x.Sent), strings.TrimSpace(x.Received+x.Error))
	}
	return b.String()
}
