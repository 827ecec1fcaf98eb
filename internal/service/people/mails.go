package people

import (
	"context"
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/service/kernel"
)

// mailKind names a mail of this room.
type mailKind string

const (
	mailRegister        mailKind = "register"
	mailExists          mailKind = "exists"
	mailReset           mailKind = "reset"
	mailPasswordChanged mailKind = "password_changed"
	mailTOTPOff         mailKind = "totp_off"
	mailInvite          mailKind = "invite"
	mailInviteTaken     mailKind = "invite_taken"
	mailEmailConfirm    mailKind = "email_confirm"
	mailEmailTaken      mailKind = "email_taken"
	mailEmailAsked      mailKind = "email_asked"
	mailEmailChanged    mailKind = "email_changed"
)

// mailData is what a mail may speak of.
type mailData struct {
	Name, Company, Link string
	Address             string // the new one
	Until, At           time.Time
	Client              Client
}

type mailText struct{ subject, text string }

// mailTexts are the mails in each language: first line of a mail says what it is about, last what to do when it was
// not expected.
var mailTexts = map[string]map[mailKind]mailText{
	"zh-CN": {
		mailRegister: {"请验证您的邮箱", `{{.Name}}，您好：

您正在为“{{.Company}}”注册集市账号。请打开下面的链接，并输入注册时设置的密码完成注册：

{{.Link}}

链接在 {{time .Until}} 之前有效，只能使用一次。

如果不是您本人操作，请忽略此邮件，不会产生任何账号。`},
		mailExists: {"您已经有账号了", `{{.Name}}，您好：

有人使用此邮箱注册集市账号，但此邮箱已经有账号。请直接登录；忘记密码时可在登录页找回：

{{.Link}}

如果不是您本人操作，请忽略此邮件，您的账号没有任何变化。`},
		mailReset: {"重置密码", `{{.Name}}，您好：

请打开下面的链接设置新密码：

{{.Link}}

链接在 {{time .Until}} 之前有效，只能使用一次。{{with .Client.Address}}请求来自 {{.}}。{{end}}

如果不是您本人操作，请忽略此邮件，您的密码没有变化。`},
		mailPasswordChanged: {"密码已修改", `{{.Name}}，您好：

您的密码已于 {{time .At}} 修改{{with .Client.Address}}（来自 {{.}}）{{end}}，其他会话均已退出。

如果不是您本人操作，请立即在登录页重置密码，并检查访问令牌。`},
		mailTOTPOff: {"动态口令已关闭", `{{.Name}}，您好：

您的动态口令已于 {{time .At}} 关闭{{with .Client.Address}}（来自 {{.}}）{{end}}。

如果不是您本人操作，请立即修改密码并重新启用动态口令。`},
		mailInvite: {"邀请您加入 {{.Company}}", `您好：

“{{.Company}}”邀请您加入其集市账号。请打开下面的链接，填写姓名并设置密码：

{{.Link}}

链接在 {{time .Until}} 之前有效，只能使用一次。

如果您不认识邀请方，请忽略此邮件。`},
		mailInviteTaken: {"邀请您加入 {{.Company}}", `您好：

“{{.Company}}”邀请您加入其集市账号，但此邮箱已经有账号，而一个账号只属于一家企业。如需加入，请把另一个邮箱告诉邀请方。

如果您不认识邀请方，请忽略此邮件。`},
		mailEmailConfirm: {"请确认新邮箱", `{{.Name}}，您好：

请打开下面的链接，确认将此邮箱设为{{with .Company}}“{{.}}”的企业邮箱{{else}}您的账号邮箱{{end}}：

{{.Link}}

链接在 {{time .Until}} 之前有效，只能使用一次。

如果不是您本人操作，请忽略此邮件，不会有任何变化。`},
		mailEmailTaken: {"此邮箱已有账号", `您好：

有人想把此邮箱设为其集市账号的邮箱，但此邮箱已经有账号，因此没有任何变化。

如果不是您本人操作，请忽略此邮件。`},
		mailEmailAsked: {"有人申请更换邮箱", `{{.Name}}，您好：

{{time .At}}{{with .Client.Address}}（来自 {{.}}）{{end}} 有人申请把{{with .Company}}“{{.}}”的企业邮箱{{else}}您的账号邮箱{{end}}改为 {{.Address}}。新邮箱确认后生效，在此之前仍使用此邮箱。

如果不是您本人操作，请立即修改密码并检查登录记录。`},
		mailEmailChanged: {"邮箱已更换", `{{.Name}}，您好：

{{with .Company}}“{{.}}”的企业邮箱{{else}}您的账号邮箱{{end}}已于 {{time .At}} 改为 {{.Address}}，不再向此邮箱发送消息。

如果不是您本人操作，请立即联系平台运营方。`},
	},
	"en-US": {
		mailRegister: {"Confirm your address", `Hello {{.Name}},

you are registering "{{.Company}}" on the marketplace. Open this link and enter the password that you chose to finish:

{{.Link}}

The link is good once, until {{time .Until}}.

If this was not you, ignore this mail: no account comes into being.`},
		mailExists: {"You already have an account", `Hello {{.Name}},

somebody tried to register with this address, which has an account already. Sign in; if the password is lost, the page helps you to set a new one:

{{.Link}}

If this was not you, ignore this mail: nothing about your account has changed.`},
		mailReset: {"Set a new password", `Hello {{.Name}},

open this link to set a new password:

{{.Link}}

The link is good once, until {{time .Until}}.{{with .Client.Address}} It was asked for from {{.}}.{{end}}

If this was not you, ignore this mail: your password stays as it is.`},
		mailPasswordChanged: {"Your password was changed", `Hello {{.Name}},

your password was changed at {{time .At}}{{with .Client.Address}} from {{.}}{{end}}. All other sessions have ended.

If this was not you, set a new password from the sign-in page at once and look through your access tokens.`},
		mailTOTPOff: {"The second factor was switched off", `Hello {{.Name}},

your second factor was switched off at {{time .At}}{{with .Client.Address}} from {{.}}{{end}}.

If this was not you, change your password at once and set the second factor up again.`},
		mailInvite: {"Join {{.Company}}", `Hello,

"{{.Company}}" invites you to its account on the marketplace. Open this link to enter your name and choose a password:

{{.Link}}

The link is good once, until {{time .Until}}.

If you do not know who invites you, ignore this mail.`},
		mailInviteTaken: {"Join {{.Company}}", `Hello,

"{{.Company}}" invites you to its account on the marketplace, but this address has an account already, and an account belongs to one company. To join, give them another address.

If you do not know who invites you, ignore this mail.`},
		mailEmailConfirm: {"Confirm your new address", `Hello {{.Name}},

open this link to make this the address of {{with .Company}}{{.}}{{else}}your account{{end}}:

{{.Link}}

The link is good once, until {{time .Until}}.

If this was not you, ignore this mail: nothing changes.`},
		mailEmailTaken: {"This address has an account", `Hello,

somebody wanted to make this the address of an account on the marketplace. It has an account already, so nothing has changed.

If this was not you, ignore this mail.`},
		mailEmailAsked: {"Another address was asked for", `Hello {{.Name}},

at {{time .At}}{{with .Client.Address}} from {{.}}{{end}} it was asked to change the address of {{with .Company}}{{.}}{{else}}your account{{end}} to {{.Address}}. It counts once it is confirmed there; until then this one stays.

If this was not you, change your password at once and look through the sign-ins.`},
		mailEmailChanged: {"Your address was changed", `Hello {{.Name}},

the address of {{with .Company}}{{.}}{{else}}your account{{end}} was changed to {{.Address}} at {{time .At}}. Nothing is sent here any more.

If this was not you, tell the operators of the marketplace at once.`},
	},
}

type mailForm struct{ subject, text *template.Template }

// mailForms are the texts, read once: a mistake in one of them stops the program at its start.
var mailForms = func() map[string]map[mailKind]mailForm {
	funcs := template.FuncMap{"time": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }}
	out := map[string]map[mailKind]mailForm{}
	for lang, texts := range mailTexts {
		out[lang] = map[mailKind]mailForm{}
		for kind, m := range texts {
			name := fmt.Sprintf("%s %s", lang, kind)
			out[lang][kind] = mailForm{template.Must(template.New(name).Funcs(funcs).Parse(m.subject)), template.Must(template.New(name).Funcs(funcs).Parse(m.text))}
		}
	}
	return out
}()

// write leaves a mail in the transaction. Who has no address gets none.
func (p *People) write(ctx context.Context, tx *kernel.Tx, to, language string, kind mailKind, d mailData) error {
	if to == "" {
		return nil
	}
	if p.o.Mail == nil {
		return errNoMail
	}
	form := mailForms[cleanLanguage(language)][kind]
	var subject, text strings.Builder
	if err := form.subject.Execute(&subject, d); err != nil {
		return err
	}
	if err := form.text.Execute(&text, d); err != nil {
		return err
	}
	return p.o.Mail.Put(ctx, tx, mail.Message{To: to, Subject: subject.String(), Text: text.String()})
}
