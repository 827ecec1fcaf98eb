package program_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/sms"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/program"
)

// With sms-url set an SMS leaves the outbox as a signed request; refused at first, it is sent again under the same id.
func TestSMSGoToTheWebhookThatIsSet(t *testing.T) {
	const key = "planted key of the webhook"
	var ids []string
	status := http.StatusServiceUnavailable
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var m map[string]string
		if json.Unmarshal(body, &m) != nil || m["to"] != "+8613800138000" || r.Header.Get("X-Souk-Signature") != sms.Sign(key, r.Header.Get("X-Souk-Timestamp"), body) {
			t.Errorf("%v: %s", r.Header, body)
		}
		ids = append(ids, m["id"])
		w.WriteHeader(status)
	}))
	defer srv.Close()
	env := map[string]string{"SOUK_MODE": "sandbox", "SOUK_DATA": t.TempDir(), "SOUK_SMS_URL": srv.URL + "/send", "SOUK_SMS_KEY": key}
	c, err := config.Load(nil, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Open(t.Context(), c, program.Options{Logger: slog.New(slog.DiscardHandler), Synchronous: "OFF", NoWorkers: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	write := func(f func(ctx context.Context, tx *store.Tx) error) {
		t.Helper()
		if err := p.DB.Write(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	write(func(ctx context.Context, tx *store.Tx) error {
		return p.Mail.Put(ctx, tx, mail.Message{Channel: mail.SMS, To: "+8613800138000", Text: "【集市】123456"})
	})
	if n, err := p.Mail.Flush(t.Context()); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	status = http.StatusAccepted
	write(func(ctx context.Context, tx *store.Tx) error { // its time has come
		_, err := tx.Exec(ctx, `UPDATE mail SET next_at = 1`)
		return err
	})
	if n, err := p.Mail.Flush(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if len(ids) != 2 || ids[0] != ids[1] || ids[0] == "" {
		t.Errorf("ids %v", ids)
	}
}
