package doctor

import (
	"crypto/rand"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/souk-market/souk/protocol/production"
	"github.com/souk-market/souk/protocol/sealed"
)

// afterBreak gives the server time to end what it was doing when we broke off: three
// times what the first call took, within half a minute.
func (p *player) afterBreak() {
	pause := 300 * time.Millisecond
	p.mu.Lock()
	if len(p.created) > 0 {
		pause = min(max(pause, 3*time.Duration(p.created[0].Millis)*time.Millisecond), 30*time.Second)
	}
	p.mu.Unlock()
	p.waitExactly(pause)
}

// mode is the billing mode that is played where any will do.
func (p *player) mode() Mode {
	if len(p.o.Modes) > 0 {
		return p.o.Modes[0]
	}
	return Period
}

// haveIDs expects an instanceId in every success so far.
func (p *player) haveIDs() *problem {
	judged := false
	for _, x := range p.created {
		if !x.succeeded() {
			continue
		}
		judged = true
		if x.verdict.InstanceID == "" {
			by := p.noID(x)
			if by != string(p.o.Protocol)+".new.instance-id" {
				panic(blocked{by: by, reply: x})
			}
			return broken("成功的应答没有 instanceId", "a success without instanceId", x)
		}
	}
	if !judged {
		panic(blocked{by: p.firstFailed()})
	}
	return nil
}

// firstFailed names the creation that failed first.
func (p *player) firstFailed() string {
	for _, r := range p.rules {
		if !r.aspect && (p.state[r.ID] == Fail || p.verdicts[r.ID].By != "") {
			if by := p.verdicts[r.ID].By; by != "" {
				return by
			}
			return r.ID
		}
	}
	return p.aspectID("connect")
}

// credentials expects what was sealed to open.
func (p *player) credentials() *problem {
	for _, x := range p.created {
		for _, w := range x.verdict.Warnings {
			if strings.HasPrefix(w, production.WarnUndecryptable) || strings.HasPrefix(w, production.WarnEncryptType) {
				_, field, _ := strings.Cut(w, ":")
				return broken(field+" 无法解密", field+" cannot be decrypted", x)
			}
		}
	}
	return nil
}

// differ expects two instances.
func (p *player) differ(a, b instance) *problem {
	if a.id == b.id {
		return broken("两次都得到同一个 instanceId", "both got the same instanceId", p.recentReplies(2)...)
	}
	return nil
}

// same expects success with the id of an instance.
func (p *player) same(first instance, x *reply) *problem {
	if bad := x.done(); bad != nil {
		return bad
	}
	if x.verdict.InstanceID != first.id {
		return broken("重复的订单得到了另一个 instanceId", "the repeated order got another instanceId", p.recentReplies(2)...)
	}
	return nil
}

// oneInstance expects success at last and one id among all successes.
func (p *player) oneInstance(all []*reply) *problem {
	last := all[len(all)-1]
	if bad := last.done(); bad != nil {
		return bad
	}
	for _, x := range all {
		if x.succeeded() && x.verdict.InstanceID != last.verdict.InstanceID {
			return broken("同一订单得到了不同的 instanceId", "one order got different instanceIds", x, last)
		}
	}
	return nil
}

// atOnce makes n calls at the same time.
func (p *player) atOnce(n int, call func() *reply) []*reply {
	all, thrown := make([]*reply, n), make([]any, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			defer func() { thrown[i] = recover() }()
			all[i] = call()
		})
	}
	wait.Wait()
	for _, t := range thrown {
		if t != nil {
			panic(t)
		}
	}
	for _, x := range all {
		p.alive(x)
	}
	return all
}

func (p *player) recentReplies(n int) []*reply {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.recent[max(0, len(p.recent)-n):])
}

// restart restarts the seller's server and waits until it answers again.
func (p *player) restart() *problem {
	if err := p.o.Restart(p.ctx); err != nil {
		why := p.mask.text(err.Error())
		panic(unjudged{Text{"重启命令失败：" + why, "the command to restart failed: " + why}, true})
	}
	for end := time.Now().Add(p.scaled(30 * time.Second)); ; p.wait(200 * time.Millisecond) {
		if a := p.knock(); a.Status != 0 {
			return nil
		}
		if time.Now().After(end) {
			return broken("重启后 30 秒内没有应答", "no answer within 30 s of the restart")
		}
	}
}

// entry finds the entry of an instance in a queryInstance answer.
func (p *player) entry(x *reply, id string) *production.InstanceInfo {
	for i := range x.verdict.Info {
		if x.verdict.Info[i].InstanceID == id {
			return &x.verdict.Info[i]
		}
	}
	return nil
}

func (p *player) both(x *reply, a, b instance) *problem {
	if bad := x.done(); bad != nil {
		return bad
	}
	if p.entry(x, a.id) == nil || p.entry(x, b.id) == nil {
		return broken("info 中少了一项", "info lacks an entry", x)
	}
	return nil
}

// usageWhole expects whole usage entries.
func usageWhole(x *reply) *problem {
	for _, w := range x.verdict.Warnings {
		if kind, field, _ := strings.Cut(w, ":"); kind == production.WarnMissingField && (field == "usageValue" || field == "statisticalTime") {
			return broken("usageInfo 中没有 "+field, "usageInfo lacks "+field, x)
		}
	}
	return nil
}

// seal encrypts a value, with or without "+" in what is sent.
func (p *player) seal(text string, plus bool) string {
	for range 2000 {
		wire, err := sealed.Seal(p.o.Key, sealed.AES256, text, rand.Reader)
		if err != nil {
			panic(err) // no randomness
		}
		if strings.Contains(wire, "+") == plus {
			return wire
		}
	}
	return ""
}

// fill makes a value of 64 characters.
func fill(text string) string {
	return text + strings.Repeat("x", 64-len([]rune(text)))
}

func unescape(s string) (string, error) { return url.QueryUnescape(s) }

// unknownInstance expects the code for an instance that is not there; interfaces are
// debugged in any order, so that a debugging call may succeed. // spec: 10 §8.1
func (p *player) unknownInstance(x *reply) *problem {
	if x.verdict.ResultCode == "000003" || !p.o.Real && x.succeeded() {
		return nil
	}
	return broken("应答是 "+x.code(), "the answer is "+x.code(), x)
}

// metered is the billing mode of instances that are frozen by status and queried.
func (p *player) metered() Mode {
	if p.o.Modes == nil || slices.Contains(p.o.Modes, PerUse) {
		return PerUse
	}
	return Package
}
