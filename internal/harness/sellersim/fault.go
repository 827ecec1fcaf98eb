package sellersim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is one way to misbehave. It is switched on by Name, Name=VALUE where Value
// says so, and, to limit it to one activity, Name@ACTIVITY or Name=VALUE@ACTIVITY.
type Fault struct {
	Name    string
	Value   string // what stands after "=": "", "N", "DURATION", "CODE", "STATUS" or "ACTIVITY"
	Default string // used when no value is given; "" with a Value means that one is needed
	Group   string
	Help    string
	Spec    string // section of the specification it comes from

	// What it does, at the stage where it acts; a fault that changes the seller's own
	// behaviour has none and is looked up by name.
	before func(*exchange, string) *reply  // may answer instead of acting
	shape  func(*exchange, *reply, string) // the JSON object of the answer
	bytes  func(*exchange, *reply, string) // its bytes, before signing
	signed func(*exchange, *reply, string) // status and headers, after signing
}

// active is a fault that is switched on.
type active struct {
	*Fault
	value    string
	activity string // "" is every one
}

func (a active) applies(activity string) bool { return a.activity == "" || a.activity == activity }

// ParseFault reads the text of one switched-on fault.
func parseFault(text string) (active, error) {
	spec, activity, _ := strings.Cut(text, "@")
	name, value, given := strings.Cut(spec, "=")
	i := slices.IndexFunc(Faults, func(f Fault) bool { return f.Name == name })
	if i < 0 {
		return active{}, fmt.Errorf("fault %q is unknown", name)
	}
	f := &Faults[i]
	switch {
	case f.Value == "" && given:
		return active{}, fmt.Errorf("fault %q takes no value", name)
	case f.Value != "" && !given && f.Default == "":
		return active{}, fmt.Errorf("fault %q needs a value: %s=%s", name, name, f.Value)
	case !given:
		value = f.Default
	}
	if f.Value != "" && !wellFormed(f.Value, value) {
		return active{}, fmt.Errorf("fault %q: %q is no %s", name, value, f.Value)
	}
	return active{Fault: f, value: value, activity: activity}, nil
}

func wellFormed(kind, value string) bool {
	switch kind {
	case "N":
		n, err := strconv.Atoi(value)
		return err == nil && n >= 0
	case "STATUS":
		n, err := strconv.Atoi(value)
		return err == nil && n >= 200 && n <= 599
	case "DURATION":
		_, err := time.ParseDuration(value)
		return err == nil
	case "CODE":
		return len(value) == 6 && strings.Trim(value, "0123456789") == ""
	default:
		return value != ""
	}
}

// faults is the set that is switched on now.
type faults struct {
	mu     sync.Mutex
	all    []active
	counts map[string]int // of calls, for fail-first
	failed map[string]bool
}

// set replaces the whole set; on an error nothing changes.
func (f *faults) set(texts []string) error {
	all := make([]active, 0, len(texts))
	for _, text := range texts {
		a, err := parseFault(text)
		if err != nil {
			return err
		}
		all = append(all, a)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all, f.counts, f.failed = all, map[string]int{}, map[string]bool{}
	return nil
}

// list returns the active faults as texts.
func (f *faults) list() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	texts := []string{}
	for _, a := range f.all {
		text := a.Name
		if a.Value != "" {
			text += "=" + a.value
		}
		if a.activity != "" {
			text += "@" + a.activity
		}
		texts = append(texts, text)
	}
	return texts
}

// of returns the faults that concern an activity.
func (f *faults) of(activity string) []active {
	f.mu.Lock()
	defer f.mu.Unlock()
	var these []active
	for _, a := range f.all {
		if a.applies(activity) {
			these = append(these, a)
		}
	}
	return these
}

// value looks a behaviour up.
func (f *faults) value(name, activity string) (value string, on bool) {
	for _, a := range f.of(activity) {
		if a.Name == name {
			return a.value, true
		}
	}
	return "", false
}

func (f *faults) on(name, activity string) bool { _, on := f.value(name, activity); return on }

func (f *faults) duration(name, activity string) time.Duration {
	value, on := f.value(name, activity)
	if !on {
		return 0
	}
	d, _ := time.ParseDuration(value) // its form was checked when it was set
	return d
}

// count numbers the calls of one key from 1.
func (f *faults) count(key string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[key]++
	return f.counts[key]
}

// remember and recall keep a failure or a success of one key.
func (f *faults) remember(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed[key] = true
}

func (f *faults) recall(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed[key]
}

// Help lists every fault as text, grouped, for `souk seller --faults`.
func Help() string {
	var b strings.Builder
	group := ""
	for _, f := range Faults {
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(&b, "\n%s\n", group)
		}
		name := f.Name
		if f.Value != "" {
			name += "=" + f.Value
		}
		help := f.Help
		if f.Default != "" {
			help += " (default " + f.Default + ")"
		}
		fmt.Fprintf(&b, "  %-28s %s [%s]\n", name, help, f.Spec)
	}
	b.WriteString("\nEach may be limited to one activity: NAME@ACTIVITY, e.g. slow=3s@refreshInstance.\n")
	return strings.TrimPrefix(b.String(), "\n")
}
