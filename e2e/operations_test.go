package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/harness/markettest"
)

// An operator changes a limit on its page: wrong values stand beside their field, nothing typed is lost, a form that
// stood open undoes nothing, and the audit log holds the values before and after.
func TestSettingsAreChangedOnTheirPage(t *testing.T) {
	w := newWorld(t)
	operator := w.open("operator")
	_, page := operator.get("/operator/settings")
	wants(t, "settings", page, "订单付款期限", `value="7d"`, "规则固定的限额", "22 §2.3", "newInstance")
	res, page := operator.press("/operator/settings", "/operator/settings", url.Values{"group": {"people"}, "form": {"settings-people"},
		"people.max_failures": {"many"}, "was:people.max_failures": {"5"}, "people.lock_for": {"30m"}, "was:people.lock_for": {"15m"}})
	if res.StatusCode != 400 {
		t.Errorf("a wrong value: %d", res.StatusCode)
	}
	wants(t, "the refused form", page, `value="many"`, `value="30m"`, "允许 3 至 20", `href="#settings-people-people.max_failures"`)
	if res, _ = operator.press("/operator/settings", "/operator/settings", url.Values{"group": {"people"}, "form": {"settings-people"},
		"people.lock_for": {"30m"}, "was:people.lock_for": {"15m"}, "people.max_failures": {"5"}, "was:people.max_failures": {"5"}}); res.Request.URL.Path != "/operator/settings" || res.StatusCode != 200 {
		t.Errorf("saving led to %d %s", res.StatusCode, res.Request.URL)
	}
	// A second window, drawn before, changes something else.
	operator.press("/operator/settings", "/operator/settings", url.Values{"group": {"people"}, "form": {"settings-people"},
		"people.lock_for": {"15m"}, "was:people.lock_for": {"15m"}, "people.session_idle": {"1h"}, "was:people.session_idle": {"2h"}})
	_, page = operator.get("/operator/settings")
	wants(t, "settings", page, `value="30m"`, `value="1h"`, "运营管理员", "安装时的取值 15m")
	_, page = operator.get("/operator/audit?action=setting.write")
	wants(t, "the audit log", page, "15m → 30m", "2h → 1h")
	// Others see them and do not change them.
	finance := w.open("finance")
	_, page = finance.get("/operator/settings")
	wants(t, "finance", page, "订单付款期限", "只有运营管理员可以修改")
	if strings.Contains(page, `name="orders.pay_within"`) {
		t.Error("finance is given a form")
	}
	if res, _ := finance.post("/operator/settings", page, url.Values{"group": {"people"}, "people.lock_for": {"1h"}, "was:people.lock_for": {"30m"}}); res.StatusCode != 403 {
		t.Errorf("finance changes: %d", res.StatusCode)
	}
}

// Registration is closed and opened again by the switch.
func TestRegistrationIsClosedByItsSwitch(t *testing.T) {
	w := newWorld(t)
	operator, stranger := w.open("operator"), w.open("")
	turn := func(from, to string) {
		operator.press("/operator/settings", "/operator/settings", url.Values{"group": {"people"}, "form": {"settings-people"}, "people.registration": {to}, "was:people.registration": {from}})
	}
	turn("true", "false")
	_, page := stranger.get("/account/register")
	wants(t, "closed", page, "暂不开放自助注册")
	if strings.Contains(page, `name="company"`) {
		t.Error("the form is still there")
	}
	turn("false", "true")
	_, page = stranger.get("/account/register")
	wants(t, "open", page, `name="company"`)
}

// An admin downloads a backup after giving the password again; it is whole, and the page and the audit log say so.
func TestABackupIsDownloaded(t *testing.T) {
	w := newWorld(t)
	operator := w.open("operator")
	_, page := operator.get("/operator/system")
	wants(t, "system", page, "还没有备份", "账目平衡", "正常")
	res, page := operator.press("/operator/system", "/operator/system/backup", url.Values{"form": {"backup"}, "current_password": {"wrong"}})
	if res.StatusCode != 400 || strings.Contains(res.Header.Get("Content-Type"), "gzip") {
		t.Errorf("a wrong password: %d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	wants(t, "the refused form", page, `href="#backup-current_password"`)
	res, page = operator.press("/operator/system", "/operator/system/backup", url.Values{"form": {"backup"}, "current_password": {w.Account("operator").Password}})
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/gzip" || !strings.Contains(res.Header.Get("Content-Disposition"), `filename="souk-2`) {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	if err := markettest.WholeDump(strings.NewReader(page)); err != nil {
		t.Error(err)
	}
	_, page = operator.get("/operator/system")
	wants(t, "system", page, "运营管理员", "校验和")
	_, page = operator.get("/operator/audit?action=system.backup")
	wants(t, "the audit log", page, "keyring false")
	for login, at := range map[string]string{"finance": "/operator/system", "buyer": "/buyer"} {
		r := w.open(login)
		_, page := r.get(at)
		if res, _ := r.post("/operator/system/backup", page, url.Values{"current_password": {w.Account(login).Password}}); res.StatusCode != 403 {
			t.Errorf("%s: %d", login, res.StatusCode)
		}
	}
}
