package lab

import (
	"context"
	"strconv"
	"time"

	"github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/protocol/production"
	"github.com/souk-market/souk/protocol/usagepush"
	"github.com/souk-market/souk/protocol/wirejson"
)

// pushWithin is how old the push may be on which a debugging run looks.
const pushWithin = 15 * time.Minute

// push writes the push that the seller's server is expected to make. // spec: 14 §2.1
func (l *Lab) push(s lab.Scenario, filled map[string]string, key string, now time.Time) (production.Request, error) {
	record := wirejson.Obj{}
	for _, f := range s.Fields {
		if v := filled[f.Name]; v != "" {
			record[f.Name] = v
		}
	}
	body, err := wirejson.Canonical(wirejson.Obj{"usage_records": []any{record}})
	if err != nil {
		return production.Request{}, err
	}
	ts, nonce := strconv.FormatInt(now.UnixMilli(), 10), ident.Nonce()
	return production.Request{Method: "POST", URL: l.home + usagepush.NewPath, Body: body, Headers: []production.Header{
		{Name: "Content-Type", Value: "application/json"}, {Name: "ts", Value: ts}, {Name: "nonce", Value: nonce}, {Name: "signature", Value: usagepush.Sign(key, ts, nonce, body)}}}, nil
}

// received judges the newest push of the seller's own server for the instance of the form.
// Without one the run shows the push that is waited for.
func (l *Lab) received(ctx context.Context, s lab.Scenario, form map[string]string, p parties, r *round, v *Run, _ bool) error {
	m, err := l.compose(s, form, v.Address, p, r)
	if err != nil {
		return err
	}
	v.ID, v.StartedAt, v.Reason, v.Field, v.Detail, v.Request = l.k.Row(), l.k.Wire.Now(), "push-none", "instance_id", m.filled["instance_id"], rendered(m.request)
	var all []Run
	if err := l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		all, err = store.Pushes(ctx, tx, v.SellerID, m.filled["instance_id"], lab.ByPush, v.StartedAt.Add(-pushWithin), 1)
		return err
	}); err != nil || len(all) == 0 {
		return err
	}
	came := all[0]
	came.ID, came.CaseID, came.Address, came.Scenario, came.Occasion, came.StartedAt = v.ID, "", v.Address, s.ID, v.Occasion, v.StartedAt
	*v = came
	return nil
}
