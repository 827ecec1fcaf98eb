package catalogue

import (
	"bytes"
	"context"
	"errors"
	"image"
	_ "image/gif"  // dimensions of uploaded pictures
	_ "image/jpeg" // likewise
	_ "image/png"  // likewise
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/blob"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// File is an uploaded file's row, under a name that faces may use.
type File = store.File

// kinds maps what the first bytes say to the endings a file of it may have. What the
// bytes are decides, never what a browser claims. // spec: 20 B2
var kinds = []struct {
	media   string
	magic   []byte
	endings []string
}{
	{"image/png", []byte("\x89PNG\r\n\x1a\n"), []string{".png"}},
	{"image/jpeg", []byte("\xff\xd8\xff"), []string{".jpg", ".jpeg"}},
	{"image/gif", []byte("GIF8"), []string{".gif"}},
	{"application/pdf", []byte("%PDF-"), []string{".pdf"}},
	{"application/zip", []byte("PK\x03\x04"), []string{".zip", ".docx", ".xlsx", ".pptx"}},
	{"application/x-ole-storage", []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), []string{".doc", ".xls", ".ppt"}},
	{"application/vnd.rar", []byte("Rar!\x1a\x07"), []string{".rar"}},
}

// maxPixels bounds a picture's area, so that a small file cannot ask for much memory.
const maxPixels = 40_000_000

// Upload takes a file of a seller: a picture or a document of the wizard. Bytes
// first, then the row: bytes without a row are harmless.
func (c *Catalogue) Upload(ctx context.Context, a access.Actor, name string, r io.Reader) (File, error) {
	return c.upload(ctx, a, access.ProductCreate, name, r)
}

func (c *Catalogue) upload(ctx context.Context, a access.Actor, action access.Action, name string, r io.Reader) (File, error) {
	if err := kernel.May(a, action); err != nil {
		return File{}, err
	}
	name = filepath.Base(strings.ReplaceAll(name, `\`, "/"))
	if !utf8.ValidString(name) || name == "." || name == "/" || utf8.RuneCountInString(name) > 120 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return File{}, fault.Field("file", "must have a name of at most 120 characters")
	}
	head := make([]byte, 512)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return File{}, fault.Field("file", "is empty")
	}
	head = head[:n]
	f := File{ID: c.k.Row(), CompanyID: a.CompanyID, Name: name, CreatedAt: c.k.Clock.Now()}
	for _, k := range kinds {
		if bytes.HasPrefix(head, k.magic) {
			ending := strings.ToLower(filepath.Ext(name))
			for _, e := range k.endings {
				if e == ending {
					f.MediaType = k.media
				}
			}
			if f.MediaType == "" {
				return File{}, fault.Field("file", "its content is %s, its name says %s", k.media, ending)
			}
		}
	}
	if f.MediaType == "" {
		return File{}, fault.Field("file", "must be a PNG, JPEG or GIF picture, or a PDF, Word, Excel, PowerPoint, ZIP or RAR document (this looks like %s)", http.DetectContentType(head))
	}
	max := int64(catalog.MaxDocument)
	picture := strings.HasPrefix(f.MediaType, "image/")
	if picture {
		max = catalog.MaxPicture
	}
	f.SHA256, f.Size, err = c.blobs.Put(io.MultiReader(bytes.NewReader(head), r), max)
	if errors.Is(err, blob.ErrTooLarge) {
		return File{}, fault.Field("file", "is larger than %d MB", max>>20)
	}
	if err != nil {
		return File{}, fault.Wrap(err, fault.Unavailable, "unavailable", "the file cannot be stored now; try again")
	}
	if picture {
		if f.Width, f.Height, err = c.measure(f.SHA256); err != nil {
			return File{}, fault.Field("file", "cannot be read as a picture")
		}
	}
	return f, c.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error { return store.InsertFile(ctx, tx, f) })
}

func (c *Catalogue) measure(sum string) (width, height int, err error) {
	b, err := c.blobs.Get(sum)
	if err != nil {
		return 0, 0, err
	}
	defer b.Close()
	conf, _, err := image.DecodeConfig(b)
	if err == nil && conf.Width*conf.Height > maxPixels {
		err = errors.New("too many pixels")
	}
	return conf.Width, conf.Height, err
}

// OpenFile opens a file: pictures for everybody (they are shown in the shop),
// documents for their owner and the operators.
func (c *Catalogue) OpenFile(ctx context.Context, a access.Actor, id string) (f File, body io.ReadSeekCloser, err error) {
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		f, err = store.FileByID(ctx, tx, id)
		return kernel.Missing(err, "file")
	})
	if err != nil {
		return f, nil, err
	}
	if !strings.HasPrefix(f.MediaType, "image/") && !a.IsOperator() && a.CompanyID != f.CompanyID {
		return f, nil, fault.Unknown("file")
	}
	b, err := c.blobs.Get(f.SHA256)
	if err != nil {
		return f, nil, fault.Wrap(err, fault.Unavailable, "unavailable", "the file cannot be read now")
	}
	return f, b, nil
}

// OpenGuide opens the user guide of a product that the actor may see; everybody may read
// the manual of what is on sale.
func (c *Catalogue) OpenGuide(ctx context.Context, a access.Actor, product string) (File, io.ReadSeekCloser, error) {
	p, err := c.Page(ctx, a, product)
	if err != nil {
		return File{}, nil, err
	}
	if p.Live == nil || p.Live.Body.UserGuideFile == "" {
		return File{}, nil, fault.Unknown("file")
	}
	return c.OpenFile(ctx, access.Actor{CompanyID: p.Product.SellerID, CompanyKind: party.Seller}, p.Live.Body.UserGuideFile)
}
