package gost

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// rounds is how many random values go through OpenSSL each way; 1,000 takes about two minutes.
var rounds = flag.Int("gost.rounds", 20, "random values exchanged with OpenSSL in each direction")

// openssl runs the program with the gost engine in a directory of its own.
type openssl struct {
	t   testing.TB
	dir string
}

// newOpenSSL skips the test if there is no OpenSSL with the engine, and fails it under TEST_REQUIRE=all.
func newOpenSSL(t testing.TB) *openssl {
	t.Helper()
	out, err := exec.Command("openssl", "engine", "-t", "gost").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("[ available ]")) {
		if os.Getenv("TEST_REQUIRE") == "all" {
			t.Fatalf("openssl with the gost engine is required: %v\n%s", err, out)
		}
		t.Skipf("openssl with the gost engine is not here: %v", err)
	}
	o := &openssl{t, t.TempDir()}
	o.write("gost.cnf", []byte("openssl_conf = c\n[c]\nengines = e\n[e]\ngost = g\n[g]\nengine_id = gost\ndefault_algorithms = ALL\n"+
		"[req]\ndistinguished_name = dn\n[dn]\n"))
	return o
}

func (o *openssl) write(name string, data []byte) {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, name), data, 0o600); err != nil {
		o.t.Fatal(err)
	}
}

func (o *openssl) read(name string) []byte {
	o.t.Helper()
	b, err := os.ReadFile(filepath.Join(o.dir, name))
	if err != nil {
		o.t.Fatal(err)
	}
	return b
}

func (o *openssl) try(args ...string) ([]byte, error) {
	cmd := exec.Command("openssl", args...)
	cmd.Dir = o.dir
	cmd.Env = append(os.Environ(), "OPENSSL_CONF="+filepath.Join(o.dir, "gost.cnf"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return append(out, stderr.Bytes()...), err
	}
	return out, nil
}

// run fails the test if the program does.
func (o *openssl) run(args ...string) []byte {
	o.t.Helper()
	out, err := o.try(args...)
	if err != nil {
		o.t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return out
}
