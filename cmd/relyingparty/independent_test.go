package main_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/go-jose/go-jose/v4"

	"propusk/idp/web/webtest"
)

// Independent clients, written by others, complete login, refresh, userinfo and logout. testdata/clients holds what they run.

const clientsDir = "../../testdata/clients"

// nodeClient is what login.mjs is told: the client it is and what it must be answered about the citizen.
type nodeClient struct {
	Issuer     string           `json:"issuer"`
	ID         string           `json:"client_id"`
	Auth       string           `json:"auth"`
	Secret     string           `json:"secret,omitempty"`
	Key        *jose.JSONWebKey `json:"key,omitempty"`
	Alg        string           `json:"alg"`
	Redirect   string           `json:"redirect_uri"`
	PostLogout string           `json:"post_logout_redirect_uri"`
	Name       string           `json:"name"`
	Email      string           `json:"email"`
	Tier       string           `json:"tier"`
	TierMethod string           `json:"tier_method"`
	ACR        string           `json:"acr"`
	method     string           // tier_method of the citizen who signs in
}

func (c nodeClient) registration() map[string]any {
	r := map[string]any{"client_id": c.ID, "client_name": c.ID, "redirect_uris": []string{c.Redirect},
		"post_logout_redirect_uris": []string{c.PostLogout}, "grant_types": []string{"authorization_code", "refresh_token"},
		"token_endpoint_auth_method": c.Auth, "id_token_signed_response_alg": c.Alg, "scope": "openid profile email offline_access"}
	if c.Secret != "" {
		r["client_secret"] = c.Secret
	}
	if c.Key != nil {
		r["jwks"] = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{c.Key.Public()}}
	}
	return r
}

func nodeClients(t *testing.T) []nodeClient {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := &jose.JSONWebKey{Key: private, KeyID: "client-key", Algorithm: "ES256", Use: "sig"}
	// RFC 6749, 2.3.1: in the header these characters are form-encoded, in the body they are as in any form.
	secret := "s%3A+:/é &" + rand.Text()
	list := []nodeClient{
		{ID: "basic", Auth: "client_secret_basic", Secret: secret, Alg: "ES256", Tier: "confirmed", method: "centre"},
		{ID: "post", Auth: "client_secret_post", Secret: secret, Alg: "RS256", Tier: "standard"},
		{ID: "private-key", Auth: "private_key_jwt", Key: key, Alg: "ES256", Tier: "confirmed", method: "bank"},
		{ID: "basic-eddsa", Auth: "client_secret_basic", Secret: secret, Alg: "EdDSA", Tier: "confirmed", method: "letter"},
		{ID: "post-ps256", Auth: "client_secret_post", Secret: secret, Alg: "PS256", Tier: "confirmed", method: "signature"},
		{ID: "public", Auth: "none", Alg: "RS256", Tier: "simplified"},
	}
	for i := range list {
		c := &list[i]
		c.Redirect, c.PostLogout = "http://127.0.0.1:9/callback", "http://127.0.0.1:9/left"
		c.TierMethod, c.ACR = c.method, "urn:propusk:acr:"+c.Tier
	}
	return list
}

func TestNodeOpenIDClientCompletesLoginRefreshUserinfoLogout(t *testing.T) {
	modules := nodeModules(t)
	clients := nodeClients(t)
	var registrations []any
	for _, c := range clients {
		registrations = append(registrations, c.registration())
	}
	s := startStand(t, registrations)
	for _, c := range clients {
		t.Run(c.Auth+" "+c.Alg, func(t *testing.T) {
			citizen := s.citizen(t, c.Tier, c.method)
			c.Issuer, c.Name, c.Email = s.issuer, citizen.Name, citizen.Email
			runNode(t, modules, c, newBrowser(t, citizen, "http://127.0.0.1:9/"))
		})
	}
}

// nodeModules is a folder with openid-client: TEST_NODE_MODULES, else one filled by npm ci and kept in the user's cache.
func nodeModules(t *testing.T) string {
	if _, err := exec.LookPath("node"); err != nil {
		webtest.Skip(t, "there is no node")
	}
	if dir := os.Getenv("TEST_NODE_MODULES"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		webtest.Skip(t, "TEST_NODE_MODULES is not set and there is no cache folder: "+err.Error())
	}
	lock := readClientFile(t, "package-lock.json")
	dir := filepath.Join(cache, "propusk-test", "node")
	modules := filepath.Join(dir, "node_modules")
	if kept, err := os.ReadFile(filepath.Join(dir, "installed.json")); err == nil && bytes.Equal(kept, lock) {
		return modules
	}
	writeFile(t, filepath.Join(dir, "package.json"), readClientFile(t, "package.json"))
	writeFile(t, filepath.Join(dir, "package-lock.json"), lock)
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		webtest.Skip(t, "npm ci: "+err.Error()+"\n"+string(out))
	}
	writeFile(t, filepath.Join(dir, "installed.json"), lock)
	return modules
}

// runNode runs login.mjs and opens in the browser what it asks to open.
func runNode(t *testing.T, modules string, c nodeClient, b *browser) {
	told, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	node := exec.CommandContext(t.Context(), "node", filepath.Join(clientsDir, "login.mjs"), string(told))
	node.Env = append(os.Environ(), "TEST_NODE_MODULES="+modules)
	node.Stderr = &complaints
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	done := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var said struct {
			Open string
			Done map[string]any
		}
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			t.Fatalf("login.mjs said %q: %v", lines.Text(), err)
		}
		if done = said.Done != nil; !done {
			_, _ = io.WriteString(in, b.open(said.Open).address+"\n") // if it is gone, Wait says why
		}
	}
	if err := node.Wait(); err != nil || !done {
		t.Fatalf("login.mjs: %v, done %v\n%s", err, done, complaints.String())
	}
}

// apacheSite fills apache.conf.
type apacheSite struct {
	Port, Dir, Modules, Issuer, ClientID, Secret, URL, Passphrase string
	Root                                                          bool
}

func TestApacheModAuthOpenIDCCompletesLoginRefreshUserinfoLogout(t *testing.T) {
	site := newApacheSite(t)
	s := startStand(t, []any{map[string]any{"client_id": site.ClientID, "client_name": "Apache", "client_secret": site.Secret,
		"redirect_uris": []string{site.URL + "/protected/callback"}, "post_logout_redirect_uris": []string{site.URL + "/"},
		"scope": "openid profile email offline_access"}})
	site.Issuer = s.issuer
	startApache(t, site)
	citizen := s.citizen(t, "confirmed", "centre")
	b := newBrowser(t, citizen, "")
	p := b.open(site.URL + "/protected/")
	checkApachePage(t, p, citizen)

	info := b.info(site.URL + "/protected/callback?info=json")
	if info.Userinfo["email"] != citizen.Email || info.Userinfo["sub"] != p.header.Get("X-User") || info.IDToken["tier"] != "confirmed" || info.RefreshToken == "" {
		t.Errorf("info hook = %+v", info)
	}
	p = b.open(site.URL + "/protected/callback?" + url.Values{"refresh": {site.URL + "/protected/"}, "access_token": {info.AccessToken}}.Encode())
	checkApachePage(t, p, citizen)
	fresh := b.info(site.URL + "/protected/callback?info=json")
	if fresh.AccessToken == info.AccessToken || fresh.AccessToken == "" || p.header.Get("X-Access-Token") != fresh.AccessToken {
		t.Errorf("after refresh: access token %q, page %q, before %q", fresh.AccessToken, p.header.Get("X-Access-Token"), info.AccessToken)
	}
	if p = b.open(site.URL + "/protected/callback?logout=" + url.QueryEscape(site.URL+"/")); p.address != site.URL+"/" || !strings.Contains(p.body, "public page") {
		t.Fatalf("after logout: %s\n%s", p.address, p.body)
	}
	b.citizen = person{} // whoever asks for a password now finds out
	if p = b.open(site.URL + "/protected/"); p.step() != "login" || !strings.HasPrefix(p.address, s.issuer+"/login") {
		t.Errorf("after logout the protected page leads to %s, step %q; want the sign-in page", p.address, p.step())
	}
}

func checkApachePage(t *testing.T, p page, citizen person) {
	t.Helper()
	h := p.header
	if !strings.Contains(p.body, "protected page") || h.Get("X-User") == "" || h.Get("X-Tier") != "confirmed" ||
		h.Get("X-Acr") != "urn:propusk:acr:confirmed" || h.Get("X-Email") != citizen.Email {
		t.Fatalf("%s: status %d, header %v\n%s", p.address, p.status, h, p.body)
	}
}

func newApacheSite(t *testing.T) apacheSite {
	const modules = "/usr/lib/apache2/modules"
	if _, err := os.Stat(modules + "/mod_auth_openidc.so"); err != nil {
		webtest.Skip(t, "there is no Apache with mod_auth_openidc: "+err.Error())
	}
	// t.TempDir is closed to www-data.
	dir, err := os.MkdirTemp("", "propusk-apache-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "www", "index.html"), []byte("<p>the public page\n"))
	writeFile(t, filepath.Join(dir, "www", "protected", "index.html"), []byte("<p>the protected page\n"))
	port := freePort(t)
	return apacheSite{Port: port, Dir: dir, Modules: modules, ClientID: "apache", Secret: "apache+:%/" + rand.Text(),
		URL: "http://localhost:" + port, Passphrase: rand.Text(), Root: os.Getuid() == 0}
}

func startApache(t *testing.T, site apacheSite) {
	var text bytes.Buffer
	if err := template.Must(template.ParseFiles(filepath.Join(clientsDir, "apache.conf"))).Execute(&text, site); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(site.Dir, "apache.conf")
	writeFile(t, config, text.Bytes())
	program := "/usr/sbin/apache2"
	if found, err := exec.LookPath("apache2"); err == nil {
		program = found
	}
	var out bytes.Buffer
	apache := exec.Command(program, "-d", site.Dir, "-f", config, "-DFOREGROUND")
	apache.Stdout, apache.Stderr = &out, &out
	if err := apache.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = apache.Wait(); close(ended) }()
	t.Cleanup(func() {
		stop(apache, ended)
		if log, err := os.ReadFile(filepath.Join(site.Dir, "error.log")); err == nil && t.Failed() {
			t.Logf("error.log of Apache:\n%s\n%s", log, out.String())
		}
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if r, err := http.Get(site.URL + "/"); err == nil {
			_ = r.Body.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("apache2 ended: %s", out.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("apache2 does not answer: %s", out.String())
		}
	}
}

func readClientFile(t *testing.T, name string) []byte {
	text, err := os.ReadFile(filepath.Join(clientsDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func writeFile(t *testing.T, path string, text []byte) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
