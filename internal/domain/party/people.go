package party

import (
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/ground/fault"
)

// Limits of people and of what proves them.
const (
	MaxEmail    = 64             // bytes; the address is the login of who registers
	MaxMobile   = 20             // characters
	MaxSubUsers = 50             // persons of a company beside its owners // spec: 20 A6
	VerifyLife  = 24 * time.Hour // of the link that proves an address
	ResetLife   = time.Hour      // of the link that sets a new password
	InviteLife  = 7 * 24 * time.Hour
	SessionLife = 12 * time.Hour   // of a session, whatever is done in it
	StageLife   = 10 * time.Minute // to give the second factor after the password
)

// Stages of a session. Only a session without a stage opens pages.
const (
	StageCode  = "code"  // the password was right, the second factor is asked for
	StageEnrol = "enrol" // the second factor is required and has to be set up first
)

// Session is a browser that is signed in (会话).
type Session struct {
	ID        string
	Hash      string
	PersonID  string
	CompanyID string
	Stage     string
	CreatedAt time.Time
	SeenAt    time.Time // to the minute
	ExpiresAt time.Time
	Address   string // of the client
	Agent     string // what the browser calls itself
}

// Open tells whether the session is in force: neither its life nor the idle time is over.
func (s Session) Open(now time.Time, idle time.Duration) bool {
	return now.Before(s.ExpiresAt) && now.Before(s.SeenAt.Add(idle))
}

// Outcomes of a sign-in. spec: 01 §9
const (
	SignedIn      = "ok"
	CodeAsked     = "code_asked" // the password was right, the second factor is open
	WrongPassword = "wrong_password"
	WrongCode     = "wrong_code"
	Locked        = "locked"
	Disabled      = "disabled"
)

// SignIn is one line of the sign-in history (登录记录).
type SignIn struct {
	ID       string
	PersonID string
	At       time.Time
	Address  string
	Agent    string
	Way      string // password, totp, recovery_code
	Outcome  string
}

// Registration waits for its address to be proved (注册).
type Registration struct {
	ID           string
	Kind         Kind
	Company      string
	Name         string // of the person
	Email        string
	Mobile       string
	Language     string
	PasswordHash string
	CreatedAt    time.Time
	ExpiresAt    time.Time
}

// Invitation waits for a person to join a company (邀请).
type Invitation struct {
	ID        string
	CompanyID string
	Email     string
	Roles     []string
	InvitedBy string // person
	Language  string
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Colleague is a person as the company's owner sees it (成员).
type Colleague struct {
	Person
	Roles      []string
	HasTOTP    bool
	LastSignIn time.Time
}

// CleanEmail is the form in which addresses are compared: lower case, no blanks around.
func CleanEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// CheckEmail refuses what is not one plain address.
func CheckEmail(field, email string, into fault.Fields) {
	a, err := mail.ParseAddress(email)
	switch {
	case email == "":
		into.Add(field, "must not be empty")
	case !utf8.ValidString(email):
		into.Add(field, "is not valid UTF-8")
	case len(email) > MaxEmail:
		into.Add(field, "has more than %d bytes", MaxEmail)
	case err != nil || a.Address != email || a.Name != "" || strings.ContainsFunc(email, func(r rune) bool { return r <= ' ' || r > '~' }):
		into.Add(field, "must be an address such as li@example.com")
	}
}

// CheckMobile refuses what is not a telephone number; none is fine.
func CheckMobile(field, mobile string, into fault.Fields) {
	digits := strings.TrimPrefix(mobile, "+")
	if mobile != "" && (len(mobile) > MaxMobile || len(digits) < 5 || strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' })) {
		into.Add(field, "must be digits such as 13800138000, with + before a country code")
	}
}
