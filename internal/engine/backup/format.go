package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/engine/database"
)

// Format is the newest version of the form that this program writes and reads.
const Format = 1

// Names of the parts.
const (
	headName    = "head.json"
	keyringName = "keyring"
	filesPrefix = "files/"
	tablePrefix = "tables/"
	endName     = "end.json"
)

// Head says what a dump is, before anything else of it.
type Head struct {
	Souk    int             `json:"souk_backup"` // version of the form
	Program string          `json:"program"`
	Schema  int64           `json:"schema"` // the newest migration
	Engine  database.Engine `json:"engine"` // where it was taken
	TakenAt time.Time       `json:"taken_at"`
	Keyring bool            `json:"keyring"` // the master keys are inside: whoever has the dump can open every secret
	Files   bool            `json:"files"`   // uploaded files are inside
	// KeyCheck is sealed under the master key of the secrets inside; it opens only with the right one.
	KeyCheck string `json:"key_check,omitempty"`
	// ClockOffset is how far the business clock of a sandbox is ahead, in micros; 0 in production.
	ClockOffset int64       `json:"clock_offset_us"`
	Tables      []HeadTable `json:"tables"`
}

// HeadTable is a table of a dump.
type HeadTable struct {
	Name    string            `json:"name"`
	Columns []database.Column `json:"columns"`
	Rows    int64             `json:"rows"`
}

// End closes a dump and proves it.
type End struct {
	Rows   int64             `json:"rows"`
	Files  int64             `json:"files"`
	Digest map[string]string `json:"digest"` // of each table; equal digests mean equal rows
	SHA256 string            `json:"sha256"` // of every part before this one: name, size and content
}

// Errors that callers tell apart.
var (
	// ErrBroken means that a dump was cut or changed.
	ErrBroken = errors.New("the dump is cut or was changed")
	// ErrNewer means that a newer program wrote the dump.
	ErrNewer = errors.New("the dump is of a newer program")
	// ErrNotEmpty means that the database to restore into holds something.
	ErrNotEmpty = errors.New("the database is not empty")
	// ErrKey means that the master key at hand does not open the dump's secrets.
	ErrKey = errors.New("the master key does not open this dump's secrets")
)

// summing is the sum over the parts, in order.
type summing struct{ hash.Hash }

func newSum() summing { return summing{sha256.New()} }

// part begins a part of a known size; its content is written to the sum afterwards.
func (s summing) part(name string, size int64) { fmt.Fprintf(s, "%s %d\n", name, size) }

func (s summing) text() string { return hex.EncodeToString(s.Sum(nil)) }

// digest adds up the hashes of rows, so that their order does not matter.
type digest [4]uint64

func (d *digest) add(row []byte) {
	sum := sha256.Sum256(row)
	for i := range d {
		d[i] += binary.BigEndian.Uint64(sum[8*i:])
	}
}

func (d digest) text() string { return fmt.Sprintf("%016x%016x%016x%016x", d[0], d[1], d[2], d[3]) }

// raw is a text of SQLite that is not UTF-8; JSON cannot hold it as a string.
type raw struct {
	Bytes []byte `json:"bytes"`
}

// encodeRow writes a row as one line.
func encodeRow(b *bytes.Buffer, kinds []database.Column, values []any) error {
	b.WriteByte('[')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		switch v := v.(type) {
		case nil:
			b.WriteString("null")
		case int64:
			if kinds[i].Kind == database.Boolean {
				b.WriteString(strconv.FormatBool(v != 0))
			} else {
				b.WriteString(strconv.FormatInt(v, 10))
			}
		case bool:
			b.WriteString(strconv.FormatBool(v))
		case string:
			if err := encodeText(b, kinds[i].Kind, v); err != nil {
				return err
			}
		case []byte:
			if kinds[i].Kind == database.Text {
				if err := encodeText(b, database.Text, string(v)); err != nil {
					return err
				}
				continue
			}
			b.WriteByte('"')
			b.WriteString(base64.StdEncoding.EncodeToString(v))
			b.WriteByte('"')
		default:
			return fmt.Errorf("column %s holds a %T", kinds[i].Name, v)
		}
	}
	b.WriteString("]\n")
	return nil
}

func encodeText(b *bytes.Buffer, kind database.Kind, v string) error {
	if kind == database.Bytea { // SQLite gives an empty BYTEA that was written as text
		b.WriteString(`"` + base64.StdEncoding.EncodeToString([]byte(v)) + `"`)
		return nil
	}
	var form any = v
	if !utf8.ValidString(v) {
		form = raw{[]byte(v)}
	}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(form); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the encoder's line end
	return nil
}

// decodeRow reads a line into the values of an INSERT.
func decodeRow(line []byte, columns []database.Column) ([]any, error) {
	var cells []json.RawMessage
	if err := json.Unmarshal(line, &cells); err != nil {
		return nil, err
	}
	if len(cells) != len(columns) {
		return nil, fmt.Errorf("%d values for %d columns", len(cells), len(columns))
	}
	out := make([]any, len(cells))
	for i, c := range cells {
		if string(c) == "null" {
			continue
		}
		var err error
		switch columns[i].Kind {
		case database.BigInt:
			var n int64
			err = json.Unmarshal(c, &n)
			out[i] = n
		case database.Boolean:
			var yes bool
			err = json.Unmarshal(c, &yes)
			out[i] = yes
		case database.Bytea:
			b := []byte{}
			err = json.Unmarshal(c, &b)
			out[i] = b
		case database.Text:
			if len(c) > 0 && c[0] == '{' {
				var r raw
				err = json.Unmarshal(c, &r)
				out[i] = string(r.Bytes)
				break
			}
			var s string
			err = json.Unmarshal(c, &s)
			out[i] = s
		default:
			err = fmt.Errorf("kind %q", columns[i].Kind)
		}
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", columns[i].Name, err)
		}
	}
	return out, nil
}
