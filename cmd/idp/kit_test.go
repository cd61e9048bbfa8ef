package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/keys"
	"propusk/store"
	"propusk/store/storetest"
)

const (
	issuer   = "http://localhost:8080" // of every test: the browser dials whatever process it is told to
	callback = "https://portal.example.ru/callback"
	verifier = "a-verifier-of-at-least-forty-three-characters-0"
	password = "Tihij-482-bereg"
	clients  = `[{"client_id": "portal", "client_name": "Portal", "client_secret": "portal-secret-portal-secret-portal-secret",
		"redirect_uris": ["https://portal.example.ru/callback"], "grant_types": ["authorization_code", "refresh_token"],
		"token_endpoint_auth_method": "client_secret_basic", "scope": "openid profile offline_access", "require_pkce": true},
		{"client_id": "machine", "client_name": "Machine", "client_secret": "machine-secret-machine-secret-machine-secret",
		"grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic", "scope": "records"}]`
)

var programFolder string

func TestMain(m *testing.M) {
	var err error
	if programFolder, err = os.MkdirTemp("", "propusk-program-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(programFolder)
	os.Exit(code)
}

// program is the binary, built once as it is shipped.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programFolder, "idp")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// site is an installation: settings, a master key and a database.
type site struct {
	t        *testing.T
	settings map[string]string
	master   *keys.Master
}

// newSite migrates a database through the program and applies the clients.
func newSite(t *testing.T, database string) *site {
	t.Helper()
	m, text := keys.NewMaster()
	s := &site{t: t, master: m, settings: map[string]string{"IDP_ISSUER": issuer, "IDP_DATABASE": database,
		"IDP_MASTER_KEY_FILE": written(t, "master.key", text)}}
	s.must("migrate")
	s.must("client", "apply", written(t, "clients.json", clients))
	return s
}

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (s *site) command(args ...string) *exec.Cmd {
	s.t.Helper()
	path, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "IDP_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	for name, value := range s.settings {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// run runs a command to its end and answers its exit status and what it said.
func (s *site) run(args ...string) (int, string) {
	s.t.Helper()
	cmd := s.command(args...)
	timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func (s *site) must(args ...string) {
	s.t.Helper()
	if code, out := s.run(args...); code != 0 {
		s.t.Fatalf("idp %s: exit %d\n%s", strings.Join(args, " "), code, out)
	}
}

// addCitizen inserts an account that signs in by its password alone.
func (s *site) addCitizen(phone string) {
	s.t.Helper()
	db, err := store.Open(s.t.Context(), s.settings["IDP_DATABASE"], store.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	hash, err := authn.NewHashPool(1, 1, time.Minute).Hash(s.t.Context(), password)
	if err != nil {
		s.t.Fatal(err)
	}
	now := time.Now().Unix()
	a := idp.Account{OID: idp.NewOID(), Status: idp.Active, Tier: idp.Simplified, TierAt: now, Person: idp.Person{LastName: "Иванова", FirstName: "Анна"},
		Phone: idp.Phone(phone), PhoneVerifiedAt: now, Language: idp.Russian, PasswordHash: hash, PasswordAt: now, SecondFactor: idp.NoFactor,
		CreatedAt: now, UpdatedAt: now}
	err = db.InTx(s.t.Context(), func(tx *store.Tx) error {
		if _, err := tx.AddAccount(s.t.Context(), a, "test"); err != nil {
			return err
		}
		_, err := tx.AddIdentifier(s.t.Context(), a.Phone.Identifier(), a.OID, now)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// serving is a running `idp serve`.
type serving struct {
	cmd   *exec.Cmd
	addr  string
	ready time.Duration // from start to the first 200 of /readyz
	log   bytes.Buffer  // to be read after the process has ended
}

// serve starts a process on free ports and waits until it is ready.
func (s *site) serve() *serving {
	s.t.Helper()
	p := &serving{addr: freeAddress(s.t)}
	p.cmd = s.command("serve")
	p.cmd.Env = append(p.cmd.Env, "IDP_LISTEN="+p.addr, "IDP_ADMIN_LISTEN="+freeAddress(s.t))
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	start := time.Now()
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(p.kill)
	for {
		res, err := http.Get("http://" + p.addr + "/readyz")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				p.ready = time.Since(start)
				return p
			}
		}
		if time.Since(start) > 20*time.Second {
			p.kill()
			s.t.Fatalf("not ready after %v: %v\n%s", time.Since(start), err, p.log.String())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// kill ends the process as a power cut does, and waits for it.
func (p *serving) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// browser keeps cookies and speaks to the process that it is pointed at, whatever the host of the URL.
type browser struct {
	client *http.Client
	at     *serving
	from   string // address that a trusted proxy would tell; empty: none
}

func newBrowser(at *serving) *browser {
	b := &browser{at: at}
	jar, _ := cookiejar.New(nil)
	b.client = &http.Client{Jar: jar, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, b.at.addr)
		}}}
	return b
}

// page is an answer, read to its end.
type page struct {
	status   int
	location string
	body     string
}

func (b *browser) send(req *http.Request) (page, error) {
	if b.from != "" {
		req.Header.Set("X-Forwarded-For", b.from)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return page{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	p := page{status: res.StatusCode, body: string(body)}
	if l := res.Header.Get("Location"); l != "" && err == nil {
		var u *url.URL
		if u, err = req.URL.Parse(l); err == nil {
			p.location = u.String()
		}
	}
	return p, err
}

func (b *browser) get(address string) (page, error) {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return page{}, err
	}
	return b.send(req)
}

func (b *browser) post(address string, form url.Values) (page, error) {
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return page{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.send(req)
}

// step is the name of the page.
func (p page) step() string { return between(p.body, `data-step="`, `"`) }

// form reads the first form of the page: where it goes and what is hidden in it.
func (p page) form() (string, url.Values) {
	text := between(p.body, `<form method="post"`, `</form>`)
	hidden := url.Values{}
	for _, input := range strings.Split(text, `<input type="hidden" `)[1:] {
		hidden.Set(between(input, `name="`, `"`), between(input, `value="`, `"`))
	}
	return issuer + between(text, `action="`, `"`), hidden
}

func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

// answers are what the person types, by step.
var answers = map[string]url.Values{"login": {"password": {password}}, "consent": {"decision": {"allow"}}}

// signIn goes from the portal to its callback and answers the code. At each page it may be pointed at another process.
func (b *browser) signIn(phone string, turn func()) (string, error) {
	address := issuer + "/authorize?" + url.Values{"client_id": {"portal"}, "redirect_uri": {callback}, "response_type": {"code"},
		"scope": {"openid profile offline_access"}, "state": {"s"}, "nonce": {"n"}, "code_challenge_method": {"S256"}, "prompt": {"consent"},
		"code_challenge": {challengeOf(verifier)}}.Encode()
	p, err := b.get(address)
	for range 12 {
		if err != nil {
			return "", err
		}
		turn()
		if strings.HasPrefix(p.location, callback) {
			u, err := url.Parse(p.location)
			if err != nil || u.Query().Get("code") == "" {
				return "", fmt.Errorf("back at the portal without a code: %s %w", p.location, err)
			}
			return u.Query().Get("code"), nil
		}
		if p.location != "" {
			p, err = b.get(p.location)
			continue
		}
		typed, known := answers[p.step()]
		if !known || p.status != http.StatusOK {
			return "", fmt.Errorf("step %q, status %d: %.2000s", p.step(), p.status, p.body)
		}
		action, form := p.form()
		for name, value := range typed {
			form[name] = value
		}
		form.Set("login", phone)
		p, err = b.post(action, form)
	}
	return "", errors.New("the login does not end")
}

// tokens are the answer of the token endpoint or of introspection.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Error   string `json:"error"`
	Active  bool   `json:"active"`
	status  int
}

// asClient posts a form to an endpoint of a process as a client.
func asClient(at *serving, client, endpoint string, form url.Values) (tokens, error) {
	req, err := http.NewRequest(http.MethodPost, issuer+endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return tokens{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(client, strings.Repeat("-"+client+"-secret", 3)[1:])
	p, err := newBrowser(at).send(req)
	if err != nil {
		return tokens{}, err
	}
	out := tokens{status: p.status}
	return out, json.Unmarshal([]byte(p.body), &out)
}

func redemption(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
}

func refreshment(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

// within waits until something holds on every process, a second at most.
func within(t *testing.T, what string, all []*serving, holds func(*serving) bool) {
	t.Helper()
	deadline := time.Now().Add(time.Second)
	for _, p := range all {
		for !holds(p) {
			if time.Now().After(deadline) {
				t.Errorf("%s: not within a second", what)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// two starts two processes on one PostgreSQL.
func two(t *testing.T) (*site, []*serving) {
	t.Helper()
	s := newSite(t, storetest.PostgresURL(t))
	return s, []*serving{s.serve(), s.serve()}
}
