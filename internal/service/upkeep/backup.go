package upkeep

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/engine/backup"
	"github.com/souk-market/souk/internal/engine/blob"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
)

// settingBackup holds the last Backup.
const settingBackup = "backup.last"

// Backup is what is remembered of a backup.
type Backup struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`   // person; the system's own name when the command made it
	Size    int64     `json:"size"` // bytes of the dump
	Rows    int64     `json:"rows"`
	Files   int64     `json:"files"`
	Keyring bool      `json:"keyring"`
	SHA256  string    `json:"sha256"` // as its end says
}

// Summary makes a Backup of what was written.
func Summary(h backup.Head, e backup.End, size int64) Backup {
	return Backup{At: h.TakenAt, Size: size, Rows: e.Rows, Files: e.Files, Keyring: h.Keyring, SHA256: e.SHA256}
}

// Note remembers a backup and writes its audit row. row is the row's key, at the business instant.
func Note(ctx context.Context, tx *kernel.Tx, a access.Actor, row string, at time.Time, b Backup) error {
	b.By = a.PersonID
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if err := store.SetSetting(ctx, tx, settingBackup, string(text)); err != nil {
		return err
	}
	return store.InsertAudit(ctx, tx, row, at, a.PersonID, a.CompanyID, string(access.SystemBackup), "",
		fmt.Sprintf("%d rows, %d files, %d bytes, keyring %t, sha256 %s", b.Rows, b.Files, b.Size, b.Keyring, b.SHA256))
}

// Upkeep is the use cases.
type Upkeep struct {
	k       *kernel.Kernel
	files   *blob.Dir
	dir     string // where a dump waits while it is downloaded
	program string
	cache   figuresCache
	node    Node       // this process
	id      string     // its own name among all
	refresh sync.Mutex // settings read first must not be put into force last
}

// New makes them. dir is a folder of this process alone; program its name and version.
func New(k *kernel.Kernel, files *blob.Dir, dir, program string) *Upkeep {
	return &Upkeep{k: k, files: files, dir: dir, program: program, node: newNode(k, program), id: ident.UUID()}
}

// LastBackup is the newest backup; nil when there was none.
func (u *Upkeep) LastBackup(ctx context.Context, a access.Actor) (b *Backup, err error) {
	if !a.IsOperator() {
		return nil, fault.New(fault.Forbidden, "forbidden", "only operators see backups")
	}
	err = u.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		b, err = lastBackup(ctx, tx)
		return err
	})
	return b, err
}

func lastBackup(ctx context.Context, tx *kernel.Tx) (*Backup, error) {
	text, err := store.Setting(ctx, tx, settingBackup)
	if err != nil || text == "" {
		return nil, err
	}
	b := &Backup{}
	return b, json.Unmarshal([]byte(text), b)
}

// Backup makes a dump with files and without keyring: what travels over the network must not open the secrets in it.
// It is written to a file that has no name, so that a slow reader holds up no snapshot, and a failure is told before the
// first byte goes out.
func (u *Upkeep) Backup(ctx context.Context, a access.Actor) (_ *os.File, b Backup, err error) {
	if err := kernel.May(a, access.SystemBackup); err != nil {
		return nil, b, err
	}
	f, err := os.CreateTemp(u.dir, "backup-")
	if err != nil {
		return nil, b, err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	if err := os.Remove(f.Name()); err != nil {
		return nil, b, err
	}
	head, end, err := backup.Write(ctx, f, backup.Source{DB: u.k.DB, Files: u.files, Program: u.program, Now: u.k.Wire.Now()})
	if err != nil {
		return nil, b, kernel.Translate(err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, b, err
	}
	b = Summary(head, end, size)
	return f, b, u.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		return Note(ctx, tx, a, u.k.Row(), u.k.Clock.Now(), b)
	})
}
