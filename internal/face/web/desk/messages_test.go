package desk

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/notice"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/web/locale"
	"github.com/souk-market/souk/internal/service/messages"
)

// Every kind of notice has its words, the name by which it is chosen, and a tone; and what has a tone is in the table.
func TestEveryKindOfNoticeHasWords(t *testing.T) {
	known := map[string]bool{}
	for _, k := range notice.Table {
		known[k.Name] = true
		for _, id := range []string{"notice." + k.Name, "field.notice." + k.Name} {
			if !locale.Has(id) {
				t.Errorf("no text %s", id)
			}
		}
		if _, ok := noticeTones[k.Name]; !ok {
			t.Errorf("%s has no tone", k.Name)
		}
	}
	for name := range noticeTones {
		if !known[name] {
			t.Errorf("%s is in no row of the table: it can neither go out nor be chosen", name)
		}
	}
}

// Mails and SMS say what the page says, in the receiver's language, and lead to the page.
func TestLetters(t *testing.T) {
	write := Letters("https://souk.example", time.FixedZone("", 8*3600))
	l := messages.Letter{Audience: party.Seller, Company: "云帆软件", Params: map[string]string{"product": "云帆协同", "amount": "1234.00", "currency": "CNY", "reason": "HTTP 500"}}
	l.Notice.Kind, l.Notice.OrderID = "order.failed", "CS1"
	zh := write("zh-CN", l)
	if !strings.Contains(zh.Mail, "¥1,234.00") || !strings.Contains(zh.Mail, "https://souk.example/seller/orders/CS1") || !strings.Contains(zh.Mail, "“云帆软件”的消息接收地址") || !strings.HasPrefix(zh.SMS, "【集市】") || !strings.HasPrefix(zh.Subject, "[集市] ") {
		t.Errorf("%+v", zh)
	}
	l.Member = true
	en := write("en-US", l)
	if !strings.Contains(en.Mail, "refunded: HTTP 500") || !strings.Contains(en.Mail, "https://souk.example/seller/messages/choice") || !strings.HasPrefix(en.SMS, "[Souk] ") {
		t.Errorf("%+v", en)
	}
	if other := write("", l); !strings.HasPrefix(other.Subject, "[集市]") {
		t.Errorf("nobody said a language: %q", other.Subject)
	}
	l.Params["reason"] = strings.Repeat("长", 5000)
	if long := write("zh-CN", l); len([]rune(long.Subject)) > 120 || len([]rune(long.SMS)) > 300 {
		t.Errorf("as long as a seller makes it: %d %d", len(long.Subject), len(long.SMS))
	}
}
