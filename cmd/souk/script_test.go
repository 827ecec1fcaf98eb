package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"souk": main})
}

// TestScripts runs the commands as people type them. Beside testscript's own words
// the scripts know:
//
//	port NAME                  puts a free port of this machine into $NAME
//	certificate CERT KEY       writes a certificate for localhost and its key
//	fetch URL STATUS [TEXT]    waits until URL answers STATUS (with TEXT in the body)
//	cut FROM TO                copies all but the last fifth of a file
//	run CODE ARGUMENT…         runs a command that needs no process of its own; it must end with CODE
//	bytes FILE TEXT [newline]  writes a file of exactly this text
//	silent URL                 checks that nobody listens there any more
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"port":        port,
			"certificate": certificate,
			"fetch":       fetch,
			"silent":      silent,
			"cut":         cut,
			"bytes":       exactly,
			"run":         inside,
		},
		Deadline: time.Now().Add(4 * time.Minute),
	})
}

func port(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	ts.Check(l.Close())
}

func certificate(ts *testscript.TestScript, _ bool, args []string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	ts.Check(err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600))
}

var web = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}

func fetch(ts *testscript.TestScript, _ bool, args []string) {
	status, err := strconv.Atoi(args[1])
	ts.Check(err)
	last := "no answer"
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		a, err := web.Get(args[0])
		if err != nil {
			last = err.Error()
			continue
		}
		body, _ := io.ReadAll(a.Body)
		a.Body.Close()
		if a.StatusCode == status && (len(args) < 3 || strings.Contains(string(body), args[2])) {
			return
		}
		last = a.Status + " " + string(body[:min(len(body), 400)])
	}
	ts.Fatalf("%s never answered %s: %s", args[0], strings.Join(args[1:], " "), last)
}

// inside is many times faster than a process.
func inside(ts *testscript.TestScript, _ bool, args []string) {
	code, err := strconv.Atoi(args[0])
	ts.Check(err)
	root := rootCommand()
	given := append([]string{}, args[1:]...)
	for i, arg := range given {
		if i > 0 && given[i-1] == "--body" && arg != "-" && arg != "" {
			given[i] = ts.MkAbs(arg)
		}
	}
	root.SetArgs(given)
	root.SetOut(ts.Stdout())
	root.SetErr(ts.Stderr())
	if got := execute(context.Background(), root); got != code {
		ts.Fatalf("exit code %d, want %d", got, code)
	}
}

func exactly(ts *testscript.TestScript, _ bool, args []string) {
	text := args[1]
	if len(args) > 2 {
		text += "\n"
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

func cut(ts *testscript.TestScript, _ bool, args []string) {
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b[:len(b)*4/5], 0o600))
}

func silent(ts *testscript.TestScript, _ bool, args []string) {
	if a, err := web.Get(args[0]); err == nil {
		a.Body.Close()
		ts.Fatalf("%s still answers", args[0])
	}
}
