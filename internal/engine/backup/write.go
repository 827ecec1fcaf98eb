package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/engine/blob"
	"github.com/souk-market/souk/internal/engine/database"
)

// chunk is how much of a table is gathered before it is written: a tar has to know a part's size beforehand.
const chunk = 1 << 20

// Source is what is dumped.
type Source struct {
	DB      *database.DB
	Files   *blob.Dir // nil: without files
	Keyring []byte    // the master keys as text; nil: without
	Program string    // name and version, for people
	Now     time.Time
}

// Write dumps a snapshot of the source. What it wrote is a dump only if the error is nil.
func Write(ctx context.Context, to io.Writer, s Source) (Head, End, error) {
	z, err := gzip.NewWriterLevel(to, gzip.BestSpeed)
	if err != nil {
		return Head{}, End{}, err
	}
	w := &writer{Source: s, tar: tar.NewWriter(z), sum: newSum()}
	begun := false
	err = s.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		if begun { // what is written cannot be taken back
			return errors.New("the database was lost while it was read; begin again")
		}
		begun = true
		return w.all(ctx, tx)
	})
	if err == nil {
		err = errors.Join(w.tar.Close(), z.Close())
	}
	return w.head, w.end, err
}

type writer struct {
	Source
	tar  *tar.Writer
	sum  summing
	head Head
	end  End
}

func (w *writer) all(ctx context.Context, tx *database.Tx) error {
	if err := w.describe(ctx, tx); err != nil {
		return err
	}
	head, err := json.MarshalIndent(w.head, "", "  ")
	if err != nil {
		return err
	}
	if err := w.part(headName, head); err != nil {
		return err
	}
	if w.head.Keyring {
		if err := w.part(keyringName, w.Keyring); err != nil {
			return err
		}
	}
	// Files are never changed and stand on the disk before the row that names them: those there are after the
	// snapshot began hold all that its rows name.
	if w.Files != nil {
		if err := w.Files.Each(func(sum string) error { return w.file(ctx, tx, sum) }); err != nil {
			return err
		}
	}
	w.end.Digest = map[string]string{}
	for _, t := range w.head.Tables {
		if err := w.table(ctx, tx, t); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	w.end.SHA256 = w.sum.text()
	end, err := json.MarshalIndent(w.end, "", "  ")
	if err != nil {
		return err
	}
	return w.part(endName, end)
}

func (w *writer) describe(ctx context.Context, tx *database.Tx) error {
	w.head = Head{Souk: Format, Program: w.Program, Engine: tx.Engine(), TakenAt: w.Now.UTC().Truncate(time.Microsecond), Keyring: w.Keyring != nil, Files: w.Files != nil}
	var err error
	if w.head.Schema, err = database.Version(ctx, tx); err != nil {
		return err
	}
	if w.head.Schema == 0 {
		return errors.New("the database is empty: there is nothing to back up")
	}
	if w.head.KeyCheck, err = setting(ctx, tx, KeyCheckSetting); err != nil {
		return err
	}
	if offset, err := setting(ctx, tx, "clock.offset_us"); err != nil {
		return err
	} else if offset != "" {
		if _, err := fmt.Sscan(offset, &w.head.ClockOffset); err != nil {
			return fmt.Errorf("setting clock.offset_us: %w", err)
		}
	}
	tables, err := database.Schema(ctx, tx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		h := HeadTable{Name: t.Name, Columns: t.Columns}
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM `+t.Name).Scan(&h.Rows); err != nil {
			return err
		}
		w.head.Tables = append(w.head.Tables, h)
	}
	return nil
}

// KeyCheckSetting is the setting that holds a text sealed under the marketplace's master key.
const KeyCheckSetting = "keyring.check"

func setting(ctx context.Context, tx *database.Tx, name string) (string, error) {
	var v string
	rows, err := tx.Query(ctx, `SELECT value FROM setting WHERE name = $1`, name)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&v); err != nil {
			return "", err
		}
	}
	return v, rows.Err()
}

// header begins a part.
func (w *writer) header(name string, size int64) error {
	w.sum.part(name, size)
	return w.tar.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: w.head.TakenAt.Truncate(time.Second), Format: tar.FormatPAX})
}

func (w *writer) part(name string, content []byte) error {
	if err := w.header(name, int64(len(content))); err != nil {
		return err
	}
	w.sum.Write(content)
	_, err := w.tar.Write(content)
	return err
}

func (w *writer) file(ctx context.Context, tx *database.Tx, sum string) error {
	// A server ends transactions that say nothing for a minute.
	var one int64
	if err := tx.QueryRow(ctx, `SELECT 1`).Scan(&one); err != nil {
		return err
	}
	f, err := w.Files.Get(sum)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := w.header(filesPrefix+sum, info.Size()); err != nil {
		return err
	}
	if _, err := io.CopyN(io.MultiWriter(w.tar, w.sum), f, info.Size()); err != nil {
		return err
	}
	w.end.Files++
	return nil
}

func (w *writer) table(ctx context.Context, tx *database.Tx, t HeadTable) error {
	names := make([]string, len(t.Columns))
	values, into := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i, c := range t.Columns {
		names[i], into[i] = c.Name, &values[i]
	}
	rows, err := tx.Query(ctx, `SELECT `+strings.Join(names, ", ")+` FROM `+t.Name)
	if err != nil {
		return err
	}
	defer rows.Close()
	var buf bytes.Buffer
	var d digest
	parts := 0
	flush := func() error {
		parts++
		err := w.part(fmt.Sprintf("%s%s/%06d.jsonl", tablePrefix, t.Name, parts), buf.Bytes())
		buf.Reset()
		return err
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		start := buf.Len()
		if err := encodeRow(&buf, t.Columns, values); err != nil {
			return err
		}
		d.add(buf.Bytes()[start:])
		w.end.Rows++
		if buf.Len() >= chunk {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if buf.Len() > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	w.end.Digest[t.Name] = d.text()
	return nil
}
