package desk

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/souk-market/souk/internal/face/web/ui"
	v1 "github.com/souk-market/souk/protocol/production/v1"
)

// Signature unfolds how a request was signed, line by line, with the key left out: a seller compares each line with
// what its own server computes. Bytes that are no signed call give nothing. // spec: 10 §6.1, 11 §2
func Signature(c *ui.Call, request []byte) (ui.Block, bool) {
	head, body, _ := bytes.Cut(request, []byte("\r\n\r\n"))
	line, _, _ := strings.Cut(string(head), "\r\n")
	parts := strings.Split(line, " ")
	if len(parts) != 3 {
		return ui.Block{}, false
	}
	_, raw, _ := strings.Cut(parts[1], "?")
	var params []v1.Param
	values := map[string]string{}
	for _, one := range strings.Split(raw, "&") {
		name, value, _ := strings.Cut(one, "=")
		plain, err := url.QueryUnescape(value)
		if err != nil {
			return ui.Block{}, false
		}
		params, values[name] = append(params, v1.Param{Name: name, Value: plain}), plain
	}
	var facts []ui.Fact
	add := func(id string, v string) { facts = append(facts, c.Fact(id, ui.Code(v))) }
	switch {
	case values["authToken"] != "":
		add("sign.text", v1.Canonical(params))
		add("sign.key", "accessKey + "+values["timeStamp"])
		add("sign.how", "base64(HMAC-SHA256(key, text))")
		add("sign.result", "authToken = "+values["authToken"])
	case values["signature"] != "":
		add("sign.body", ui.Shorten(ui.Visible(body), 400))
		add("sign.inner", "hex = lower(hex(HMAC-SHA256(accessKey, body)))")
		add("sign.text", "accessKey + "+values["nonce"]+" + "+values["timestamp"]+" + hex")
		add("sign.how", "upper(hex(HMAC-SHA256(accessKey, text)))")
		add("sign.result", "signature = "+values["signature"])
	default:
		return ui.Block{}, false
	}
	return c.In("block.signature", ui.Block{Facts: facts, Note: c.T("sign.note")}), true
}
