package bench_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/harness/bench"
)

// build makes the program that is measured.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "souk")
	if out, err := exec.Command("go", "build", "-o", bin, "github.com/souk-market/souk/cmd/souk").CombinedOutput(); err != nil {
		t.Fatalf("build souk: %v\n%s", err, out)
	}
	return bin
}

// run makes one very short measurement: its figures mean nothing, its shape and its
// own counting do.
func run(t *testing.T, o bench.Options) map[string]any {
	t.Helper()
	o.Dir, o.Repeat = t.TempDir(), 1
	f, err := bench.Run(t.Context(), o)
	if o.DB == "postgres" && errors.Is(err, databasetest.ErrNoPostgres) && os.Getenv("CI") != "true" && os.Getenv("SOUK_REQUIRE_ALL") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"name", "db", "rate", "ceiling", "ratio", "p50_ms", "p99_ms", "rss_mb"} {
		if _, ok := m[name]; !ok {
			t.Errorf("%s on %s: the object has no member %q: %s", o.Name, o.DB, name, raw)
		}
	}
	if m["name"] != o.Name || m["db"] != o.DB {
		t.Errorf("the figure is of %v on %v, want %s on %s", m["name"], m["db"], o.Name, o.DB)
	}
	return m
}

func TestEveryMeasurementGivesItsFigures(t *testing.T) {
	if testing.Short() {
		t.Skip("starts whole programs")
	}
	program := build(t)
	for _, c := range []struct {
		o    bench.Options
		null []string // members that this measurement does not have
	}{
		{bench.Options{Name: "orders", DB: "sqlite", Orders: 1}, nil},
		{bench.Options{Name: "orders", DB: "postgres", Orders: 1}, nil},
		{bench.Options{Name: "deliveries", DB: "sqlite", Orders: 40}, nil},
		{bench.Options{Name: "deliveries", DB: "postgres", Orders: 40}, nil},
		{bench.Options{Name: "deliveries", DB: "sqlite", Orders: 40, Protocol: "mix"}, []string{"ceiling", "ratio"}},
		{bench.Options{Name: "lanes", DB: "sqlite", Orders: 1}, []string{"rate", "ceiling", "ratio"}},
		{bench.Options{Name: "pending", DB: "sqlite", Orders: 200}, []string{"ceiling", "ratio", "p50_ms", "p99_ms"}},
		{bench.Options{Name: "browse", DB: "sqlite", Orders: 1, Products: 300}, nil},
		{bench.Options{Name: "browse", DB: "postgres", Orders: 1, Products: 300}, nil},
		{bench.Options{Name: "life", DB: "sqlite", Orders: 12}, []string{"p50_ms", "p99_ms"}},
		{bench.Options{Name: "life", DB: "postgres", Orders: 8}, []string{"p50_ms", "p99_ms"}},
		{bench.Options{Name: "idle", DB: "sqlite", Orders: 1}, []string{"rate", "ceiling", "ratio", "p50_ms", "p99_ms"}},
		{bench.Options{Name: "coldstart", DB: "sqlite", Orders: 1}, []string{"rate", "ceiling", "ratio", "rss_mb"}},
	} {
		t.Run(c.o.Name+"/"+c.o.DB+c.o.Protocol, func(t *testing.T) {
			c.o.Program, c.o.Clients, c.o.Warm, c.o.Run = program, 4, 200*time.Millisecond, 400*time.Millisecond
			if c.o.Name == "pending" {
				c.o.Run = 2 * time.Second // something has to be delivered in that time
			}
			m := run(t, c.o)
			null := map[string]bool{}
			for _, name := range c.null {
				null[name] = true
			}
			for _, name := range []string{"rate", "ceiling", "ratio", "p50_ms", "p99_ms", "rss_mb"} {
				if v, ok := m[name].(float64); ok == null[name] || ok && v <= 0 {
					t.Errorf("%s is %v; null wanted: %v", name, m[name], null[name])
				}
			}
		})
	}
}

func TestUnknownNamesAndEnginesAreRefused(t *testing.T) {
	ok := bench.Options{Name: "orders", DB: "sqlite", Repeat: 1, Clients: 1, Run: time.Second, Orders: 1}
	for what, change := range map[string]func(*bench.Options){
		"name": func(o *bench.Options) { o.Name = "speed" }, "engine": func(o *bench.Options) { o.DB = "oracle" }, "repeat": func(o *bench.Options) { o.Repeat = 0 },
	} {
		o := ok
		change(&o)
		if f, err := bench.Run(t.Context(), o); err == nil {
			t.Errorf("a wrong %s gave %v", what, f)
		}
	}
}
