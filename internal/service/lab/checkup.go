package lab

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/doctor"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/protocol/sealed"
)

// Checkup is one run of the doctor (接口体检) against one of the seller's servers.
type Checkup = store.Checkup

// JobCheckup is the kind of its job.
const JobCheckup = "lab.checkup"

// settingDoctorKey holds the installation's sealed Ed25519 key, which signs the reports.
const settingDoctorKey = "doctor.key"

const doctorPurpose = "doctor key"

// checkupClass is the interface class of a doctor's protocol.
func checkupClass(p doctor.Protocol) string {
	switch p {
	case doctor.Notify:
		return "general"
	case doctor.Kit:
		return "kit"
	case doctor.License:
		return "license"
	}
	return "base"
}

// StartCheckup begins a run; one at a time for a seller. It is a job: it survives the
// process, and a run that was cut off begins anew.
func (l *Lab) StartCheckup(ctx context.Context, tx *kernel.Tx, a access.Actor, protocol, address string, modes []string) (c Checkup, err error) {
	if err := may(a, access.LabRun); err != nil {
		return c, err
	}
	p := doctor.Protocol(protocol)
	if !slices.Contains(doctor.Protocols, p) {
		return c, fault.Field("protocol", "must be one of %v", doctor.Protocols)
	}
	for _, m := range modes {
		if !slices.Contains(doctor.Modes, doctor.Mode(m)) {
			return c, fault.Field("modes", "must be of %v", doctor.Modes)
		}
	}
	if err := l.allowed(ctx, tx, a, checkupClass(p), address); err != nil {
		return c, err
	}
	if err := store.LockCompany(ctx, tx, a.CompanyID); err != nil {
		return c, err
	}
	n, err := store.RunningCheckups(ctx, tx, a.CompanyID)
	if err != nil {
		return c, err
	}
	if n > 0 {
		return c, fault.New(fault.Conflict, "checkup_running", "a check-up is under way; wait for its end")
	}
	if keys, err := store.Keys(ctx, tx, a.CompanyID, checkupClass(p), l.k.Wire.Now()); err != nil || len(keys) == 0 {
		return c, errors.Join(err, fault.New(fault.Rule, "no_key", "no interconnection key of the class %s is set; set one first", checkupClass(p)))
	}
	c = Checkup{ID: l.k.Row(), SellerID: a.CompanyID, Address: address, Protocol: protocol, Modes: strings.Join(modes, ","), State: lab.CheckupRunning, Rules: len(doctor.Rules(p)), StartedBy: a.PersonID, StartedAt: l.k.Wire.Now()}
	if err := store.InsertCheckup(ctx, tx, c); err != nil {
		return c, err
	}
	if _, err := l.k.Queue.Add(ctx, tx, store.Job{Kind: JobCheckup, Lane: jobs.NotifyLane(a.CompanyID), DueAt: l.k.Clock.Now(), SellerID: a.CompanyID, Payload: c.ID}); err != nil {
		return c, err
	}
	return c, l.k.Audit(ctx, tx, a, access.LabRun, a.CompanyID, "check-up "+protocol+" "+address)
}

// noteEvery is how often a running check-up says how far it is.
const noteEvery = 400 * time.Millisecond

// checkup makes a run.
func (l *Lab) checkup(ctx context.Context, j store.Job, owner string) error {
	var c Checkup
	var p parties
	err := l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		if c, err = store.CheckupByID(ctx, tx, "", j.Payload); err != nil {
			return err
		}
		p, err = l.load(ctx, tx, c.SellerID, checkupClass(doctor.Protocol(c.Protocol)), "")
		return err
	})
	if err != nil {
		return err
	}
	if c.State == lab.CheckupRunning {
		l.examine(ctx, &c, p)
	}
	if ctx.Err() != nil { // the process stops: another run begins
		return ctx.Err()
	}
	return l.once(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if err := store.EndCheckup(ctx, tx, c); err != nil {
			return err
		}
		return store.FinishJob(ctx, tx, j.ID, owner, "", store.JobDone, "", 1, l.k.Clock.Now())
	})
}

// examine runs the doctor and writes into c what it found.
func (l *Lab) examine(ctx context.Context, c *Checkup, p parties) {
	c.EndedAt, c.State = l.k.Wire.Now(), lab.CheckupFailed
	if len(p.keys) == 0 {
		c.Problem = "the interconnection key is gone"
		return
	}
	o := doctor.Options{Protocol: doctor.Protocol(c.Protocol), URL: c.Address, Key: p.keys[0], OrderListen: "off", Send: l.client.Do, Scale: 1, OrderID: likeMock}
	if l.k.Sandbox && l.k.TimeoutScale > 0 {
		o.Scale = l.k.TimeoutScale
	}
	for _, m := range strings.FieldsFunc(c.Modes, func(r rune) bool { return r == ',' }) {
		o.Modes = append(o.Modes, doctor.Mode(m))
	}
	if k := p.credential; k != nil {
		if key, err := sealed.ParsePublicKey(k.PublicKey); err == nil {
			o.Kit.PublicKey, o.Kit.OAEP = key, sealed.OAEPProfile(k.Profile)
		}
	}
	last := time.Time{}
	o.Progress = func(v doctor.Verdict) {
		c.Judged++
		if v.State == doctor.Fail && v.Level == doctor.Must {
			c.Broken++
		}
		if now := time.Now(); now.Sub(last) >= noteEvery { // only what people look at: no matter when it is lost
			last = now
			_ = l.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
				return store.NoteCheckup(ctx, tx, c.ID, c.Judged, c.Broken)
			})
		}
	}
	report, err := doctor.Run(ctx, o)
	c.EndedAt = l.k.Wire.Now()
	if err != nil {
		c.Problem = cut(err.Error())
		return
	}
	key, err := l.doctorKey(ctx)
	if err == nil {
		err = report.Sign(key)
	}
	if err == nil {
		c.Report, err = report.JSON()
	}
	if err != nil {
		c.Problem = "the report could not be signed"
		l.k.Log.Error("sign a check-up", "checkup", c.ID, "err", err)
		return
	}
	c.State, c.Outcome, c.Judged, c.Broken, c.Warnings = lab.CheckupDone, string(report.Outcome), len(report.Verdicts), len(report.Red()), len(report.Yellow())
}

// likeMock draws an order id that the order query answers like a mock order.
func likeMock(like string) string { return like + lab.MockMark + strings.ToUpper(ident.Nonce()[:8]) }

// doctorKey is the installation's key; it is drawn when it is needed first.
func (l *Lab) doctorKey(ctx context.Context) (ed25519.PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		return nil, err
	}
	fresh, err := l.k.Ring.Seal(doctorPurpose, []byte(base64.StdEncoding.EncodeToString(seed)))
	if err != nil {
		return nil, err
	}
	var kept string
	err = l.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		kept, err = store.TakeSetting(ctx, tx, settingDoctorKey, fresh)
		return err
	})
	if err != nil {
		return nil, err
	}
	text, err := l.k.Ring.Open(doctorPurpose, kept)
	if err != nil {
		return nil, err
	}
	if seed, err = base64.StdEncoding.DecodeString(string(text)); err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("the stored key of the doctor is unusable: %w", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// DoctorKey is the public half as text: whoever has a report checks it with
// `souk doctor verify`. Everybody may know it.
func (l *Lab) DoctorKey(ctx context.Context) (string, error) {
	key, err := l.doctorKey(ctx)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)), nil
}

// Checkups lists the seller's runs, newest first, before a mark.
func (l *Lab) Checkups(ctx context.Context, a access.Actor, mark string, limit int) (out []Checkup, err error) {
	if err := may(a, access.LabRead); err != nil {
		return nil, err
	}
	err = l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if out, err = store.Checkups(ctx, tx, a.CompanyID, mark, limit); err != nil || !a.Limited {
			return err
		}
		mine, err := addresses(ctx, tx, a)
		out = slices.DeleteFunc(out, func(c Checkup) bool { return !among(mine, c.Address) })
		return err
	})
	return out, err
}

// Checkup reads one of the seller's runs with its report; operators read any.
func (l *Lab) Checkup(ctx context.Context, a access.Actor, id string) (c Checkup, err error) {
	if err := kernel.May(a, access.LabRead); err != nil {
		return c, err
	}
	seller := a.CompanyID
	if a.IsOperator() {
		seller = ""
	}
	err = l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if c, err = store.CheckupByID(ctx, tx, seller, id); err != nil || a.IsOperator() {
			return kernel.Missing(err, "checkup")
		}
		return visible(ctx, tx, a, c.Address)
	})
	return c, err
}

// ReportOf reads the report of a run that has one.
func ReportOf(c Checkup) (*doctor.Report, error) {
	if len(c.Report) == 0 {
		return nil, fault.New(fault.Conflict, "checkup_running", "there is no report yet")
	}
	return doctor.Verify(c.Report, nil)
}

// Page is a report as the page that a seller attaches to a release request; it can be verified.
func Page(c Checkup) ([]byte, error) {
	r, err := ReportOf(c)
	if err != nil {
		return nil, err
	}
	return r.HTML()
}
