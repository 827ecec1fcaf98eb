package manage

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/souk-market/souk/internal/domain/access"
	domain "github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/lab"
)

type labField struct {
	Name     string `json:"name"`
	Preset   string `json:"preset"`
	Kind     string `json:"kind"`
	Required bool   `json:"required"`
	Max      int    `json:"max"`
}

type labScenario struct {
	ID       string     `json:"id"`
	Protocol string     `json:"protocol"`
	Class    string     `json:"class"`
	Activity string     `json:"activity"`
	Fields   []labField `json:"fields"`
}

func viewScenario(s domain.Scenario) labScenario {
	out := labScenario{s.ID, string(s.Protocol), s.Protocol.Class(), s.Activity, nil}
	for _, f := range s.Fields {
		kind := string(f.Kind)
		if kind == "" {
			kind = "text"
		}
		out.Fields = append(out.Fields, labField{f.Name, f.Preset, kind, f.Required, f.Max})
	}
	return out
}

type labRun struct {
	ID         string   `json:"id"`
	Scenario   string   `json:"scenario"`
	Address    string   `json:"address"`
	Occasion   string   `json:"occasion"`
	CaseID     string   `json:"case_id"`
	Passed     bool     `json:"passed"`
	Reason     string   `json:"reason"`
	Field      string   `json:"field"`
	Detail     string   `json:"detail"`
	Warnings   []string `json:"warnings"`
	HTTPStatus int      `json:"http_status"`
	ResultCode string   `json:"result_code"`
	ResultMsg  string   `json:"result_msg"`
	InstanceID string   `json:"instance_id"`
	StartedAt  *string  `json:"started_at"`
	DurationMS int64    `json:"duration_ms"`
	Request    *string  `json:"request,omitempty"`
	Response   *string  `json:"response,omitempty"`
}

func viewRun(bytes bool) func(lab.Run) labRun {
	return func(v lab.Run) labRun {
		if v.Warnings == nil {
			v.Warnings = []string{}
		}
		out := labRun{v.ID, v.Scenario, v.Address, v.Occasion, v.CaseID, v.Passed, v.Reason, v.Field, v.Detail, v.Warnings, v.HTTPStatus, v.ResultCode, v.ResultMsg, v.InstanceID, stamp(v.StartedAt), v.Duration.Milliseconds(), nil, nil}
		if bytes {
			sent, came := string(v.Request), string(v.Response)
			out.Request, out.Response = &sent, &came
		}
		return out
	}
}

type labCase struct {
	ID       string            `json:"id"`
	Scenario string            `json:"scenario"`
	Address  string            `json:"address"`
	Variant  string            `json:"variant"`
	Form     map[string]string `json:"form"`
	Passed   bool              `json:"passed"`
	RunID    string            `json:"run_id"`
	RunAt    *string           `json:"run_at"`
}

func viewCase(c lab.Case) labCase {
	return labCase{c.ID, c.Scenario, c.Address, c.Variant, c.Form, c.Passed, c.RunID, stamp(c.RunAt)}
}

type domainView struct {
	Host       string  `json:"host"`
	Token      string  `json:"token"`
	Path       string  `json:"file_path"`
	Record     string  `json:"record_name"`
	Method     string  `json:"method"`
	VerifiedAt *string `json:"verified_at"`
	CheckedAt  *string `json:"checked_at"`
	Problem    string  `json:"problem"`
}

func viewDomain(d lab.Domain) domainView {
	return domainView{d.Host, d.Token, lab.ProofPath, lab.ProofRecord + d.Host, d.Method, stamp(d.VerifiedAt), stamp(d.CheckedAt), d.Problem}
}

type credentialView struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Bits      int    `json:"bits"`
	Profile   string `json:"profile"`
	Lists     string `json:"lists"`
	PublicKey string `json:"public_key"`
}

func viewCredential(c lab.Credential) credentialView {
	return credentialView{c.ID, c.Name, c.Bits, c.Profile, c.Lists, c.PublicKey}
}

type checkupView struct {
	ID        string  `json:"id"`
	Protocol  string  `json:"protocol"`
	Address   string  `json:"address"`
	State     string  `json:"state"`
	Judged    int     `json:"judged"`
	Rules     int     `json:"rules"`
	Outcome   string  `json:"outcome"`
	Broken    int     `json:"broken"`
	Warnings  int     `json:"warnings"`
	Problem   string  `json:"problem"`
	StartedAt *string `json:"started_at"`
	EndedAt   *string `json:"ended_at"`
}

func viewCheckup(c lab.Checkup) checkupView {
	return checkupView{c.ID, c.Protocol, c.Address, c.State, c.Judged, c.Rules, c.Outcome, c.Broken, c.Warnings, c.Problem, stamp(c.StartedAt), stamp(c.EndedAt)}
}

type needView struct {
	Scenario string `json:"scenario"`
	Field    string `json:"field"`
	Param    string `json:"param"`
	Absent   bool   `json:"absent"`
	Missing  bool   `json:"missing"`
	Failing  bool   `json:"failing"`
}

type readinessView struct {
	ProductID string     `json:"product_id"`
	Address   string     `json:"address"`
	Ready     bool       `json:"ready"`
	Required  bool       `json:"required"`
	Needs     []needView `json:"needs"`
}

type probeView struct {
	ProductID string  `json:"product_id"`
	Day       string  `json:"day"`
	Slot      string  `json:"slot"`
	Passed    bool    `json:"passed"`
	Cases     int     `json:"cases"`
	Failed    int     `json:"failed"`
	Problem   string  `json:"problem"`
	RunID     string  `json:"run_id"`
	RanAt     *string `json:"ran_at"`
}

// probeDays is how far back the rounds of probing are shown.
const probeDays = 31

// labs is proving a server before a buyer sees it. // spec: 10 §8, 11 §7
func (h *Handler) labs() {
	h.read("/lab/scenarios", func(c *call) (any, error) {
		if err := kernel.May(c.actor, access.LabRead); err != nil {
			return nil, err
		}
		return listOf(domain.Scenarios, len(domain.Scenarios), viewScenario, func(domain.Scenario) string { return "" }), nil
	})
	h.read("/lab/cases", func(c *call) (any, error) {
		all, err := h.Lab.Cases(c.Context(), c.actor, c.URL.Query().Get("address"))
		return listOf(all, len(all), viewCase, func(lab.Case) string { return "" }), err
	})
	h.change("DELETE", "/lab/cases/{id}", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return struct{}{}, h.Lab.DeleteCase(ctx, tx, c.actor, c.PathValue("id"))
	})
	h.read("/lab/runs", func(c *call) (any, error) {
		after, limit, err := pageOne(c.Request)
		if err != nil {
			return nil, err
		}
		q := c.URL.Query()
		all, err := h.Lab.Runs(c.Context(), c.actor, lab.RunFilter{Scenario: q.Get("scenario"), Occasion: q.Get("occasion"), CaseID: q.Get("case"), ProductID: q.Get("product")}, after, limit+1)
		return listOf(all, limit, viewRun(false), func(v lab.Run) string { return cursor.Encode(v.ID) }), err
	})
	h.read("/lab/runs/{id}", func(c *call) (any, error) {
		v, err := h.Lab.Run(c.Context(), c.actor, c.PathValue("id"))
		return viewRun(true)(v), err
	})
	// A call of the lab is made each time it is asked for; it changes nothing that could be done twice.
	h.call("/lab/preview", func(c *call) (any, error) {
		t, err := readTry(c)
		if err != nil {
			return nil, err
		}
		p, err := h.Lab.Preview(c.Context(), c.actor, t)
		return map[string]string{"method": p.Method, "url": p.URL, "request": string(p.Request)}, err
	})
	h.call("/lab/runs", func(c *call) (any, error) {
		t, err := readTry(c)
		if err != nil {
			return nil, err
		}
		v, err := h.Lab.Debug(c.Context(), c.actor, t)
		return viewRun(true)(v), err
	})
	h.call("/lab/cases/run", func(c *call) (any, error) {
		address, id := c.body.text("address"), c.body.text("case")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		all, err := h.Lab.RunCases(c.Context(), c.actor, address, id)
		return listOf(all, len(all), viewRun(false), func(lab.Run) string { return "" }), err
	})
	h.read("/products/{id}/readiness", func(c *call) (any, error) {
		r, err := h.Lab.Ready(c.Context(), c.actor, c.PathValue("id"))
		out := readinessView{r.Product, r.Address, len(r.Missing) == 0, h.Kernel.Settings().RequireCases, []needView{}}
		for _, n := range r.Needs {
			one := needView{Scenario: n.Scenario, Field: n.Field, Param: n.Param, Absent: n.Absent}
			for _, m := range r.Missing {
				if m.Need == n {
					one.Missing, one.Failing = true, m.Failing
				}
			}
			out.Needs = append(out.Needs, one)
		}
		return out, err
	})
	h.read("/products/{id}/probes", func(c *call) (any, error) {
		all, err := h.Lab.Probes(c.Context(), c.actor, c.PathValue("id"), probeDays)
		return listOf(all, len(all), func(p lab.Probe) probeView {
			return probeView{p.ProductID, p.Day, p.Slot, p.Passed, p.Cases, p.Failed, p.Problem, p.RunID, stamp(p.RanAt)}
		}, func(lab.Probe) string { return "" }), err
	})
	h.read("/lab/checkups", func(c *call) (any, error) {
		after, limit, err := pageOne(c.Request)
		if err != nil {
			return nil, err
		}
		all, err := h.Lab.Checkups(c.Context(), c.actor, after, limit+1)
		return listOf(all, limit, viewCheckup, func(v lab.Checkup) string { return cursor.Encode(v.ID) }), err
	})
	h.change("POST", "/lab/checkups", http.StatusAccepted, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		protocol, address, modes := c.body.text("protocol"), c.body.text("address"), c.body.texts("modes")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		v, err := h.Lab.StartCheckup(ctx, tx, c.actor, protocol, address, modes)
		return viewCheckup(v), err
	})
	h.read("/lab/checkups/{id}", func(c *call) (any, error) {
		v, err := h.Lab.Checkup(c.Context(), c.actor, c.PathValue("id"))
		return viewCheckup(v), err
	})
	h.read("/lab/checkups/{id}/report", func(c *call) (any, error) {
		v, err := h.Lab.Checkup(c.Context(), c.actor, c.PathValue("id"))
		if err != nil {
			return nil, err
		}
		if _, err := lab.ReportOf(v); err != nil {
			return nil, err
		}
		return json.RawMessage(v.Report), nil
	})
	h.read("/lab/doctor-key", func(c *call) (any, error) {
		key, err := h.Lab.DoctorKey(c.Context())
		return map[string]string{"algorithm": "Ed25519", "public_key": key}, err
	})
	h.read("/lab/domains", func(c *call) (any, error) {
		all, err := h.Lab.Domains(c.Context(), c.actor)
		return listOf(all, len(all), viewDomain, func(lab.Domain) string { return "" }), err
	})
	h.change("POST", "/lab/domains", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		host := c.body.text("host")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		d, err := h.Lab.AddDomain(ctx, tx, c.actor, host)
		return viewDomain(d), err
	})
	h.call("/lab/domains/check", func(c *call) (any, error) {
		host := c.body.text("host")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		d, err := h.Lab.CheckDomain(c.Context(), c.actor, host)
		return viewDomain(d), err
	})
	h.change("POST", "/lab/domains/remove", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return struct{}{}, h.Lab.RemoveDomain(ctx, tx, c.actor, c.body.text("host"))
	})
	h.read("/lab/credentials", func(c *call) (any, error) {
		all, err := h.Lab.Credentials(c.Context(), c.actor)
		return listOf(all, len(all), viewCredential, func(lab.Credential) string { return "" }), err
	})
	put := func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		in := lab.Credential{ID: c.PathValue("id"), Name: c.body.text("name"), PublicKey: c.body.text("public_key"), Profile: c.body.text("profile"), Lists: c.body.text("lists")}
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		k, err := h.Lab.PutCredential(ctx, tx, c.actor, in)
		return viewCredential(k), err
	}
	h.change("POST", "/lab/credentials", http.StatusCreated, put)
	h.change("PUT", "/lab/credentials/{id}", http.StatusOK, put)
	h.change("DELETE", "/lab/credentials/{id}", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return struct{}{}, h.Lab.DeleteCredential(ctx, tx, c.actor, c.PathValue("id"))
	})
}

// call registers a POST that asks somebody outside: it is made whenever it is asked for and is no transaction.
func (h *Handler) call(pattern string, f func(c *call) (any, error)) {
	h.mux.HandleFunc("POST "+Prefix+pattern, func(w http.ResponseWriter, r *http.Request) {
		h.answer(w, r, func(c *call) (int, []byte, error) {
			if c.actor.Anonymous() {
				return 0, nil, fault.New(fault.Unauthenticated, "unauthenticated", "send a personal access token: Authorization: Bearer …")
			}
			v, err := f(c)
			if err != nil {
				return 0, nil, err
			}
			return http.StatusOK, encode(v), nil
		})
	})
}

func readTry(c *call) (lab.Try, error) {
	t := lab.Try{Scenario: c.body.text("scenario"), Address: c.body.text("address"), Credential: c.body.text("credential"), Form: c.body.pairs("form"), Save: c.body.flag("save")}
	return t, c.body.bad.Err()
}
