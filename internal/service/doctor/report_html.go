package doctor

import (
	"bytes"
	_ "embed"
	"html/template"
	"slices"
	"strings"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"pair": func(v verdictView, w map[string]string) entry { return entry{v, w, false} },
	"open": func(v verdictView, w map[string]string) entry { return entry{v, w, v.Class == "fail"} },
}).Parse(pageText))

// entry is a verdict with the words around it.
type entry struct {
	V    verdictView
	W    map[string]string
	Open bool
}

const (
	dataHead = "<script type=\"application/json\" id=\"souk-doctor-report\">"
	dataTail = "</script>\n</body>\n</html>\n"
)

// HTML writes the report as one page that needs nothing else: a seller attaches it to a
// release request. The report itself is embedded, so that the page can be verified.
func (r *Report) HTML() ([]byte, error) {
	var b bytes.Buffer
	if err := page.Execute(&b, r.view()); err != nil {
		return nil, err
	}
	data, err := r.document() // json.Marshal escapes <, > and &: the script cannot end early
	if err != nil {
		return nil, err
	}
	b.WriteString(dataHead)
	b.Write(data)
	b.WriteString(dataTail)
	return b.Bytes(), nil
}

// embedded finds the report inside a page.
func embedded(file []byte) ([]byte, bool) {
	_, rest, found := bytes.Cut(file, []byte(dataHead))
	data, _, ended := bytes.Cut(rest, []byte("</script>"))
	return data, found && ended
}

// view is what the page shows, in the report's language.
type view struct {
	Lang, Title, Protocol, Address, Started, Took, Outcome, OutcomeText string
	Real                                                                string
	Calls                                                               int
	Word                                                                map[string]string
	Sums                                                                []sumView
	Groups                                                              []groupView
	Broken                                                              []verdictView
	Signed, Fingerprint                                                 string
}

type sumView struct {
	Level, Word             string
	Passed, Failed, Skipped int
	All                     int
	Bars                    []barView
}

// barView is a part of a bar, in percent.
type barView struct {
	Class       string
	From, Width int
}

type groupView struct {
	Title    string
	Passed   int
	All      int
	Verdicts []verdictView
}

type verdictView struct {
	Verdict
	Sign, Class, LevelWord, StateWord string
	Headline, CameText                string
	Calls                             []Exchange
}

var pageWords = map[string]Text{
	"title":     {"商家接口体检报告", "Doctor's report on a seller's server"},
	"protocol":  {"协议", "Protocol"},
	"address":   {"地址", "Address"},
	"started":   {"时间", "Time"},
	"took":      {"用时", "Duration"},
	"calls":     {"调用次数", "Calls"},
	"kind":      {"调用类型", "Kind of calls"},
	"real":      {"真实调用（无 testFlag）", "real (without testFlag)"},
	"debug":     {"调试调用（testFlag=1）", "debugging (testFlag=1)"},
	"mend":      {"需要处理", "To be mended"},
	"rules":     {"全部规则", "All rules"},
	"came":      {"结果", "Result"},
	"section":   {"出处", "Section"},
	"exchange":  {"调用与应答", "Call and answer"},
	"request":   {"请求", "Request"},
	"answer":    {"应答", "Answer"},
	"nothing":   {"没有应答", "no answer"},
	"signature": {"签名", "Signature"},
	"signed":    {"已签名（Ed25519），公钥指纹", "signed (Ed25519), fingerprint of the public key"},
	"unsigned":  {"未签名", "not signed"},
	"verify":    {"用 souk doctor verify 核对本页；密钥与口令已隐去。", "Check this page with souk doctor verify. Keys and passwords are masked."},
	"ok":        {"符合", "ok"},
	"broken":    {"不符合", "broken"},
	"skipped":   {"未判断", "skipped"},
	"none":      {"没有需要处理的问题。", "There is nothing to mend."},
}

// groupTitles are by the second part of a rule's id.
var groupTitles = map[string]Text{
	"answer": {"每一个应答", "Every answer"}, "new": {"新购", "Creation"}, "repeat": {"重复与幂等", "Repetitions"},
	"values": {"参数取值", "Values"}, "refresh": {"续费与更新", "Renewal"}, "upgrade": {"升级", "Upgrade"},
	"expire": {"过期", "Expiry"}, "query": {"查询实例", "Query"}, "status": {"状态变更", "Status"}, "release": {"释放", "Release"},
	"order": {"次序", "Order of calls"}, "bad": {"错误的调用", "Bad calls"}, "orders": {"查询订单", "Order query"}, "check": {"续费变更校验", "Check of a change"},
	"lost": {"重复与幂等", "Repetitions"}, "tenant": {"企业同步", "Tenants"}, "application": {"应用同步", "Applications"},
	"auth": {"用户授权同步", "Authorisations"}, "org": {"部门同步", "Departments"}, "life": {"生命周期", "Life"}, "event": {"异步申请", "Asynchronous licences"},
}

func groupOf(r string) string {
	parts := strings.Split(r, ".")
	return parts[1]
}

func (r *Report) view() view {
	l := r.Lang
	v := view{
		Lang: map[Lang]string{ZH: "zh-CN", EN: "en"}[l], Title: pageWords["title"].In(l), Protocol: string(r.Protocol), Address: r.Address,
		Started: r.Started.UTC().Format("2006-01-02 15:04:05") + " UTC", Took: sayf("%.1f 秒", "%.1f s", float64(r.Millis)/1000).In(l),
		Outcome: string(r.Outcome), OutcomeText: r.Outcome.Text().In(l), Calls: r.Calls, Word: map[string]string{}, Signed: pageWords["unsigned"].In(l),
	}
	for name, t := range pageWords {
		v.Word[name] = t.In(l)
	}
	if v.Real = v.Word["debug"]; r.Real {
		v.Real = v.Word["real"]
	}
	if r.signature != nil {
		v.Signed, v.Fingerprint = v.Word["signed"], r.signature.Fingerprint()
	}
	for _, level := range []Level{Must, Should, Note} {
		s := r.Sums[level]
		one := sumView{Level: string(level), Word: levelWords[level].In(l), Passed: s.Passed, Failed: s.Failed, Skipped: s.Skipped, All: s.Passed + s.Failed + s.Skipped}
		from := 0
		for _, part := range []struct {
			class string
			n     int
		}{{"p", s.Passed}, {"f", s.Failed}} {
			if part.n > 0 {
				width := max(1, part.n*100/one.All)
				one.Bars = append(one.Bars, barView{part.class, from, width})
				from += width
			}
		}
		v.Sums = append(v.Sums, one)
	}
	at := map[string]int{}
	for _, verdict := range r.Verdicts {
		one := verdictView{Verdict: verdict, LevelWord: levelWords[verdict.Level].In(l), StateWord: stateWords[verdict.State].In(l),
			CameText: verdict.Came.In(l), Calls: verdict.Exchanges}
		one.Sign, _ = mark(verdict)
		one.Headline = verdict.headline(l)
		one.Class = string(verdict.State)
		if verdict.State == Fail && verdict.Level != Must {
			one.Class = "warn"
		}
		if verdict.State == Fail {
			v.Broken = append(v.Broken, one)
		}
		title := groupTitles[groupOf(verdict.Rule)].In(l)
		if title == "" {
			title = groupOf(verdict.Rule)
		}
		i, known := at[title]
		if !known {
			i = len(v.Groups)
			at[title] = i
			v.Groups = append(v.Groups, groupView{Title: title})
		}
		g := &v.Groups[i]
		g.Verdicts = append(g.Verdicts, one)
		if g.All++; verdict.State == Pass {
			g.Passed++
		}
	}
	slices.SortStableFunc(v.Broken, func(a, b verdictView) int { return a.Level.rank() - b.Level.rank() })
	return v
}
