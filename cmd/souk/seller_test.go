package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
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
