package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFlagsWinOverTheEnvironment(t *testing.T) {
	environment := map[string]string{"PORTAL_ISSUER": "https://id.example.ru", "PORTAL_CLIENT_ID": "env", "PORTAL_AGENCY": "false"}
	s, err := readSettings([]string{"-client-id", "flag"}, func(name string) string { return environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	if s.issuer != "https://id.example.ru" || s.clientID != "flag" || s.agency || s.listen != "127.0.0.1:8081" {
		t.Errorf("settings = %+v", s)
	}
	environment["PORTAL_AGENCY"] = "perhaps"
	if _, err := readSettings(nil, func(name string) string { return environment[name] }); err == nil || !strings.Contains(err.Error(), "PORTAL_AGENCY") {
		t.Errorf("error = %v, want one that names PORTAL_AGENCY", err)
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	none := func(string) string { return "" }
	empty := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"-client-secret-file": {"-client-secret-file", empty},
		"exclude each other":  {"-client-secret-file", empty, "-client-secret", "x"},
		"Issuer":              {"-issuer", "id.example.ru"},
		"IDTokenAlg":          {"-id-token-alg", "none"},
	} {
		s, err := readSettings(args, none)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.client(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: error = %v, want one that names %s", args, err, name)
		}
	}
}

func TestPortalServesWithoutItsProviderAndStops(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	s, err := readSettings([]string{"-listen", address, "-url", "http://" + address, "-issuer", "http://127.0.0.1:1"}, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, s) }()
	var response *http.Response
	for deadline := time.Now().Add(5 * time.Second); ; {
		if response, err = http.Get("http://" + address + "/"); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || !strings.Contains(string(body), "Вход сейчас не отвечает") {
		t.Errorf("page = %s, %v", body, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run = %v", err)
	}
}
