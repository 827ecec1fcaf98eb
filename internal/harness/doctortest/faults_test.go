package doctortest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/harness/sellersim"
	"github.com/souk-market/souk/internal/service/doctor"
	"github.com/souk-market/souk/isv"
)

// kitV1 is the joint kit in its first generation: the same rules, other signatures.
const kitV1 doctor.Protocol = "kit-v1"

// tables are the faults of every protocol with the rules that they break.
var tables = map[doctor.Protocol]map[string]string{
	doctor.V1: redV1, doctor.V2: redV2, doctor.Notify: redNotify, doctor.Kit: redKit, kitV1: redKitV1, doctor.License: redLicense,
}

// untestable faults end this process.
var untestable = []string{"kill-after-act"}

// generation is the seller that a protocol is played against.
func generation(p doctor.Protocol) isv.Generation {
	if p == doctor.V1 {
		return isv.V1
	}
	return isv.V2
}

// broken lists what a run found, without the protocol's name, musts first. Rules that
// depend on how busy this machine is are left out.
func broken(r *doctor.Report) []string {
	var ids []string
	for _, id := range append(r.Red(), r.Yellow()...) {
		id = strings.TrimPrefix(id, string(r.Protocol)+".")
		if id != "answer.half-time" && id != "bad.stale" {
			ids = append(ids, id)
		} else if id == "bad.stale" && r.Protocol != doctor.V1 { // a note on V1: it has no time window
			ids = append(ids, id)
		}
	}
	return ids
}

// Each fault breaks exactly the rules that it must.
func TestEveryFaultTurnsExactlyItsRulesRed(t *testing.T) {
	for p, table := range tables {
		for _, f := range sellersim.Faults {
			named := slices.Contains(untestable, f.Name)
			for text := range table {
				name, _, _ := strings.Cut(text, "@")
				name, _, _ = strings.Cut(name, "=")
				named = named || name == f.Name
			}
			if !named && f.Name != "refuse-if" && f.Name != "refuse-unless" && f.Name != "refuse-same" {
				t.Errorf("%s: fault %s is in no row", p, f.Name)
			}
		}
	}
	type row struct {
		p          doctor.Protocol
		text, want string
	}
	var rows []row
	for p, table := range tables {
		for text, want := range table {
			rows = append(rows, row{p, text, want})
		}
	}
	// Most runs wait most of the time, so more of them run than there are processors.
	places := make(chan struct{}, 16)
	var wait sync.WaitGroup
	for _, r := range rows {
		wait.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			check(t, r.p, r.text, r.want)
		})
	}
	wait.Wait()
}

func check(t *testing.T, p doctor.Protocol, text, want string) {
	var faults []string
	if text != "" {
		faults = []string{text}
	}
	c := open(t, generation(p), faults...)
	defer c.close()
	played := p
	if p == kitV1 {
		played = doctor.Kit
	}
	r := c.examine(played, func(o *doctor.Options) {
		o.Kit.V1 = p == kitV1
		if waits(text) {
			if o.Scale = 0.5; p == doctor.V1 || played == doctor.Kit { // those have 20 s
				o.Scale = 0.15
			}
		}
		if text == "" || text == "forgets-on-restart" {
			o.Restart = c.restart
		}
	})
	if got := strings.Join(broken(r), " "); got != want {
		t.Errorf("%s %s: broke %q, want %q", p, text, got, want)
		for _, v := range r.Verdicts {
			if v.State == doctor.Fail {
				t.Logf("%s: %s", v.Rule, v.Came.EN)
			}
		}
	}
	if healthy := len(r.Red()) == 0; healthy != (r.Outcome == doctor.Healthy) {
		t.Errorf("%s %s: outcome %s", p, text, r.Outcome)
	}
}

// waits tells whether the doctor has to wait for a seller of this fault until its
// patience ends: such runs get shorter limits.
func waits(text string) bool {
	return text == "dead" || text == "no-info" || text == "fail=queryInstance" || text == "repeat-failure" || strings.HasPrefix(text, "never-ready") || strings.HasPrefix(text, "slow=1h")
}

// Each must has a fault that breaks it and no other must.
func TestEveryMustHasItsFault(t *testing.T) {
	alone := map[string]bool{}
	level := map[string]doctor.Level{}
	for _, p := range doctor.Protocols {
		for _, r := range doctor.Rules(p) {
			level[r.ID] = r.Level
		}
	}
	note := func(p doctor.Protocol, ids string) {
		if p == kitV1 {
			p = doctor.Kit
		}
		var musts []string
		for id := range strings.FieldsSeq(ids) {
			id = string(p) + "." + id
			if level[id] == "" {
				t.Errorf("no rule %s", id)
			}
			if level[id] == doctor.Must {
				musts = append(musts, id)
			}
		}
		if len(musts) == 1 {
			alone[musts[0]] = true
		}
	}
	for p, table := range tables {
		for _, ids := range table {
			note(p, ids)
		}
	}
	for _, row := range redOrders {
		note(row.p, row.want)
	}
	for id, l := range level {
		if l == doctor.Must && !alone[id] {
			t.Errorf("must %s has no fault of its own", id)
		}
	}
}

// redOrders are the faults that show only where the seller reads orders: real calls, with
// the doctor's order query.
var redOrders = []struct {
	p           doctor.Protocol
	fault, want string
}{
	{doctor.V2, "", ""},
	{doctor.V2, "signs-orders-wrong", "orders.signed"},
	{doctor.V2, "refuse-charging=ONE_TIME", "orders.one-time orders.mock"},
	{doctor.V2, "refuse-charging=ON_DEMAND", "orders.pay-per-use orders.mock"},
	{doctor.V2, "refuse-charging=ON_DEMAND_PKG", "orders.package orders.mock"},
	{doctor.V2, "refuse-charging=TRIAL", "orders.mock orders.trial"},
	{doctor.Notify, "", ""},
	{doctor.Notify, "signs-orders-wrong", "orders.signed"},
}

func TestSellersThatReadOrders(t *testing.T) {
	for _, row := range redOrders {
		t.Run(string(row.p)+"/"+row.fault, func(t *testing.T) {
			t.Parallel()
			var faults []string
			if row.fault != "" {
				faults = []string{row.fault}
			}
			address := freePort(t)
			c := open(t, isv.V2, faults...)
			c.o.Marketplace, c.o.AccessKey, c.o.SecretKey = "http://"+address, ak, sk
			if err := c.restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			r := c.examine(row.p, withOrders(address))
			if got := strings.Join(broken(r), " "); got != row.want {
				t.Errorf("broke %q, want %q", got, row.want)
			}
			for _, v := range r.Verdicts {
				if row.fault == "" && v.State != doctor.Pass && !strings.HasSuffix(v.Rule, ".restart") {
					t.Errorf("%s is %s: %s", v.Rule, v.State, v.Came.EN)
				}
			}
		})
	}
}

// A seller is judged by what it offers, and healthy ones pass whatever that is: with real
// calls, with the product's switches, with slow creations, in either language.
func TestHealthySellersPass(t *testing.T) {
	for name, change := range map[string]func(*doctor.Options){
		"period":      func(o *doctor.Options) { o.Modes = []doctor.Mode{doctor.Period} },
		"one-time":    func(o *doctor.Options) { o.Modes = []doctor.Mode{doctor.OneTime} },
		"pay-per-use": func(o *doctor.Options) { o.Modes = []doctor.Mode{doctor.PerUse} },
		"package":     func(o *doctor.Options) { o.Modes = []doctor.Mode{doctor.Package} },
		"metered":     func(o *doctor.Options) { o.Modes = []doctor.Mode{doctor.PerUse, doctor.Package} },
		"real":        func(o *doctor.Options) { o.Real = true },
		"switches":    func(o *doctor.Options) { o.StableBusinessID, o.OtherWay = true, true },
		"own query":   func(o *doctor.Options) { o.URL += "?shop=1&lang=zh" },
	} {
		for _, p := range doctor.Protocols {
			t.Run(string(p)+"/"+name, func(t *testing.T) {
				t.Parallel()
				c := open(t, generation(p))
				r := c.examine(p, change)
				if r.Outcome != doctor.Healthy || len(broken(r)) != 0 {
					t.Errorf("%s: %v", r.Outcome, broken(r))
				}
				for _, v := range r.Verdicts {
					if v.State == doctor.Skip && v.Skipped != doctor.Optional {
						t.Errorf("%s is %s by %s", v.Rule, v.Skipped, v.By)
					}
				}
				if took := time.Duration(r.Millis) * time.Millisecond; took > 20*time.Second {
					t.Errorf("took %s", took)
				}
			})
		}
	}
}
