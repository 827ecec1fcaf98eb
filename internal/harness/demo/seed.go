package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/program"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
)

// File is <data>/demo.json: what a script needs to use the demo.
type File struct {
	BaseURL  string    `json:"base_url"`
	Accounts []Account `json:"accounts"`
	Sellers  []Seller  `json:"sellers"`
}

// Account is one person who can sign in.
type Account struct {
	Role      string `json:"role"` // buyer, seller or operator
	Company   string `json:"company"`
	CompanyID string `json:"company_id"`
	Login     string `json:"login"`
	Password  string `json:"password"`
	Token     string `json:"token"` // personal access token of the management API
}

// Seller is one sandbox seller.
type Seller struct {
	ID       string            `json:"id"`
	Company  string            `json:"company"`
	Protocol string            `json:"protocol"`
	Address  string            `json:"address"` // production address; "" until its process runs
	AK       string            `json:"ak"`
	SK       string            `json:"sk"`
	Keys     map[string]string `json:"keys"`
	Serves   []string          `json:"serves,omitempty"` // ids of further sellers whose server this is, too
}

// Account finds the first account of a role.
func (f *File) Account(role string) Account {
	for _, a := range f.Accounts {
		if a.Role == role {
			return a
		}
	}
	return Account{}
}

// Seller finds the seller of a protocol.
func (f *File) Seller(protocol string) *Seller {
	for i := range f.Sellers {
		if f.Sellers[i].Protocol == protocol {
			return &f.Sellers[i]
		}
	}
	return nil
}

// Save writes the file so that nobody ever reads half of it.
func (f *File) Save(dir string) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, ".demo.json")
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, "demo.json"))
}

// Load reads the file of a data folder; nil when there is none.
func Load(dir string) (*File, error) {
	b, err := os.ReadFile(filepath.Join(dir, "demo.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f := &File{}
	return f, json.Unmarshal(b, f)
}

type person struct {
	role, login, name, email, mobile string
	roles                            []access.Role
}

type company struct {
	kind     party.Kind
	name     string
	level    string
	email    string
	mobile   string
	balance  string
	protocol catalog.Protocol
	guest    bool // its server is that of the first seller of its protocol
	people   []person
	products []demoProduct
}

type password struct{ plain, hash string }

// passwords are drawn and hashed once in the life of this process, by login: hashing is
// slow on purpose, and a test binary seeds many marketplaces.
var passwords = sync.OnceValue(func() map[string]password {
	all := map[string]password{}
	for _, c := range companies {
		for _, who := range c.people {
			plain := ident.Token("")[:16]
			all[who.login] = password{plain, people.HashPassword(plain)}
		}
	}
	return all
})

// Seed fills an empty sandbox: people, money and keys in one transaction, then the
// products, through the same wizard and review that sellers and operators use. The
// passwords and tokens it makes stand nowhere but in the file it gives.
func Seed(ctx context.Context, p *program.Program) (*File, error) {
	f := &File{}
	passwords := passwords() // before the transaction
	const notStarted = "http://127.0.0.1:9/not-started-yet"
	owners := map[string]access.Actor{}
	err := p.Kernel.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		*f = File{}
		for _, c := range companies {
			co, err := p.People.CreateCompany(ctx, tx, kernel.System, people.NewCompany{Kind: c.kind, Name: c.name, BuyerLevel: c.level, Email: c.email, Mobile: c.mobile})
			if err != nil {
				return err
			}
			var first access.Actor
			for _, who := range c.people {
				one, err := p.People.CreatePerson(ctx, tx, kernel.System, people.NewPerson{CompanyID: co.ID, Login: who.login, Name: who.name, PasswordHash: passwords[who.login].hash, Email: who.email, Mobile: who.mobile, Roles: who.roles})
				if err != nil {
					return err
				}
				actor := access.Actor{PersonID: one.ID, CompanyID: co.ID, CompanyKind: c.kind, Roles: who.roles}
				if first.Anonymous() {
					first = actor
				}
				if c.guest {
					continue // nobody signs in for it
				}
				token, err := p.People.IssueToken(ctx, tx, actor, co.ID, one.ID, "demo", 0)
				if err != nil {
					return err
				}
				f.Accounts = append(f.Accounts, Account{Role: who.role, Company: c.name, CompanyID: co.ID, Login: who.login, Password: passwords[who.login].plain, Token: token})
			}
			if c.balance != "" {
				if _, err := p.Trade.TopUp(ctx, tx, kernel.System, co.ID, c.balance, string(money.CNY)); err != nil {
					return err
				}
			}
			if c.kind != party.Seller {
				continue
			}
			owners[c.name] = first
			if c.guest {
				host := f.Seller(string(c.protocol))
				host.Serves = append(host.Serves, co.ID)
				for class, key := range host.Keys {
					if _, _, err := p.Catalogue.SetKey(ctx, tx, first, co.ID, class, key); err != nil {
						return err
					}
				}
				if err := p.Catalogue.SetAddress(ctx, tx, first, co.ID, "base", "", notStarted); err != nil {
					return err
				}
				continue
			}
			s := Seller{ID: co.ID, Company: c.name, Protocol: string(c.protocol), Keys: map[string]string{}}
			for _, class := range catalogue.Classes {
				if _, s.Keys[class], err = p.Catalogue.SetKey(ctx, tx, first, co.ID, class, ""); err != nil {
					return err
				}
			}
			if s.AK, s.SK, err = p.Catalogue.IssueAccessKey(ctx, tx, first, co.ID, "订单查询"); err != nil {
				return err
			}
			f.Sellers = append(f.Sellers, s)
			// Where the seller's process listens is known once it runs; a product needs an
			// address before it is submitted.
			if err := p.Catalogue.SetAddress(ctx, tx, first, co.ID, "base", "", notStarted); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, c := range companies {
		for _, in := range c.products {
			if err := release(ctx, p, owners[c.name], kernel.System, in); err != nil {
				return nil, fmt.Errorf("release %s: %w", in.name, err)
			}
		}
	}
	return f, nil
}

// Register makes the addresses of running sellers known to the marketplace.
func Register(ctx context.Context, p *program.Program, s *Seller, base, notify string) error {
	s.Address = base
	return p.Kernel.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		for _, id := range append([]string{s.ID}, s.Serves...) {
			if err := p.Catalogue.SetAddress(ctx, tx, kernel.System, id, "base", "", base); err != nil {
				return err
			}
			if id != s.ID {
				continue // a guest takes no order notifications: its host could not read the order with its own access key
			}
			if err := p.Catalogue.SetAddress(ctx, tx, kernel.System, id, "general", "", notify); err != nil {
				return err
			}
		}
		return nil
	})
}
