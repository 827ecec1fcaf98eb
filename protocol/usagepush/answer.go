package usagepush

import (
	"net/http"
	"strconv"
	"time"

	"github.com/souk-market/souk/protocol/wirejson"
)

// The codes of requests. // spec: 14 §2.3
const (
	Success      = "MKT.0000"
	Invalid      = "MKT.0101"
	BadSignature = "MKT.0102"
	NoSeller     = "MKT.0151"
	Internal     = "MKT.0999"
	Entities     = "MKT.9002"
	TooMany      = "MKT.9003"
	Failed       = "94060999" // some records failed; each has its own code
)

var statuses = map[string]int{
	Success: http.StatusOK, Failed: http.StatusOK, Invalid: http.StatusBadRequest, BadSignature: http.StatusBadRequest, NoSeller: http.StatusUnauthorized,
	Internal: http.StatusInternalServerError, Entities: http.StatusInternalServerError, TooMany: http.StatusInternalServerError,
}

// Bad is a record that was not taken.
type Bad struct {
	Index   int // in usage_records
	Record  Record
	Finding Finding
}

// Answer is what a push is answered with.
type Answer struct {
	Code, Msg string
	Abnormal  []Bad
}

func refuse(code, msg string) *Answer { return &Answer{Code: code, Msg: msg} }

// Refuse is an answer that takes nothing.
func Refuse(code, msg string) Answer { return Answer{Code: code, Msg: msg} }

// Taken is the answer to a well-formed push. The old interface tells nothing of the
// records: their verdicts come later. // spec: 14 §2.3, §2.4, 01 §6
func Taken(g Generation, bad []Bad) Answer {
	if g == Old || len(bad) == 0 {
		return Answer{Code: Success, Msg: "success"}
	}
	return Answer{Code: Failed, Msg: strconv.Itoa(len(bad)) + " of the records failed, see abnormal_usage_data", Abnormal: bad}
}

// Status is the HTTP status of the answer.
func (a Answer) Status() int { return statuses[a.Code] }

// JSON is the answer's body. A failed record is echoed with its code. // spec: 14 §2.3
func (a Answer) JSON() []byte {
	body := wirejson.Obj{"error_code": a.Code, "error_msg": a.Msg}
	if len(a.Abnormal) > 0 {
		list := make([]any, 0, len(a.Abnormal))
		for _, b := range a.Abnormal {
			one := wirejson.Obj{}
			for _, m := range b.Record.sent.Members {
				one[m.Name] = m.Value
			}
			one["error_code"], one["error_msg"] = string(b.Finding.Code), b.Finding.Msg
			list = append(list, one)
		}
		body["abnormal_usage_data"] = list
	}
	text, err := wirejson.Text(body)
	if err != nil {
		panic(err) // everything in it was read from JSON
	}
	return []byte(text)
}

// AbnormalSerials reads from an answer which serials failed.
func AbnormalSerials(answer []byte) (out []string) {
	body, err := wirejson.ParseObject(answer)
	if err != nil {
		return nil
	}
	list, _ := body.Get("abnormal_usage_data")
	for _, item := range list.Items {
		if sn, ok := item.StringOf("metering_sn"); ok {
			out = append(out, sn)
		}
	}
	return out
}

// Headers are the three that prove a push of the new interface.
type Headers struct{ TS, Nonce, Signature string }

// None tells that no header of the three was sent: then AK/SK alone may prove the push.
func (h Headers) None() bool { return h.TS == "" && h.Nonce == "" && h.Signature == "" }

// Check names the header that cannot be right. now is the wire clock. // spec: 14 §2.1, 01 §6
func (h Headers) Check(now time.Time) (header, msg string) {
	for _, one := range []struct {
		name, text string
		max        int
	}{{"ts", h.TS, maxTS}, {"nonce", h.Nonce, maxNonce}, {"signature", h.Signature, maxSignature}} {
		if one.text == "" || len(one.text) > one.max {
			return one.name, "the header " + one.name + " must have 1 to " + strconv.Itoa(one.max) + " characters"
		}
	}
	ms, err := strconv.ParseInt(h.TS, 10, 64)
	if err != nil {
		return "ts", "the header ts must be a Unix time in milliseconds"
	}
	if skew := now.Sub(time.UnixMilli(ms)); skew > MaxSkew || skew < -MaxSkew {
		return "ts", "the header ts, a Unix time in milliseconds, is more than 15 minutes away from now"
	}
	return "", ""
}
