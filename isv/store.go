package isv

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// Record is what the SDK remembers of one thing that must happen once.
type Record struct {
	Key        string `json:"key"`
	InstanceID string `json:"instance"`
	Done       bool   `json:"done"` // false: begun, outcome not known
}

// Store keeps records durably: when Put returns without error the record survives
// the death of the process. The SDK never calls Put for one key concurrently.
type Store interface {
	Get(key string) (Record, bool, error)
	Put(Record) error
}

// FileStore is a Store in one append-only file of JSON lines, synced to disk before
// Put returns (concurrent writers share a sync). One process at a time may use it.
type FileStore struct {
	file *os.File

	write   sync.Mutex // guards records, end and appending
	records map[string]Record
	end     int64

	sync   sync.Mutex // guards synced
	synced int64
	failed error // the first failed write or sync; the store takes nothing afterwards
}

// OpenFileStore opens or creates the journal. A last line that a crash cut short is
// dropped; any other damage is an error.
func OpenFileStore(path string) (*FileStore, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	s := &FileStore{file: file, records: map[string]Record{}}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := syncDirectory(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return s, nil
}

// A new file's name is durable only once its directory is.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

func (s *FileStore) load() error {
	reader := bufio.NewReader(s.file)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break // what follows the last newline was never acknowledged
		}
		if err != nil {
			return err
		}
		var r Record
		if err := json.Unmarshal(bytes.TrimSpace(line), &r); err != nil || r.Key == "" {
			return fmt.Errorf("journal is damaged at byte %d", s.end)
		}
		s.records[r.Key] = r
		s.end += int64(len(line))
	}
	s.synced = s.end
	if err := s.file.Truncate(s.end); err != nil {
		return err
	}
	_, err := s.file.Seek(s.end, io.SeekStart)
	return err
}

// Get returns the last record of a key.
func (s *FileStore) Get(key string) (Record, bool, error) {
	s.write.Lock()
	defer s.write.Unlock()
	r, found := s.records[key]
	return r, found, nil
}

// Put appends a record and waits until it is on disk.
func (s *FileStore) Put(r Record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	end, err := s.append(append(line, '\n'), r)
	if err != nil {
		return err
	}
	s.sync.Lock()
	defer s.sync.Unlock()
	if s.synced >= end {
		return nil // another writer's sync covered this line
	}
	s.write.Lock()
	upTo := s.end
	s.write.Unlock()
	if err := s.file.Sync(); err != nil {
		s.write.Lock()
		s.failed = err
		s.write.Unlock()
		return err
	}
	s.synced = upTo
	return nil
}

func (s *FileStore) append(line []byte, r Record) (end int64, err error) {
	s.write.Lock()
	defer s.write.Unlock()
	if s.failed != nil {
		return 0, s.failed
	}
	if _, err := s.file.Write(line); err != nil {
		s.failed = err
		return 0, err
	}
	s.end += int64(len(line))
	s.records[r.Key] = r
	return s.end, nil
}

// Close closes the file.
func (s *FileStore) Close() error { return s.file.Close() }

// MemoryStore is a Store that forgets everything when the process ends: for tests
// and measurements only.
type MemoryStore struct {
	mu      sync.Mutex
	records map[string]Record
}

// NewMemoryStore makes an empty store.
func NewMemoryStore() *MemoryStore { return &MemoryStore{records: map[string]Record{}} }

// Get returns the last record of a key.
func (m *MemoryStore) Get(key string) (Record, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, found := m.records[key]
	return r, found, nil
}

// Put keeps a record.
func (m *MemoryStore) Put(r Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records[r.Key] = r
	return nil
}

// Close does nothing.
func (m *MemoryStore) Close() error { return nil }
