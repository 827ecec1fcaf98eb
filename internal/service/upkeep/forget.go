package upkeep

import (
	"context"
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/kernel"
)

// settingForgotten holds the key of the last call whose bytes were forgotten.
const settingForgotten = "bytes.forgotten"

// actForget is the action of the audit log for it; the platform does it, no role is asked.
const actForget access.Action = "attempt.forget"

// forgetBatch bounds one transaction, so that no writer waits long.
const forgetBatch = 200

// Forget empties the bytes of calls that are older than the setting allows, and tells how many it were. What a call was,
// when it was made and what came of it stays. It goes on where the last one, of any process, ended. // spec: 10 §8.4
func (u *Upkeep) Forget(ctx context.Context) (total int, err error) {
	days := u.k.Settings().KeepBytes
	if days == 0 {
		return 0, nil
	}
	before := u.k.Wire.Now().Add(-time.Duration(days) * 24 * time.Hour)
	for more := true; more; {
		n := 0
		if err := u.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
			after, err := store.Setting(ctx, tx, settingForgotten)
			if err != nil {
				return err
			}
			last := ""
			if last, n, err = store.ForgetBytes(ctx, tx, after, before, forgetBatch); err != nil || n == 0 {
				return err
			}
			if err := store.SetSetting(ctx, tx, settingForgotten, last); err != nil {
				return err
			}
			return u.k.Audit(ctx, tx, kernel.System, actForget, last, fmt.Sprintf("bytes of %d calls, begun before %s", n, before.UTC().Format(time.RFC3339)))
		}); err != nil {
			return total, err
		}
		total += n
		more = n == forgetBatch
	}
	return total, nil
}
