package doctor

import (
	"fmt"
	"strings"
)

// protocolTitles name the protocols on pages.
var protocolTitles = map[Protocol]Text{
	V1:      {"V1：GET，authToken", "V1: GET, authToken"},
	V2:      {"V2：POST，signature", "V2: POST, signature"},
	Notify:  {"订单通知", "Order notification"},
	Kit:     {"联营 Kit", "Joint kit"},
	License: {"授权码", "Authorisation codes"},
}

// RulesPage is docs/doctor-rules.md: every rule in Chinese and English.
func RulesPage() string {
	var b strings.Builder
	b.WriteString("# Rules of `souk doctor` / 体检规则\n\n" +
		"Made from the table in `internal/service/doctor` by `make docs`; do not edit.\n\n" +
		"A *must* decides the exit code; a *should* or *note* that does not hold is shown and forgiven. Sections are those of the\n" +
		"specification. 只有“必须”决定退出码；“应当”与“提示”不符合时只作提醒。\n\n")
	for _, p := range Protocols {
		count := map[Level]int{}
		rules := Rules(p)
		for _, r := range rules {
			count[r.Level]++
		}
		fmt.Fprintf(&b, "## %s / %s\n\n`--protocol %s`: %d must, %d should, %d note.\n\n", protocolTitles[p].EN, protocolTitles[p].ZH, p, count[Must], count[Should], count[Note])
		b.WriteString("| rule | level | section | sent → expected | 发送 → 期望 |\n| --- | --- | --- | --- | --- |\n")
		for _, r := range rules {
			v := newVerdict(r)
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.ID, r.Level, r.Section, cell(v.headline(EN)), cell(v.headline(ZH)))
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "*", "\\*").Replace(s)
}
