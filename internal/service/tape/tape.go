package tape

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/service/delivery"
)

// Exchange is one request with its answer, as a line of a tape.
type Exchange struct {
	At       time.Time   `json:"at"`
	Method   string      `json:"method"`
	Target   string      `json:"target"` // path and query; signatures masked
	Header   [][2]string `json:"header"` // in order, without Host
	Body     string      `json:"body,omitempty"`
	Binary   bool        `json:"binary,omitempty"` // a body was no UTF-8 and is left out
	Status   int         `json:"status"`           // 0: no answer
	Answer   [][2]string `json:"answer_header,omitempty"`
	Said     string      `json:"answer_body,omitempty"`
	Problem  string      `json:"problem,omitempty"` // why there is no answer
	Duration int64       `json:"duration_ms"`
}

// Activity is the call's name on the wire: the activity, or the sub-path of a kit callback.
func (e Exchange) Activity() string {
	path, query, _ := strings.Cut(e.Target, "?")
	for _, pair := range strings.Split(query, "&") {
		if name, value, _ := strings.Cut(pair, "="); name == "activity" {
			return value
		}
	}
	var body struct {
		Activity string `json:"activity"`
	}
	if json.Unmarshal([]byte(e.Body), &body) == nil && body.Activity != "" {
		return body.Activity
	}
	if i := strings.LastIndex(path, "/produceAPI/"); i >= 0 {
		return path[strings.LastIndex(path, "/")+1:]
	}
	return e.Method
}

// Code is the resultCode of the answer; "" when it has none.
func (e Exchange) Code() string {
	var body struct {
		Code any `json:"resultCode"`
	}
	if json.Unmarshal([]byte(e.Said), &body) != nil || body.Code == nil {
		return ""
	}
	return fmt.Sprint(body.Code)
}

// hidden are the names whose values are signatures: with them a call could be made again.
var hidden = []string{"authToken", "signature", "x-sign"}

const mask = "***"

func isHidden(name string) bool {
	for _, h := range hidden {
		if strings.EqualFold(name, h) {
			return true
		}
	}
	return false
}

// maskTarget hides the signature of a query.
func maskTarget(target string) string {
	path, query, has := strings.Cut(target, "?")
	if !has {
		return target
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		if name, _, _ := strings.Cut(pair, "="); isHidden(name) {
			pairs[i] = name + "=" + mask
		}
	}
	return path + "?" + strings.Join(pairs, "&")
}

func maskHeader(in [][2]string) (out [][2]string) {
	for _, h := range in {
		if isHidden(h[0]) {
			h[1] = mask
		}
		out = append(out, h)
	}
	return out
}

// text is a body as a tape holds it: secrets masked, none that is no text.
func text(body []byte) (string, bool) {
	if !utf8.Valid(body) {
		return "", false
	}
	return string(delivery.Mask(body)), true
}

// Write adds a line.
func Write(w io.Writer, e Exchange) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// maxLine bounds a line of a tape.
const maxLine = 4 << 20

// Read reads a tape, or names the line that is none.
func Read(r io.Reader) ([]Exchange, error) {
	var out []Exchange
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var e Exchange
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&e); err != nil {
			return nil, fmt.Errorf("line %d is no exchange: %w", n, err)
		}
		if e.Method == "" || !strings.HasPrefix(e.Target, "/") {
			return nil, fmt.Errorf("line %d has no method or no target", n)
		}
		out = append(out, e)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return out, nil
}
