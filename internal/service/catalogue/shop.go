package catalogue

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Limits of a shop, in characters. // spec: 20 A4
const (
	MaxIntroduction = 2000
	MaxShopLine     = 100
)

// Shop is what everybody may know of a seller (店铺). Before the seller has said anything it is the company's name and
// address.
type Shop struct {
	ID, Company string // the seller and its name as certified
	Name        string
	Since       time.Time

	Introduction string // Markdown
	Logo         string // id of a picture, "" for none
	ContactName  string
	Phone        string
	Email        string
	Hours        string
	Website      string
	Version      int64 // 0 before the first save
}

// Shop reads a seller's shop.
func (c *Catalogue) Shop(ctx context.Context, seller string) (out Shop, err error) {
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = readShop(ctx, tx, seller)
		return err
	})
	return out, err
}

func readShop(ctx context.Context, tx *kernel.Tx, seller string) (out Shop, err error) {
	co, err := store.Company(ctx, tx, seller)
	if err == nil && co.Kind != party.Seller {
		err = store.ErrNoRow
	}
	if err != nil {
		return out, kernel.Missing(err, "seller")
	}
	out = Shop{ID: co.ID, Company: co.Name, Name: co.Name, Email: co.Email, Since: co.CreatedAt}
	s, err := store.ShopOf(ctx, tx, seller)
	if errors.Is(err, store.ErrNoRow) {
		return out, nil
	}
	if s.Name != "" {
		out.Name = s.Name
	}
	out.Introduction, out.Logo, out.ContactName, out.Phone, out.Email, out.Hours, out.Website, out.Version = s.Introduction, s.Logo, s.ContactName, s.Phone, s.Email, s.Hours, s.Website, s.Version
	return out, err
}

// SaveShop changes the shop of the actor's company. Version is that of the shop that was changed: what somebody else saved
// in between is not overwritten.
func (c *Catalogue) SaveShop(ctx context.Context, tx *kernel.Tx, a access.Actor, seller string, in Shop) (Shop, error) {
	if err := kernel.May(a, access.ShopEdit); err != nil {
		return Shop{}, err
	}
	if a.CompanyID != seller {
		return Shop{}, fault.Unknown("seller")
	}
	there, err := readShop(ctx, tx, seller)
	if err != nil {
		return Shop{}, err
	}
	in.ID, in.Name, in.ContactName, in.Phone, in.Email, in.Hours, in.Website = seller, strings.TrimSpace(in.Name), strings.TrimSpace(in.ContactName), strings.TrimSpace(in.Phone), party.CleanEmail(in.Email), strings.TrimSpace(in.Hours), strings.TrimSpace(in.Website)
	in.Introduction = strings.TrimSpace(strings.ReplaceAll(in.Introduction, "\r\n", "\n"))
	if err := c.checkShop(ctx, tx, &in); err != nil {
		return Shop{}, err
	}
	if in.Version != there.Version {
		return Shop{}, fault.New(fault.Conflict, "shop_changed", "somebody else changed the shop in the meantime; look at it again")
	}
	now := c.k.Clock.Now()
	row := store.Shop{SellerID: seller, Name: in.Name, Introduction: in.Introduction, Logo: in.Logo, ContactName: in.ContactName, Phone: in.Phone, Email: in.Email, Hours: in.Hours, Website: in.Website, Version: in.Version, UpdatedAt: now}
	if row.Name == there.Company {
		row.Name = "" // follows the company's
	}
	if err := store.SaveShop(ctx, tx, row); err != nil {
		if errors.Is(err, store.ErrNoRow) {
			err = fault.New(fault.Conflict, "shop_changed", "somebody else changed the shop in the meantime; look at it again")
		}
		return Shop{}, err
	}
	if err := store.NoteChange(ctx, tx, store.CompanyChanged, seller); err != nil {
		return Shop{}, err
	}
	if err := c.k.Audit(ctx, tx, a, access.ShopEdit, seller, in.Name); err != nil {
		return Shop{}, err
	}
	return readShop(ctx, tx, seller)
}

func (c *Catalogue) checkShop(ctx context.Context, tx *kernel.Tx, in *Shop) error {
	f := fault.Fields{}
	party.CheckName("name", in.Name, f)
	for _, name := range c.operatorNames {
		if strings.Contains(strings.ToLower(in.Name), strings.ToLower(name)) {
			f.Add("name", "must not hold the name of the marketplace: %s", name)
		}
	}
	if !utf8.ValidString(in.Introduction) || strings.ContainsRune(in.Introduction, 0) || utf8.RuneCountInString(in.Introduction) > MaxIntroduction {
		f.Add("introduction", "must be at most %d characters", MaxIntroduction)
	}
	text := readMarkdown(in.Introduction)
	if len(text.links) > 0 {
		f.Add("introduction", "must not lead elsewhere: %s", text.links[0]) // spec: 20 A2.1
	}
	pictures := text.images
	if in.Logo != "" {
		pictures = append(pictures, in.Logo)
	}
	for i, id := range pictures {
		field := "introduction"
		if in.Logo != "" && i == len(pictures)-1 {
			field = "logo"
		}
		file, err := store.FileByID(ctx, tx, id)
		if err != nil && !errors.Is(err, store.ErrNoRow) {
			return err
		}
		if err != nil || file.CompanyID != in.ID || !strings.HasPrefix(file.MediaType, "image/") {
			f.Add(field, "names a picture that was not uploaded")
		}
	}
	for field, value := range map[string]string{"contact_name": in.ContactName, "phone": in.Phone, "hours": in.Hours} {
		if !utf8.ValidString(value) || utf8.RuneCountInString(value) > MaxShopLine || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			f.Add(field, "must be at most %d characters on one line", MaxShopLine)
		}
	}
	if in.Email != "" {
		party.CheckEmail("email", in.Email, f)
	}
	if in.Website != "" {
		if u, err := url.Parse(in.Website); err != nil || u.Scheme != "https" && u.Scheme != "http" || !strings.Contains(u.Host, ".") || u.User != nil || len(in.Website) > 255 || !utf8.ValidString(in.Website) {
			f.Add("website", "must be an address such as https://www.example.com")
		}
	}
	return f.Err()
}

// UploadLogo takes the picture of a shop: PNG or JPEG, at most 5 MB. // spec: 20 A2.1
func (c *Catalogue) UploadLogo(ctx context.Context, a access.Actor, name string, r io.Reader) (File, error) {
	f, err := c.upload(ctx, a, access.ShopEdit, name, r)
	if err == nil && f.MediaType != "image/png" && f.MediaType != "image/jpeg" {
		err = fault.Field("file", "must be a PNG or JPEG picture")
	}
	return f, err
}
