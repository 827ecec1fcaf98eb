package openapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// gatewayError is a failure in front of the interface: proof, routing, size. spec: 14 §4
type gatewayError struct {
	status    int
	code, msg string
}

var (
	errNoAPI       = &gatewayError{http.StatusNotFound, "APIGW.0101", "The API does not exist or has not been published in the environment."}
	errTooLarge    = &gatewayError{http.StatusRequestEntityTooLarge, "APIGW.0201", "Request entity too large: at most 12 MB."}
	errURITooLong  = &gatewayError{http.StatusRequestURITooLong, "APIGW.0201", "Request URI too long."}
	errBadRequest  = &gatewayError{http.StatusBadRequest, "APIGW.0201", "Bad request: the body could not be read."}
	errOverRate    = &gatewayError{http.StatusTooManyRequests, "APIGW.0308", "The throttling threshold of the seller and this API is reached; the unit of time is 1 second. Try again later."}
	errUnavailable = &gatewayError{http.StatusBadGateway, "APIGW.0201", "Backend unavailable, try again later."}
)

func unauthenticated(why string) *gatewayError {
	return &gatewayError{http.StatusUnauthorized, "APIGW.0301", "Incorrect IAM authentication information: " + why}
}

func skewed(why string) *gatewayError {
	return &gatewayError{http.StatusUnauthorized, "APIGW.0303", "Incorrect app authentication information: " + why}
}

// failure is a failure of the interface itself. spec: 14 §2.3
type failure struct {
	status    int
	code, msg string
}

func invalid(msg string) *failure { return &failure{http.StatusBadRequest, "MKT.0101", msg} }

var (
	errForeign   = &failure{http.StatusUnauthorized, "MKT.0150", "Illegal operation: the order does not belong to the calling seller."}
	errNoSeller  = &failure{http.StatusUnauthorized, "MKT.0151", "No authority: the caller is not a seller."}
	errThrottled = &failure{http.StatusNotAcceptable, "MKT.0250", "The access frequency is over the limit, try again later."}
	errInternal  = &failure{http.StatusInternalServerError, "MKT.0999", "Internal error."}
)

// encode is compact JSON without HTML escaping and without a final newline.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // strings and whole numbers always encode
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// send writes an answer. Date is added by net/http. spec: 14 §4
func send(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json;charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller went away: nobody is left to tell
}

func (e *gatewayError) send(w http.ResponseWriter) {
	send(w, e.status, encode(struct {
		Code string `json:"error_code"`
		Msg  string `json:"error_msg"`
		ID   string `json:"request_id"`
	}{e.code, e.msg, w.Header().Get(requestID)}))
}

func (f *failure) send(w http.ResponseWriter) {
	send(w, f.status, encode(answer{ResultCode: f.code, ResultMsg: f.msg}))
}
