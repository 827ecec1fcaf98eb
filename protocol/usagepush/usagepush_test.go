package usagepush

import (
	"encoding/json"
	"os"
	"testing"
)

func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/signature.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name  string
		Input struct {
			AccessKey       string `json:"access_key"`
			TS, Nonce, Body string
		}
		Expected string
		Valid    bool
	}
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) != 3 {
		t.Fatal(len(vectors), err)
	}
	for _, c := range vectors {
		i := c.Input
		if got := Matches(i.AccessKey, i.TS, i.Nonce, []byte(i.Body), c.Expected); got != c.Valid {
			t.Errorf("%s: %v", c.Name, got)
		}
	}
	first := vectors[0]
	if got := Sign(first.Input.AccessKey, first.Input.TS, first.Input.Nonce, []byte(first.Input.Body)); got != first.Expected {
		t.Error(got)
	}
}

func FuzzSorted(f *testing.F) {
	f.Add([]byte(`{"b":[1,{"d":1,"c":2.50}],"a":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		sorted, ok := Sorted(body)
		if !ok {
			return
		}
		if again, ok := Sorted(sorted); !ok || string(again) != string(sorted) {
			t.Fatalf("%q became %q", sorted, again)
		}
	})
}
