package upkeep

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/setting"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// settingPrefix stands before the names of settings that operators changed.
const settingPrefix = "set."

// forgetEvery is how often bytes are looked for that are older than they may be.
const forgetEvery = 10 * time.Minute

// refreshEvery is how soon every process obeys a setting that another one changed.
const refreshEvery = 2 * time.Second

// stored is a setting as the database keeps it.
type stored struct {
	Value string    `json:"value"`
	By    string    `json:"by"`
	At    time.Time `json:"at"` // wire clock
}

// Setting is a setting with the value that holds.
type Setting struct {
	setting.Setting
	Value     string
	Installed string // what holds when nobody changes it
	Changed   bool   // by an operator, below
	By        string // person
	At        time.Time
}

func readSettings(ctx context.Context, tx *kernel.Tx) (map[string]stored, error) {
	texts, err := store.Settings(ctx, tx, settingPrefix)
	if err != nil {
		return nil, err
	}
	out := map[string]stored{}
	for name, text := range texts {
		var s stored
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return nil, err
		}
		out[strings.TrimPrefix(name, settingPrefix)] = s
	}
	return out, nil
}

func (u *Upkeep) apply(all map[string]stored) setting.Values {
	texts := map[string]string{}
	for name, s := range all {
		texts[name] = s.Value
	}
	return setting.Apply(u.k.Installed(), texts)
}

// Refresh puts what is stored into force in this process.
func (u *Upkeep) Refresh(ctx context.Context) error {
	u.refresh.Lock()
	defer u.refresh.Unlock()
	return u.k.DB.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		all, err := readSettings(ctx, tx)
		if err == nil {
			u.k.Live.Hold(u.apply(all))
		}
		return err
	})
}

// Run keeps the settings of this process as they are stored, and tells that it lives, until ctx ends.
func (u *Upkeep) Run(ctx context.Context) error {
	refresh, beat, forget := time.NewTicker(refreshEvery), time.NewTicker(beatEvery), time.NewTicker(forgetEvery)
	defer refresh.Stop()
	defer beat.Stop()
	defer forget.Stop()
	err := u.beat(ctx)
	for {
		if err != nil && ctx.Err() == nil {
			u.k.Log.Error("upkeep: the database does not answer; the settings from before hold", "err", err)
		}
		select {
		case <-ctx.Done():
			if err := u.leave(); err != nil {
				u.k.Log.Warn("upkeep: this process is shown for a minute longer than it lives", "err", err)
			}
			return nil
		case <-refresh.C:
			err = u.Refresh(ctx)
		case <-beat.C:
			err = u.beat(ctx)
		case <-forget.C:
			_, err = u.Forget(ctx)
		}
	}
}

// Settings lists every setting with the value that holds.
func (u *Upkeep) Settings(ctx context.Context, a access.Actor) (out []Setting, err error) {
	if err := kernel.May(a, access.SettingRead); err != nil {
		return nil, err
	}
	err = u.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		out, err = u.list(ctx, tx)
		return err
	})
	return out, err
}

func (u *Upkeep) list(ctx context.Context, tx *kernel.Tx) (out []Setting, err error) {
	all, err := readSettings(ctx, tx)
	if err != nil {
		return nil, err
	}
	now, base := u.apply(all), u.k.Installed()
	for _, s := range setting.Table {
		one := Setting{Setting: s, Value: s.Get(now), Installed: s.Get(base)}
		if w, ok := all[s.Name]; ok {
			one.Changed, one.By, one.At = true, w.By, w.At
		}
		out = append(out, one)
	}
	return out, nil
}

// Change puts new values into force, all or none; "" gives a setting back to the installation. Each that changes is an
// audit row with the old and the new value. It gives the list that then holds; this process obeys as soon as it is
// durable, the others within two seconds.
func (u *Upkeep) Change(ctx context.Context, tx *kernel.Tx, a access.Actor, change map[string]string) ([]Setting, error) {
	if err := kernel.May(a, access.SettingWrite); err != nil {
		return nil, err
	}
	if err := store.LockSettings(ctx, tx, settingPrefix); err != nil {
		return nil, err
	}
	before, err := u.list(ctx, tx)
	if err != nil {
		return nil, err
	}
	bad := fault.Fields{}
	for _, name := range slices.Sorted(maps.Keys(change)) {
		text := change[name]
		i := slices.IndexFunc(before, func(s Setting) bool { return s.Name == name })
		if i < 0 {
			bad.Add(name, "is no setting")
			continue
		}
		old := before[i]
		if text == "" {
			if !old.Changed {
				continue
			}
			if err := store.DropSetting(ctx, tx, settingPrefix+name); err != nil {
				return nil, err
			}
			text = old.Installed
		} else {
			v, err := old.Put(u.k.Installed(), text)
			if err != nil {
				bad.Add(name, "%s", err.Error())
				continue
			}
			if text = old.Get(v); text == old.Value {
				continue
			}
			kept, err := json.Marshal(stored{Value: text, By: a.PersonID, At: u.k.Wire.Now()})
			if err != nil {
				return nil, err
			}
			if err := store.SetSetting(ctx, tx, settingPrefix+name, string(kept)); err != nil {
				return nil, err
			}
		}
		if err := u.k.Audit(ctx, tx, a, access.SettingWrite, name, old.Value+" → "+text); err != nil {
			return nil, err
		}
	}
	if err := bad.Err(); err != nil {
		return nil, err
	}
	tx.OnCommit(func() {
		if err := u.Refresh(context.Background()); err != nil { // not in the transaction's own context
			u.k.Log.Error("settings cannot be read; those from before hold", "err", err)
		}
	})
	return u.list(ctx, tx)
}
