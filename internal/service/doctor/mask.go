package doctor

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	v1 "github.com/souk-market/souk/protocol/production/v1"
	"github.com/souk-market/souk/protocol/wirejson"
)

// mask hides secrets in everything that was sent or received: the keys from the start,
// what answers bring as soon as it is read.
type mask struct {
	mu      sync.Mutex
	secrets []string
}

const masked = "***"

// add hides a secret in every spelling that a server could echo it in.
func (m *mask) add(secrets ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range secrets {
		if s == "" {
			continue
		}
		quoted, _ := json.Marshal(s)
		spelled, _ := wirejson.Text(strings.ToValidUTF8(s, ""))
		for _, form := range []string{
			s, url.QueryEscape(s), v1.Encode(s), strings.Trim(string(quoted), `"`), strings.Trim(spelled, `"`),
			base64.StdEncoding.EncodeToString([]byte(s)), hex.EncodeToString([]byte(s)),
		} {
			if !slices.Contains(m.secrets, form) {
				m.secrets = append(m.secrets, form)
			}
		}
	}
	// The longest first: a secret may be part of another.
	slices.SortStableFunc(m.secrets, func(a, b string) int { return len(b) - len(a) })
}

// text hides them.
func (m *mask) text(s string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s == "" || s == masked {
		return s
	}
	for _, secret := range m.secrets {
		s = strings.ReplaceAll(s, secret, masked)
	}
	return secretMember.ReplaceAllString(s, `${1}"`+masked+`"`)
}

// secretMember finds passwords and licences in raw JSON, however they are escaped.
var secretMember = regexp.MustCompile(`("(?:password|license)"\s*:\s*)"(?:[^"\\]|\\.)*"?`)

// credentials hides the user name and password members of an answer, sealed or not.
func (m *mask) credentials(body []byte) {
	object, err := wirejson.ParseObject(body)
	if err != nil {
		return
	}
	m.walk(object)
}

func (m *mask) walk(v wirejson.Value) {
	for _, member := range v.Members {
		if (member.Name == "password" || member.Name == "license") && member.Value.Kind == wirejson.String {
			m.add(member.Value.Text)
		}
		m.walk(member.Value)
	}
	for _, item := range v.Items {
		m.walk(item)
	}
}
