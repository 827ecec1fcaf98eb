package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/ground/secret"
)

func TestNothingShowsASecret(t *testing.T) {
	const value = "hunter2"
	s := secret.Secret(value)
	inside := struct {
		Key  secret.Secret
		Ptr  *secret.Secret
		List []secret.Secret
		Map  map[string]secret.Secret
	}{s, &s, []secret.Secret{s}, map[string]secret.Secret{"k": s}}

	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v"} {
		for _, arg := range []any{s, &s, []secret.Secret{s}} {
			if verb == "%T %v" {
				fmt.Fprintf(&out, verb+"\n", arg, arg)
			} else {
				fmt.Fprintf(&out, verb+"\n", arg)
			}
		}
	}
	fmt.Fprintf(&out, "%v %+v %#v\n", inside, inside, inside)
	fmt.Fprintln(&out, s, errors.New(s.String()), fmt.Errorf("refused %v", s))
	j, err := json.Marshal(inside)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	x, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"key"`
		Key     secret.Secret
	}{Key: s})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(x)
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("here", "key", s, "inside", inside, "group", slog.GroupValue(slog.Any("k", s)))
	}
	shown := out.String()
	for _, form := range []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value), fmt.Sprint([]byte(value))} {
		if strings.Contains(shown, form) {
			t.Errorf("%q is shown in\n%s", form, shown)
		}
	}
	if !strings.Contains(shown, "***") {
		t.Error("nothing was printed at all")
	}
	if v, err := s.Value(); v != nil || !errors.Is(err, secret.ErrStored) {
		t.Errorf("the database got %v, %v", v, err)
	}
}

func TestRevealAndEqual(t *testing.T) {
	var in struct{ Key secret.Secret }
	if err := json.NewDecoder(bytes.NewBufferString(`{"Key":"hunter2"}`)).Decode(&in); err != nil {
		t.Fatal(err)
	}
	if in.Key.Reveal() != "hunter2" {
		t.Errorf("revealed %q", in.Key.Reveal())
	}
	if !in.Key.Equal("hunter2") || in.Key.Equal("hunter3") || in.Key.Equal("") {
		t.Error("Equal is wrong")
	}
}
