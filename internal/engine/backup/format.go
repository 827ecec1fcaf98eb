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

// decodeRow reads a line into the values of an INSERT. Rows are what a restore spends its time on, so what encodeRow
// writes is cut by hand, and only a text with escapes is given to the JSON decoder; that the line is what was written is
// proved by the sum.
func decodeRow(line []byte, columns []database.Column) ([]any, error) {
	out := make([]any, len(columns))
	if len(line) == 0 || line[0] != '[' {
		return nil, errors.New("no array")
	}
	rest := line[1:]
	for i, c := range columns {
		if i > 0 {
			if len(rest) == 0 || rest[0] != ',' {
				return nil, fmt.Errorf("%d values for %d columns", i, len(columns))
			}
			rest = rest[1:]
		}
		cell, after, err := cut(rest)
		if err == nil {
			out[i], err = decodeCell(cell, c.Kind)
		}
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
		rest = after
	}
	if string(rest) != "]\n" {
		return nil, fmt.Errorf("more than %d values", len(columns))
	}
	return out, nil
}

// cut takes one JSON value off the front.
func cut(b []byte) (cell, rest []byte, err error) {
	end := -1
	switch {
	case len(b) == 0:
	case b[0] == '"':
		for i := 1; i < len(b); {
			n := bytes.IndexByte(b[i:], '"')
			if n < 0 {
				break
			}
			i += n
			escapes := 0 // an odd number of them before it makes the quote part of the text
			for b[i-1-escapes] == '\\' {
				escapes++
			}
			i++
			if escapes%2 == 0 {
				end = i
				break
			}
		}
	case b[0] == '{': // holds base64 alone
		end = bytes.IndexByte(b, '}') + 1
	default:
		end = bytes.IndexAny(b, ",]")
	}
	if end <= 0 {
		return nil, nil, errors.New("half a value")
	}
	return b[:end], b[end:], nil
}

func decodeCell(cell []byte, kind database.Kind) (any, error) {
	if string(cell) == "null" {
		return nil, nil
	}
	switch kind {
	case database.BigInt:
		return strconv.ParseInt(string(cell), 10, 64)
	case database.Boolean:
		return strconv.ParseBool(string(cell))
	case database.Bytea, database.Text:
		if cell[0] == '{' {
			var r raw
			err := json.Unmarshal(cell, &r)
			return string(r.Bytes), err
		}
		if len(cell) < 2 || cell[0] != '"' {
			return nil, errors.New("no text")
		}
		inner := cell[1 : len(cell)-1]
		if kind == database.Bytea {
			b := make([]byte, base64.StdEncoding.DecodedLen(len(inner)))
			n, err := base64.StdEncoding.Decode(b, inner)
			return b[:n], err
		}
		if bytes.IndexByte(inner, '\\') < 0 {
			return string(inner), nil
		}
		var s string
		err := json.Unmarshal(cell, &s)
		return s, err
	}
	return nil, fmt.Errorf("kind %q", kind)
}
