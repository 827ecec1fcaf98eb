// Package catalogue is the use cases of what is sold: products (商品) with their
// specifications' SKUs (规格) and offers, and how a seller's server is reached:
// production addresses (生产地址) and interconnection keys (对接密钥).
//
// Chapters: 20 B, 01 §2.4, §2.10, §7. It must not know HTTP or the wire.
package catalogue

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/engine/blob"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Catalogue is the use cases.
type Catalogue struct {
	k             *kernel.Kernel
	blobs         *blob.Dir
	operatorNames []string // must not stand in names // spec: 20 B2
	gate          Gate     // nil asks for no saved cases
}

// New makes them; files are kept in blobs.
func New(k *kernel.Kernel, blobs *blob.Dir, operatorNames ...string) *Catalogue {
	return &Catalogue{k: k, blobs: blobs, operatorNames: operatorNames}
}

// Limits of a product. // spec: 20 B2, B3
const (
	maxSummary = 500
	maxSKUs    = 50
	maxOffers  = 12
	keyOverlap = 7 * 24 * time.Hour // an old key is accepted this long beside the new one // spec: 10 §6.0
	maxKey     = 128
	maxReason  = 500
)

// NewProduct is the input of Create.
type NewProduct struct {
	Name     string
	Summary  string
	Protocol catalog.Protocol
	Settings catalog.Settings
	SKUs     []NewSKU
}

// NewSKU is one SKU of a NewProduct.
type NewSKU struct {
	Name       string
	Attributes map[string]string
	Quantity   *catalog.QuantityRule
	Offers     []NewOffer
}

// NewOffer is one term of a NewSKU.
type NewOffer struct {
	PeriodType catalog.PeriodType
	Price      string
	Bands      pricing.Bands
	Currency   money.Currency
}

func (in *NewProduct) check() error {
	f := fault.Fields{}
	party.CheckName("name", in.Name, f)
	if len([]rune(in.Summary)) > maxSummary {
		f.Add("summary", "has more than %d characters", maxSummary)
	}
	if in.Protocol != catalog.V1 && in.Protocol != catalog.V2 {
		f.Add("protocol", "must be v1 or v2")
	}
	if n := len(in.SKUs); n < 1 || n > maxSKUs {
		f.Add("skus", "must be 1 to %d", maxSKUs)
	}
	checkSettings(&in.Settings, nil, f) // a limit of chosen specifications comes after their codes are drawn
	for i, s := range in.SKUs {
		at := fmt.Sprintf("skus[%d].", i)
		party.CheckName(at+"name", s.Name, f)
		if q := s.Quantity; q != nil && (q.Min < 1 || q.Max < q.Min || q.Max > catalog.MaxQuantity || q.Step < 0) {
			f.Add(at+"quantity", "min must be at least 1, max at least min and at most %d", catalog.MaxQuantity)
		} else if q != nil && !q.Pricing.Known() {
			f.Add(at+"quantity.pricing", "must be graduated, volume, or left out")
		}
		if n := len(s.Offers); n < 1 || n > maxOffers {
			f.Add(at+"offers", "must be 1 to %d", maxOffers)
		}
		seen := map[string]bool{}
		for j, o := range s.Offers {
			at := fmt.Sprintf("%soffers[%d].", at, j)
			if o.PeriodType != catalog.Month && o.PeriodType != catalog.Year && o.PeriodType != catalog.OneTime {
				f.Add(at+"period_type", "must be month, year or one_time")
			}
			if _, err := pricing.ParseUnit(o.Price); err != nil {
				f.Add(at+"price", "%s", err)
			}
			banded := s.Quantity != nil && s.Quantity.Pricing != pricing.Linear
			if banded != (len(o.Bands) > 0) {
				f.Add(at+"bands", "go with quantity.pricing graduated or volume, and only with it")
			} else if banded {
				if err := o.Bands.Check(s.Quantity.Min, s.Quantity.Max); err != nil {
					f.Add(at+"bands", "%s", err)
				}
			}
			if !o.Currency.Known() {
				f.Add(at+"currency", "must be CNY, USD or EUR")
			}
			if k := string(o.PeriodType) + string(o.Currency); seen[k] {
				f.Add(at+"period_type", "stands twice for one currency")
			} else {
				seen[k] = true
			}
		}
	}
	return f.Err()
}

// Create adds a product in state DRAFT.
func (c *Catalogue) Create(ctx context.Context, tx *kernel.Tx, a access.Actor, in NewProduct) (Listing, error) {
	if err := kernel.May(a, access.ProductCreate); err != nil {
		return Listing{}, err
	}
	if err := in.check(); err != nil {
		return Listing{}, err
	}
	now := c.k.Clock.Now()
	p := catalog.Product{ID: c.k.Row(), SellerID: a.CompanyID, Name: in.Name, Summary: in.Summary, Protocol: in.Protocol, State: catalog.Draft, Settings: in.Settings, CreatedAt: now, UpdatedAt: now}
	if err := store.InsertProduct(ctx, tx, p); err != nil {
		return Listing{}, err
	}
	if err := c.keep(ctx, tx, a, p.ID); err != nil {
		return Listing{}, err
	}
	for i, s := range in.SKUs {
		sku := catalog.SKU{Code: ident.UUID(), ProductID: p.ID, Name: s.Name, Attributes: catalog.Attributes{Fixed: s.Attributes, Quantity: s.Quantity}, Position: i}
		if err := store.InsertSKU(ctx, tx, sku); err != nil {
			return Listing{}, err
		}
		for _, o := range s.Offers {
			if err := store.InsertOffer(ctx, tx, catalog.Offer{ID: ident.Product(), SKUCode: sku.Code, PeriodType: o.PeriodType, Price: o.Price, Bands: o.Bands, Currency: o.Currency}); err != nil {
				return Listing{}, err
			}
		}
	}
	if err := c.k.Audit(ctx, tx, a, access.ProductCreate, p.ID, p.Name); err != nil {
		return Listing{}, err
	}
	return load(ctx, tx, p)
}

// The classes of interfaces, each with its own key and address. // spec: 01 §2.4
var Classes = []string{"base", "kit", "license", "general"}

func knownClass(class string) bool {
	for _, c := range Classes {
		if c == class {
			return true
		}
	}
	return false
}

// Own reads one of the seller's own products, as its console shows it.
func (c *Catalogue) Own(ctx context.Context, a access.Actor, id string) (l Listing, err error) {
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		p, err := c.own(ctx, tx, a, id)
		if err == nil {
			l, err = load(ctx, tx, p)
		}
		return err
	})
	return l, err
}

// wholeSeller is ownSeller for what is about all products: keys and schedules are none of a limited sub-user's.
func wholeSeller(ctx context.Context, tx *kernel.Tx, a access.Actor, seller string) error {
	if err := ownSeller(ctx, tx, a, seller); err != nil {
		return err
	}
	return kernel.Unlimited(a)
}

// ownSeller checks that the seller of the path is the actor's (or any, for the system).
func ownSeller(ctx context.Context, tx *kernel.Tx, a access.Actor, seller string) error {
	if !a.IsOperator() && a.CompanyID != seller {
		return fault.Unknown("seller")
	}
	c, err := store.Company(ctx, tx, seller)
	if err == nil && c.Kind != party.Seller {
		err = store.ErrNoRow
	}
	return kernel.Missing(err, "seller")
}

// SetAddress binds the address of a class. Who may be reached at all is decided
// when connecting; here the form is. // spec: 01 §2.10, 02 §2.4
func (c *Catalogue) SetAddress(ctx context.Context, tx *kernel.Tx, a access.Actor, seller, class, product, address string) error {
	if err := kernel.May(a, access.SellerAddress); err != nil {
		return err
	}
	if err := ownSeller(ctx, tx, a, seller); err != nil {
		return err
	}
	if class == "" {
		class = "base"
	}
	f := fault.Fields{}
	if !knownClass(class) {
		f.Add("class", "must be base, kit, license or general")
	}
	u, err := url.Parse(address)
	switch {
	case address == "":
		f.Add("address", "must be the address of your server, such as https://www.example.com/produce")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		f.Add("address", "%q is not an http or https address", address)
	case len(address) > 512:
		f.Add("address", "is longer than 512 characters")
	case u.User != nil:
		f.Add("address", "must not hold a user name or password")
	case strings.Contains(address, "#"):
		f.Add("address", "must not hold a fragment")
	case !c.k.Sandbox && u.Scheme == "http" && !(c.k.AllowHTTP && class == "base"):
		f.Add("address", "must begin with https:// in production mode")
	case !c.k.Sandbox && !strings.Contains(u.Hostname(), "."), !c.k.Sandbox && looksLikeIP(u.Hostname()):
		f.Add("address", "must name a domain, not a number, in production mode")
	default:
		for name := range u.Query() {
			switch name {
			case "signature", "timestamp", "nonce", "authToken", "timeStamp", "activity":
				f.Add("address", "must not hold the parameter %s, which the call itself adds", name)
			}
		}
	}
	if err := f.Err(); err != nil {
		return err
	}
	if product != "" {
		scope := kernel.Scope(a)
		if a.IsOperator() {
			scope = store.Scope{Kind: party.Seller, CompanyID: seller}
		}
		if _, err := store.OwnProduct(ctx, tx, scope, product); err != nil {
			return kernel.Missing(err, "product")
		}
	} else if err := kernel.Unlimited(a); err != nil {
		return err
	}
	proved := c.k.Sandbox
	if !proved {
		var err error
		if proved, err = store.OnProvedDomain(ctx, tx, seller, u.Hostname()); err != nil {
			return err
		}
	}
	if err := store.SetAddress(ctx, tx, seller, class, product, address, proved, c.k.Clock.Now()); err != nil {
		return err
	}
	return c.k.Audit(ctx, tx, a, access.SellerAddress, seller, class+" "+address)
}

func looksLikeIP(host string) bool {
	return strings.Contains(host, ":") || strings.Trim(host, "0123456789.") == ""
}

// SetKey stores a new version of the key of a class; "" draws one. It is sealed at
// rest; the old one is accepted in answers for seven more days. // spec: 10 §6.0, 01 §2.4
func (c *Catalogue) SetKey(ctx context.Context, tx *kernel.Tx, a access.Actor, seller, class, key string) (version int, shown string, err error) {
	if err := kernel.May(a, access.SellerKeys); err != nil {
		return 0, "", err
	}
	if err := wholeSeller(ctx, tx, a, seller); err != nil {
		return 0, "", err
	}
	if !knownClass(class) {
		return 0, "", fault.Field("class", "must be base, kit, license or general")
	}
	if key == "" {
		key = ident.UUID()
	}
	if len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
		return 0, "", fault.Field("key", "must be at most %d printable ASCII characters without blanks", maxKey)
	}
	sealed, err := c.k.Ring.Seal(KeyPurpose(seller, class), []byte(key))
	if err != nil {
		return 0, "", err
	}
	now := c.k.Wire.Now()
	if version, err = store.AddKey(ctx, tx, seller, class, sealed, now, now.Add(keyOverlap)); err != nil {
		return 0, "", err
	}
	return version, key, c.k.Audit(ctx, tx, a, access.SellerKeys, seller, fmt.Sprintf("%s version %d", class, version))
}

// KeyPurpose binds a sealed key to its seller and class.
func KeyPurpose(seller, class string) string { return "key:" + seller + ":" + class }

// SetRetryPolicy chooses a seller's row of schedules. // spec: 01 §2.1
func (c *Catalogue) SetRetryPolicy(ctx context.Context, tx *kernel.Tx, a access.Actor, seller, policy string) error {
	if err := kernel.May(a, access.SellerAddress); err != nil {
		return err
	}
	if err := wholeSeller(ctx, tx, a, seller); err != nil {
		return err
	}
	if !delivery.Policy(policy).Known() {
		return fault.Field("retry_policy", "must be koogallery, standard or patient")
	}
	if err := store.SetRetryPolicy(ctx, tx, seller, policy); err != nil {
		return err
	}
	return c.k.Audit(ctx, tx, a, access.SellerAddress, seller, "retry policy "+policy)
}

// maxDescription bounds what is said of an access key, in characters.
const maxDescription = 100

func checkDescription(s string) error {
	if utf8.RuneCountInString(s) > maxDescription || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }) {
		return fault.Field("description", "must be at most %d characters on one line", maxDescription)
	}
	return nil
}

// IssueAccessKey makes an AK/SK pair for a seller's server; the secret is shown once. A person holds two at most, however
// it makes them. // spec: 14 §5
func (c *Catalogue) IssueAccessKey(ctx context.Context, tx *kernel.Tx, a access.Actor, seller, description string) (ak, sk string, err error) {
	if err := kernel.May(a, access.SellerKeys); err != nil {
		return "", "", err
	}
	if err := wholeSeller(ctx, tx, a, seller); err != nil {
		return "", "", err
	}
	if err := checkDescription(description); err != nil {
		return "", "", err
	}
	if err := store.LockCompany(ctx, tx, seller); err != nil { // two at the same time cannot both be the second
		return "", "", err
	}
	keys, err := store.AccessKeys(ctx, tx, seller)
	if err != nil {
		return "", "", err
	}
	held := 0
	for _, k := range keys {
		if k.PersonID == a.PersonID {
			held++
		}
	}
	if held >= MaxAccessKeys {
		return "", "", fault.New(fault.Rule, "access_key_quota", "a person holds at most %d access keys; delete one first", MaxAccessKeys)
	}
	ak, sk = ident.AccessKey()
	sealed, err := c.k.Ring.Seal(AccessKeyPurpose(ak), []byte(sk))
	if err != nil {
		return "", "", err
	}
	if err := store.InsertAccessKey(ctx, tx, store.AccessKey{AK: ak, SellerID: seller, PersonID: a.PersonID, SealedSK: sealed, Description: description, CreatedAt: c.k.Wire.Now()}); err != nil {
		return "", "", err
	}
	return ak, sk, c.k.Audit(ctx, tx, a, access.SellerKeys, seller, "access key "+ak)
}

// AccessKeyPurpose binds a sealed SK to its AK.
func AccessKeyPurpose(ak string) string { return "sk:" + ak }
