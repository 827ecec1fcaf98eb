// Package pgserver starts a temporary PostgreSQL server from the distribution's
// binaries: for the storage tests (databasetest) and for `souk bench`, which must
// not pull the testing package into the program.
//
// It must not know what is stored there.
package pgserver

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
)

// ErrNoPostgres means that no PostgreSQL server is installed here.
var ErrNoPostgres = errors.New("no PostgreSQL server found: neither in PATH nor in /usr/lib/postgresql/*/bin")

// Options tune a temporary server.
type Options struct {
	// Durable keeps fsync on, as a benchmark needs. Tests do without: they
	// kill Souk, never the server.
	Durable bool
}

// Server is a temporary PostgreSQL server on a Unix socket.
type Server struct {
	// URL is its maintenance database, as the superuser.
	URL string

	life interface{ Close() error } // its end is the server's
	cmd  *exec.Cmd
}

// keeper runs the server for as long as its standard input is open, that is
// until Stop or the death, of whatever kind, of the process that started it;
// then it removes the files. $1 is the directory, $2 the server, the rest its
// arguments.
const keeper = `dir=$1; shift
"$@" >"$dir/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -QUIT $server
wait $server
rm -rf "$dir"`

// Start makes a new cluster and starts a server on it, ready when
// Start returns. It takes about two seconds.
func Start(ctx context.Context, o Options) (*Server, error) {
	initdb, postgres, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "soukpg")
	if err != nil {
		return nil, err
	}
	attr, err := account(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	data := filepath.Join(dir, "data")
	make := exec.CommandContext(ctx, initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	make.SysProcAttr = attr
	make.Dir = dir
	if out, err := make.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(dir))
	}
	settings := map[string]string{
		"listen_addresses": "", "unix_socket_directories": dir,
		"max_connections": "1000", "shared_buffers": "128MB", "max_wal_size": "4GB",
		"timezone": "UTC", "log_statement": "none",
	}
	if !o.Durable {
		for _, s := range []string{"fsync", "synchronous_commit", "full_page_writes", "autovacuum"} {
			settings[s] = "off"
		}
	}
	args := []string{"-c", keeper, "sh", dir, postgres, "-D", data}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	s := &Server{
		URL: "postgres://postgres@/postgres?host=" + url.QueryEscape(dir),
		cmd: exec.Command("/bin/sh", args...),
	}
	s.cmd.SysProcAttr = attr
	s.cmd.Dir = dir
	if s.life, err = s.cmd.StdinPipe(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.ready(ctx); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return nil, errors.Join(fmt.Errorf("server does not answer: %w: %s", err, bytes.TrimSpace(log)), s.Stop())
	}
	return s, nil
}

// Stop ends the server and removes its files.
func (s *Server) Stop() error {
	_ = s.life.Close()
	_ = s.cmd.Wait() // its status is that of rm
	return nil
}

func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	pool, err := sql.Open("pgx", s.URL)
	if err != nil {
		return err
	}
	defer pool.Close()
	for {
		err := pool.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// binaries finds initdb and postgres, the newest version first.
func binaries() (initdb, postgres string, err error) {
	var dirs []string
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	version := func(dir string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		return n
	}
	sort.Slice(found, func(i, j int) bool { return version(found[i]) > version(found[j]) })
	for _, dir := range append(dirs, found...) {
		initdb, postgres = filepath.Join(dir, "initdb"), filepath.Join(dir, "postgres")
		if executable(initdb) && executable(postgres) {
			return initdb, postgres, nil
		}
	}
	return "", "", ErrNoPostgres
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// account decides who runs the server: PostgreSQL refuses root. The directory
// is given to that account. The server gets a session of its own, so that an
// interrupt at the terminal reaches the tests first.
func account(dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setsid: true}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	var u *user.User
	var err error
	for _, name := range []string{"postgres", "nobody"} {
		if u, err = user.Lookup(name); err == nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("an account to run PostgreSQL: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, os.Chown(dir, int(uid), int(gid))
}

// Database returns the URL of another database of the same server.
func Database(server, name string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return "", fmt.Errorf("the server's URL is no postgres:// URL")
	}
	u.Path = "/" + name
	return u.String(), nil
}
