package doctor

// aspects are the rules about every answer to a genuine call.
func aspects(p Protocol) []Rule {
	id := func(name string) string { return string(p) + ".answer." + name }
	every := Text{"所有正常调用", "every genuine call"}
	rule := func(level Level, name, v1Section, v2Section, zh, en string) Rule {
		r := Rule{ID: id(name), Level: level, Section: v2Section, Sent: every, Expected: Text{zh, en}, aspect: true}
		if p == V1 {
			r.Section = v1Section
		}
		return r
	}
	limit := Text{"5", "5"}
	if p == V1 || p == Kit { // spec: 13 §1
		limit = Text{"20", "20"}
	}
	all := []Rule{
		rule(Must, "connect", "10 §8.3", "11 §1", "每次调用都能建立连接，并得到一个 HTTP/1.1 应答；TLS 证书有效", "every call gets a connection and one HTTP/1.1 answer; the TLS certificate is valid"),
		rule(Must, "in-time", "10 §1.1", "11 §1", "含建立连接在内，"+limit.ZH+" 秒内完整应答", "a complete answer comes within "+limit.EN+" s, connecting included"),
		rule(Should, "half-time", "10 §1.1", "11 §1", "应答用时不超过时限的一半，为繁忙时段留有余地", "an answer takes at most half of the time limit, so that busy hours have room"),
		rule(Must, "status", "10 §1.1", "02 §2.10", "HTTP 状态码为 200，失败的业务结果用 resultCode 表示", "the HTTP status is 200; failures are told by resultCode"),
		rule(Must, "redirect", "10 §1.1", "02 §2.10", "不返回 3xx 重定向", "no 3xx: redirects are not followed"),
		rule(Must, "size", "10 §2.4", "11 §4.2", "应答不超过 900 KB", "the answer is at most 900 KB long"),
	}
	if p == V1 {
		all = append(all,
			rule(Must, "content-type", "10 §1.1, 02 §1.10", "", "Content-Type 为 application/json（可带 charset）", "the content type is application/json (a charset may follow)"),
			rule(Must, "sign-present", "10 §6.2", "", "应答带有 Body-Sign 头，失败的应答也一样", "the answer has a Body-Sign header, failures included"),
			rule(Must, "sign-form", "10 §6.2, 10 §7.5", "", `Body-Sign 写作 sign_type="HMAC-SHA256", signature="…"，含引号；头名称不分大小写`, `the Body-Sign reads sign_type="HMAC-SHA256", signature="…", quotes included; the header's name has no case`),
			rule(Must, "sign-one", "02 §1.12", "", "有多个 Body-Sign 头时内容必须相同", "several Body-Sign headers say the same"),
			rule(Must, "sign-value", "10 §6.2", "", "签名是仅以 accessKey 为密钥、对应答原始字节的 HMAC-SHA256", "the signature is the HMAC-SHA256 of the answer's exact bytes under the accessKey alone"),
		)
	} else if p == Kit {
		all = append(all,
			rule(Must, "content-type", "", "13 §1.3, 13 §3.5", "Content-Type 为 application/json", "the content type is application/json"),
			rule(Must, "sign-form", "", "13 §1.3, 10 §6.2", `若有 Body-Sign，写作 sign_type="HMAC-SHA256", signature="…"，含引号`, `a Body-Sign, if there is one, reads sign_type="HMAC-SHA256", signature="…", quotes included`),
			rule(Must, "sign-one", "", "13 §1.3, 02 §1.12", "有多个 Body-Sign 头时内容必须相同", "several Body-Sign headers say the same"),
			rule(Must, "sign-value", "", "13 §1.3, 13 §3.4", "若有 Body-Sign，签名是仅以密钥、对应答原始字节的 HMAC-SHA256", "a Body-Sign, if there is one, is the HMAC-SHA256 of the answer's exact bytes under the key alone"),
		)
	} else {
		all = append(all,
			rule(Should, "content-type", "", "11 §1", "Content-Type 为 application/json", "the content type is application/json"),
			rule(Note, "body-sign", "", "11 §1", "V2 不要求应答签名；若带有 Body-Sign，则应当正确", "V2 answers need no signature; a Body-Sign that is there should be right"),
		)
	}
	all = append(all,
		rule(Must, "utf8", "10 §1.1", "11 §1", "应答是 UTF-8，且不带 BOM", "the answer is UTF-8 without byte order mark"),
		rule(Must, "json", "10 §8.3", "02 §2.10", "应答是一个 JSON 对象，前后没有多余内容（空白除外）", "the answer is one JSON object with nothing but blanks around it"),
		rule(Must, "names", "10 §1.1", "11 §1", "同一对象内成员名不重复", "no member name occurs twice in one object"),
		rule(Must, "result-code", "10 §1.1, 02 §1.11", "02 §2.10", "应答含 resultCode（字符串或数字）", "the answer has a resultCode, as text or number"),
		rule(Must, "types", "10 §2.4", "11 §4", "各字段的类型与接口表一致", "the fields have the types of the interface tables"),
		rule(Must, "lengths", "10 §2.4, 10 §8.3", "11 §4", "各字段不超过规定长度（instanceId 64，resultMsg 255，地址 512，memo 1024）", "the fields are within their lengths (instanceId 64, resultMsg 255, addresses 512, memo 1024)"),
	)
	if p == V1 || p == V2 {
		all = append(all, rule(Should, "credential-length", "10 §2.4", "11 §4.2", "userName、password 按传输形式不超过 128 个字符，否则买家看不到", "userName and password are at most 128 characters as sent, or the buyer sees nothing"))
	}
	for i, r := range all {
		if other, ok := kitSections[r.Section]; ok && p == Kit {
			all[i].Section = other
		}
	}
	return all
}

// kitSections are where the kit's chapter says what the others say elsewhere.
var kitSections = map[string]string{"11 §1": "13 §1", "02 §2.10": "13 §1.3", "11 §4.2": "13 §1.3", "11 §4": "13 §1.3"}
