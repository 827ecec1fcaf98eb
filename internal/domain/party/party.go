// Package party holds who takes part: companies (企业) of three kinds, the persons
// who act for them, and what proves who they are.
//
// Vocabulary: company (企业: buyer 买家, seller 商家, operator 运营), person (人员),
// member (成员: a person with roles in a company), access token (访问令牌).
// Chapters: 01 §9, 20 A. It must not know passwords' algorithms, SQL or HTTP.
package party

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/ground/fault"
)

// Kind is what a company does in the marketplace.
type Kind string

// The kinds of company.
const (
	Buyer    Kind = "buyer"
	Seller   Kind = "seller"
	Operator Kind = "operator"
)

// Company is a tenant.
type Company struct {
	ID          string
	Kind        Kind
	Name        string
	BuyerLevel  string // names the row of grace and retention; "" is the default level // spec: 01 §3
	RetryPolicy string // sellers: koogallery, standard or patient; "" is the installation's default // spec: 01 §2.1
	Email       string // bound to the account: who has set no receiver is told here // spec: 20 A7
	Mobile      string
	CreatedAt   time.Time

	EmailVerifiedAt, MobileVerifiedAt time.Time // zero: nobody proved it, and nothing is sent there
}

// Person can sign in.
type Person struct {
	ID           string
	Login        string
	Name         string
	Email        string
	Mobile       string
	PasswordHash string
	Language     string    // of mails to this person: zh-CN or en-US
	VerifiedAt   time.Time // when the address was proved; zero: never
	DisabledAt   time.Time // zero: may sign in
	CreatedAt    time.Time

	MobileVerifiedAt time.Time // when the number was proved; zero: never
	Limited          bool      // sees the products given to it alone // spec: 20 A6
}

// Member ties a person to a company with roles. // spec: 01 §9
type Member struct {
	CompanyID string
	PersonID  string
	Roles     []string
}

// Token is a personal access token of the management API. Only its hash is kept.
type Token struct {
	ID        string
	PersonID  string
	CompanyID string
	Name      string
	Hash      string
	CreatedAt time.Time
	Scope     []string  // actions it is narrowed to; empty: all that the person may
	ExpiresAt time.Time // zero: no end
	RevokedAt time.Time
	UsedAt    time.Time // to the minute; zero: never
}

// Usable tells whether the token is in force at the instant.
func (t Token) Usable(now time.Time) bool {
	return t.RevokedAt.IsZero() && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt))
}

// Limits of names and logins, in characters.
const (
	MaxName     = 64
	MaxLogin    = 64
	MinPassword = 10
	MaxPassword = 128
)

// CheckName refuses names that are empty, too long, or hold what must not reach
// a seller's signature check: U+2028, U+2029 and control characters. // spec: 02 §2.2
func CheckName(field, name string, into fault.Fields) {
	switch {
	case !utf8.ValidString(name):
		into.Add(field, "is not valid UTF-8")
	case strings.TrimSpace(name) == "":
		into.Add(field, "must not be empty")
	case utf8.RuneCountInString(name) > MaxName:
		into.Add(field, "has more than %d characters", MaxName)
	case strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f || r == 0x2028 || r == 0x2029 }):
		into.Add(field, "must not hold control characters or line separators")
	}
}
