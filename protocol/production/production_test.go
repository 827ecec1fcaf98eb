package production

import "testing"

func TestHeaderNamesHaveNoCase(t *testing.T) {
	a := Answer{Headers: map[string][]string{"body-SIGN": {"x"}, "Content-Type": {"Application/JSON ; charset=GBK"}}}
	if got := a.Header("Body-Sign"); len(got) != 1 || got[0] != "x" {
		t.Errorf("got %v", got)
	}
	if !a.IsJSONContentType() {
		t.Error("a charset parameter was not tolerated")
	}
	a.Headers["content-type"] = []string{"text/html"}
	if a.IsJSONContentType() {
		t.Error("two content types that differ passed")
	}
}

func TestResultCodesSentAsNumbers(t *testing.T) {
	for body, want := range map[string]string{
		`{"resultCode":0}`: "000000", `{"resultCode":5}`: "000005", `{"resultCode":999999}`: "999999", `{"resultCode":1234567}`: "1234567",
		`{"resultCode":-0}`: "-0", `{"resultCode":0.0}`: "0.0", `{"resultCode":0e0}`: "0e0", `{"resultCode":"0"}`: "0",
	} {
		var v Verdict
		if _, ok := ReadResult([]byte(body), &v); v.ResultCode != want || ok != (want == CodeSuccess) {
			t.Errorf("%s: %+v", body, v)
		}
	}
}

func TestReasonsAreListedOnce(t *testing.T) {
	seen := map[Reason]bool{ReasonNone: true}
	for _, r := range Reasons {
		if seen[r] {
			t.Errorf("%q is listed twice", r)
		}
		seen[r] = true
	}
	if len(Reasons) != 19 {
		t.Errorf("%d reasons", len(Reasons))
	}
}
