package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-market/souk/protocol/sealed"
)

func TestSellerCommandListensAndStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	cmd := sellerCommand()
	cmd.SetArgs([]string{"--protocol", "v1", "--key", "k", "--data", t.TempDir(), "--fault", "slow=3s@upgrade"})
	out, in := io.Pipe()
	cmd.SetOut(in)
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(ctx) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address, found := strings.CutPrefix(strings.TrimSpace(line), "listening on http://")
	if !found || !strings.HasSuffix(address, "/produce") {
		t.Fatalf("printed %q", line)
	}
	response, err := http.Get("http://" + strings.TrimSuffix(address, "/produce") + "/fault")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); string(text) != "{\"faults\":[\"slow=3s@upgrade\"]}\n" {
		t.Errorf("faults are %s", text)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// The key for clientSecret is the one given, and its public half is shown.
func TestSellerCommandTakesAnRSAKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	cmd := sellerCommand()
	cmd.SetArgs([]string{"--key", "k", "--kit-key", "kit", "--license-key", "license", "--data", t.TempDir(), "--rsa-key", path, "--oaep", "sha256"})
	out, in := io.Pipe()
	cmd.SetOut(in)
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(ctx) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "listening on "), "/produce")
	response, err := http.Get(address + "/public-key")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if shown, err := sealed.ParsePublicKey(string(text)); err != nil || !shown.Equal(&key.PublicKey) {
		t.Errorf("%s %v", text, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestSellerCommandRefusesAndHelps(t *testing.T) {
	for _, args := range [][]string{{}, {"--key", "k", "--bits", "192"}, {"--key", "k", "--protocol", "v3"}, {"--key", "k", "--fault", "nonsense"}, {"--key", "k", "--listen", "nowhere:x"}, {"--key", "k", "--rsa-key", "nowhere"}, {"--key", "k", "--oaep", "md5"}} {
		cmd := sellerCommand()
		cmd.SetArgs(append(args, "--data", t.TempDir()))
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		if cmd.Execute() == nil {
			t.Errorf("%v was accepted", args)
		}
	}
	cmd := sellerCommand()
	var out strings.Builder
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"--faults"})
	if err := cmd.Execute(); err != nil || !strings.Contains(out.String(), "drop-after-act") {
		t.Errorf("%v %s", err, out.String())
	}
}
