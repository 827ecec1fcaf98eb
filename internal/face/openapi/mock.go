package openapi

import (
	"bytes"
	"embed"
	"encoding/json"
	"strings"

	"github.com/souk-market/souk/internal/domain/lab"
)

//go:embed testdata/mock/*.json
var mockFiles embed.FS

// mocks are the nine mock orders by id, decoded once. spec: 14 §3.1, 22 §2.2
var mocks = loadMocks()

func loadMocks() map[string]answer {
	entries, err := mockFiles.ReadDir("testdata/mock")
	if err != nil {
		panic(err) // embedded at build time
	}
	all := map[string]answer{}
	for _, e := range entries {
		b, err := mockFiles.ReadFile("testdata/mock/" + e.Name())
		if err != nil {
			panic(err)
		}
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.DisallowUnknownFields()
		var a answer
		if err := dec.Decode(&a); err != nil {
			panic(e.Name() + ": " + err.Error())
		}
		all[strings.TrimSuffix(e.Name(), ".json")] = a
	}
	return all
}

// MockOrders are the ids of the mock orders.
func MockOrders() []string {
	return []string{
		"MOCKPERIODYEARNEW", "MOCKONETIMENEW", "MOCKONDEMAND", "MOCKONDEMANDPKG", "MOCKPERIODDAYTRIAL",
		"MOCKMONTYTRIALTOFORMAL", "MOCKMONTYUNSUBSCRIBE", "MOCKMONTYRENEW", "MOCKMONTYCHANGE",
	}
}

// MockAnswer is the exact body of the answer for a mock order, or for one line of it; found is false for any
// other id. The doctor serves the same bytes. spec: 01 §8.3
func MockAnswer(orderID, lineID string) (body []byte, found bool) {
	a, ok := mockOf(orderID)
	if !ok || lineID != "" && lineID != a.OrderInfo.OrderLine[0].OrderLineID {
		return nil, false
	}
	return encode(a), true
}

// mockOf finds a mock order. One of the lab's own has the name of a mock order, a mark and
// eight characters, so that a seller keeps the rounds of debugging apart.
// spec: 02 §1.19
func mockOf(orderID string) (answer, bool) {
	if a, ok := mocks[orderID]; ok {
		return a, true
	}
	const tail = 8
	at := len(orderID) - len(lab.MockMark) - tail
	if at < 1 || orderID[at:at+len(lab.MockMark)] != lab.MockMark {
		return answer{}, false
	}
	a, ok := mocks[orderID[:at]]
	if !ok {
		return answer{}, false
	}
	b := strings.ReplaceAll(string(encode(a)), orderID[:at], orderID)
	var own answer
	if err := json.Unmarshal([]byte(b), &own); err != nil {
		return answer{}, false
	}
	return own, true
}
