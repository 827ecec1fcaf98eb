package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/souk-market/souk/internal/engine/blob"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/keyring"
)

// Dump is a dump being read. It is read once, from front to end.
type Dump struct {
	Head    Head
	Keyring []byte // the master keys, if they are inside

	gzip *gzip.Reader
	tar  *tar.Reader
	sum  summing
	next *tar.Header // the part that was looked at and not read yet
	end  *End
	rows map[string]int64
	dig  map[string]*digest
	n    End // what was really there
}

// Read reads the head of a dump, and the keyring if there is one.
func Read(r io.Reader) (*Dump, error) {
	z, err := gzip.NewReader(bufio.NewReaderSize(r, 1<<16))
	if err != nil {
		return nil, broken(err)
	}
	d := &Dump{gzip: z, tar: tar.NewReader(z), sum: newSum(), rows: map[string]int64{}, dig: map[string]*digest{}}
	if err := d.advance(); err != nil {
		return nil, err
	}
	if d.next == nil || d.next.Name != headName {
		return nil, fmt.Errorf("%w: it does not begin with its head", ErrBroken)
	}
	head, err := d.content(16 << 20)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(head, &d.Head); err != nil || d.Head.Souk < 1 {
		return nil, broken(fmt.Errorf("head: %v", err))
	}
	if d.Head.Souk > Format {
		return nil, fmt.Errorf("%w: its form is version %d, this program reads up to %d", ErrNewer, d.Head.Souk, Format)
	}
	if d.Head.Keyring {
		if d.next == nil || d.next.Name != keyringName {
			return nil, fmt.Errorf("%w: the keyring is missing", ErrBroken)
		}
		if d.Keyring, err = d.content(1 << 20); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// broken hides the cause from errors.Is: a stream that ended early must not be taken for a database that was lost.
func broken(err error) error {
	if errors.Is(err, ErrBroken) {
		return err
	}
	return fmt.Errorf("%w: %v", ErrBroken, err)
}

// advance looks at the next part; nil is the end of the stream, checked to the last byte.
func (d *Dump) advance() error {
	h, err := d.tar.Next()
	if errors.Is(err, io.EOF) {
		// The rest holds the checksum of the compression.
		if n, err := io.Copy(io.Discard, d.gzip); err != nil {
			return broken(err)
		} else if n > 1<<20 {
			return fmt.Errorf("%w: something follows its end", ErrBroken)
		}
		d.next = nil
		return nil
	}
	if err != nil {
		return broken(err)
	}
	d.next = h
	if h.Name != endName {
		d.sum.part(h.Name, h.Size)
	}
	return nil
}

// content reads the part that was looked at, and looks at the next one.
func (d *Dump) content(limit int64) ([]byte, error) {
	if d.next.Size > limit {
		return nil, fmt.Errorf("%w: part %s is too long", ErrBroken, d.next.Name)
	}
	b, err := io.ReadAll(d.tar)
	if err != nil {
		return nil, broken(err)
	}
	if d.next.Name != endName {
		d.sum.Write(b)
	}
	return b, d.advance()
}

// Target is where a dump is restored.
type Target struct {
	DB         *database.DB
	Migrations fs.FS
	Files      *blob.Dir     // where files go; nil: files inside are read and dropped
	Ring       *keyring.Ring // the master key of the marketplace to be; nil: the old one is lost, and with it every secret
}

// Fits tells whether this program can restore the dump with the key it was given.
func (d *Dump) Fits(migrations fs.FS, ring *keyring.Ring) error {
	newest, err := database.Newest(migrations)
	if err != nil {
		return err
	}
	if d.Head.Schema > newest {
		return fmt.Errorf("%w: its schema is version %d, this program knows %d", ErrNewer, d.Head.Schema, newest)
	}
	if ring != nil && d.Head.KeyCheck != "" {
		if _, err := ring.Open(KeyCheckSetting, d.Head.KeyCheck); err != nil {
			return ErrKey
		}
	}
	return nil
}

// Check reads the dump to its end and proves it, without keeping anything.
func (d *Dump) Check() (End, error) {
	if err := d.files(nil); err != nil {
		return End{}, err
	}
	if err := d.tables(func(HeadTable) (func([]any) error, func() error, error) {
		return func([]any) error { return nil }, func() error { return nil }, nil
	}); err != nil {
		return End{}, err
	}
	return d.finish()
}

// Restore fills an empty database, and the folder of files, with the dump.
func (d *Dump) Restore(ctx context.Context, t Target) (End, error) {
	if err := d.Fits(t.Migrations, t.Ring); err != nil {
		return End{}, err
	}
	if err := t.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		tables, err := database.Schema(ctx, tx)
		if err != nil {
			return err
		}
		return unused(ctx, tx, tables)
	}); err != nil {
		return End{}, err
	}
	if err := d.files(t.Files); err != nil {
		return End{}, err
	}
	var end End
	begun := false
	err := database.Rebuild(ctx, t.DB, t.Migrations, d.Head.Schema, unused, func(ctx context.Context, tx *database.Tx) (err error) {
		if begun {
			return errors.New("the database was lost while it was written; nothing was changed, begin again")
		}
		begun = true
		end, err = d.load(ctx, tx, t.Ring)
		return err
	})
	return end, err
}

// made are the tables whose rows an empty marketplace has from its migrations and its first start.
var made = map[string]bool{"lane": true, "audit_head": true, "category": true, "change": true, "setting": true}

// unused refuses a database that holds something.
func unused(ctx context.Context, tx *database.Tx, tables []database.Table) error {
	for _, t := range tables {
		if made[t.Name] {
			continue
		}
		var some bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM `+t.Name+`)`).Scan(&some); err != nil {
			return err
		}
		if some {
			return fmt.Errorf("%w: table %s has rows; a dump is restored into a new database only", ErrNotEmpty, t.Name)
		}
	}
	return nil
}

// load fills the tables, in the one transaction of the restore.
func (d *Dump) load(ctx context.Context, tx *database.Tx, ring *keyring.Ring) (End, error) {
	tables, err := database.Schema(ctx, tx)
	if err != nil {
		return End{}, err
	}
	there := map[string]map[database.Column]bool{}
	for i := len(tables) - 1; i >= 0; i-- {
		t := tables[i]
		if _, err := tx.Exec(ctx, `DELETE FROM `+t.Name); err != nil {
			return End{}, err
		}
		there[t.Name] = map[database.Column]bool{}
		for _, c := range t.Columns {
			there[t.Name][c] = true
		}
	}
	for _, t := range d.Head.Tables {
		have := there[t.Name]
		delete(there, t.Name)
		if len(have) != len(t.Columns) {
			return End{}, fmt.Errorf("table %s of schema %d has other columns here than in the dump", t.Name, d.Head.Schema)
		}
		for _, c := range t.Columns {
			if !have[c] {
				return End{}, fmt.Errorf("table %s of schema %d has no column %s here", t.Name, d.Head.Schema, c.Name)
			}
		}
	}
	for name := range there {
		return End{}, fmt.Errorf("table %s of schema %d is not in the dump", name, d.Head.Schema)
	}
	if err := d.tables(func(t HeadTable) (func([]any) error, func() error, error) {
		in := inserter{ctx: ctx, tx: tx, table: t}
		return in.add, in.flush, nil
	}); err != nil {
		return End{}, err
	}
	end, err := d.finish()
	if err != nil {
		return end, err
	}
	if ring == nil { // the next start takes the key it finds
		if _, err := tx.Exec(ctx, `DELETE FROM setting WHERE name = $1`, KeyCheckSetting); err != nil {
			return end, err
		}
	}
	// Nobody holds a lease given by another database: the runners take these jobs over at once.
	_, err = tx.Exec(ctx, `UPDATE job SET lease_owner = '', lease_until = 0 WHERE lease_owner <> ''`)
	return end, err
}

// files reads the files; to may be nil.
func (d *Dump) files(to *blob.Dir) error {
	for d.next != nil && strings.HasPrefix(d.next.Name, filesPrefix) {
		want := strings.TrimPrefix(d.next.Name, filesPrefix)
		in := io.TeeReader(d.tar, d.sum)
		if to == nil {
			if _, err := io.Copy(io.Discard, in); err != nil {
				return broken(err)
			}
		} else {
			read := &remember{Reader: in}
			sum, _, err := to.Put(read, d.next.Size)
			if read.err != nil {
				return broken(read.err)
			}
			if err != nil {
				return fmt.Errorf("write a file: %w", err)
			}
			if sum != want {
				return fmt.Errorf("%w: file %s has other content", ErrBroken, want)
			}
		}
		d.n.Files++
		if err := d.advance(); err != nil {
			return err
		}
	}
	return nil
}

// remember tells a failure to read from a failure to write.
type remember struct {
	io.Reader
	err error
}

func (r *remember) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// tables reads the rows of all tables. begin gives what takes a row, and what is called after the last one.
func (d *Dump) tables(begin func(HeadTable) (func([]any) error, func() error, error)) error {
	d.n.Digest = map[string]string{}
	for _, t := range d.Head.Tables {
		row, done, err := begin(t)
		if err != nil {
			return err
		}
		var dig digest
		var n int64
		for d.next != nil && strings.HasPrefix(d.next.Name, tablePrefix+t.Name+"/") {
			if err := lines(io.TeeReader(d.tar, d.sum), func(line []byte) error {
				values, err := decodeRow(line, t.Columns)
				if err != nil {
					return broken(fmt.Errorf("table %s, row %d: %w", t.Name, n+1, err))
				}
				n++
				dig.add(line)
				if err := row(values); err != nil {
					return fmt.Errorf("table %s, row %d: %w", t.Name, n, err)
				}
				return nil
			}); err != nil {
				return err
			}
			if err := d.advance(); err != nil {
				return err
			}
		}
		if err := done(); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
		if n != t.Rows {
			return fmt.Errorf("%w: table %s has %d rows, its head says %d", ErrBroken, t.Name, n, t.Rows)
		}
		d.n.Rows += n
		d.n.Digest[t.Name] = dig.text()
	}
	return nil
}

func lines(r io.Reader, f func(line []byte) error) error {
	b := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := b.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil {
			return broken(err)
		}
		if err := f(line); err != nil {
			return err
		}
	}
}

// finish reads the end and compares it with what was there.
func (d *Dump) finish() (End, error) {
	if d.next == nil || d.next.Name != endName {
		return End{}, fmt.Errorf("%w: its end is missing", ErrBroken)
	}
	b, err := d.content(16 << 20)
	if err != nil {
		return End{}, err
	}
	var end End
	if err := json.Unmarshal(b, &end); err != nil {
		return End{}, broken(err)
	}
	d.n.SHA256 = d.sum.text()
	have, err := json.MarshalIndent(d.n, "", "  ")
	if err != nil {
		return End{}, err
	}
	if d.next != nil || !bytes.Equal(have, b) {
		return End{}, fmt.Errorf("%w: the sum at its end does not fit", ErrBroken)
	}
	return end, nil
}

// inserter gathers rows into statements with many of them.
type inserter struct {
	ctx   context.Context
	tx    *database.Tx
	table HeadTable
	args  []any
	size  int // bytes of args
}

// maxArgs bounds the values of one statement, both engines allow many more; maxBytes what they hold.
const (
	maxArgs  = 1000
	maxBytes = 1 << 20
)

func (in *inserter) add(values []any) error {
	in.args = append(in.args, values...)
	for _, v := range values {
		switch v := v.(type) {
		case string:
			in.size += len(v)
		case []byte:
			in.size += len(v)
		}
	}
	if len(in.args)+len(values) > maxArgs || in.size > maxBytes {
		return in.flush()
	}
	return nil
}

func (in *inserter) flush() error {
	if len(in.args) == 0 {
		return nil
	}
	width := len(in.table.Columns)
	var q strings.Builder
	q.WriteString("INSERT INTO " + in.table.Name + " (")
	for i, c := range in.table.Columns {
		if i > 0 {
			q.WriteString(", ")
		}
		q.WriteString(c.Name)
	}
	q.WriteString(") VALUES ")
	for i := range in.args {
		switch {
		case i == 0:
			q.WriteString("(")
		case i%width == 0:
			q.WriteString("), (")
		default:
			q.WriteString(", ")
		}
		fmt.Fprintf(&q, "$%d", i+1)
	}
	q.WriteString(")")
	_, err := in.tx.Exec(in.ctx, q.String(), in.args...)
	clear(in.args) // what they hold must not live on
	in.args, in.size = in.args[:0], 0
	return err
}
