//go:build linux

package crashtest

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
)

// made is an instance in a seller's own record.
type made struct{ id, order string }

// sellerRecord reads the journal that the seller keeps on its disk: every creation
// it really carried out. The process may be alive or dead.
func (w *world) sellerRecord(s *seller) (all []made) {
	w.t.Helper()
	f, err := os.Open(filepath.Join(s.data, "record.jsonl"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var l struct {
			Kind     string `json:"kind"`
			Activity string `json:"activity"`
			Instance string `json:"instance"`
			Order    string `json:"order"`
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			w.t.Fatalf("record of seller %s: %v in %q", s.generation, err, lines.Text())
		}
		if l.Kind == "acted" && l.Activity == "newInstance" {
			all = append(all, made{l.Instance, l.Order})
		}
	}
	if err := lines.Err(); err != nil {
		w.t.Fatal(err)
	}
	return all
}
