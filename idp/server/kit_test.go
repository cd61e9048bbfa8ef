package server_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/grant"
	"propusk/idp/server"
	"propusk/keys"
	"propusk/store"
	"propusk/store/storetest"
)

const (
	issuer   = "http://localhost:8080"
	callback = "https://portal.example.ru/callback"
	verifier = "a-verifier-of-at-least-forty-three-characters-0"
	password = "Tihij-482-bereg"
	phone    = "+79001234567"
	secret   = "a-secret-of-a-client-that-is-long-enough-for-anything"
	portal   = `"client_secret": "` + secret + `", "redirect_uris": ["` + callback + `"], "grant_types": ["authorization_code", "refresh_token"],
		"scope": "openid profile offline_access"`
	machine = `"client_secret": "` + secret + `", "grant_types": ["client_credentials"], "scope": "records"`
	clients = `[{"client_id": "portal", "client_name": "Portal", ` + portal + `},
		{"client_id": "portal-rs256", "client_name": "Portal", "id_token_signed_response_alg": "RS256", ` + portal + `},
		{"client_id": "portal-opaque", "client_name": "Portal", "access_token_format": "opaque", ` + portal + `},
		{"client_id": "machine", "client_name": "Machine", ` + machine + `},
		{"client_id": "machine-opaque", "client_name": "Machine", "access_token_format": "opaque", ` + machine + `}]`
)

// provider is a server on a database with clients and a citizen that signs in by its password.
type provider struct {
	address    string // of the database
	masterText string
	inProcess  sender
	sso        *visitor // signed in
}

func newProvider(tb testing.TB, address string) *provider {
	tb.Helper()
	slog.SetDefault(slog.New(slog.NewJSONHandler(io.Discard, nil)))
	db := storetest.Open(tb, address)
	m, text := keys.NewMaster()
	p := &provider{address: address, masterText: text}
	check(tb, server.KeepKeys(tb.Context(), db, m, time.Now()))
	check(tb, db.InTx(tb.Context(), func(tx *store.Tx) error { return fill(tb.Context(), tx, m) }))
	limits := authn.DefaultLimits
	limits.NetworkTries = 1 << 30
	s, err := server.New(tb.Context(), server.Settings{Issuer: issuer, Master: m, Limits: limits, PasswordPolicy: authn.PolicyState}, db, nil)
	check(tb, err)
	p.inProcess = func(r *http.Request) *http.Response {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Result()
	}
	return p
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func fill(ctx context.Context, tx *store.Tx, m *keys.Master) error {
	now := time.Now().Unix()
	list, err := grant.ReadRegistrations([]byte(clients))
	if err != nil {
		return err
	}
	for _, r := range list {
		row, err := r.Row(m, now)
		if err != nil {
			return err
		}
		if _, err := tx.PutClient(ctx, row); err != nil {
			return err
		}
	}
	hash, err := authn.NewHashPool(1, 1, time.Minute).Hash(ctx, password)
	if err != nil {
		return err
	}
	a := idp.Account{OID: idp.NewOID(), Status: idp.Active, Tier: idp.Simplified, TierAt: now, Person: idp.Person{LastName: "Иванова", FirstName: "Анна"},
		Phone: phone, PhoneVerifiedAt: now, Language: idp.Russian, PasswordHash: hash, PasswordAt: now, SecondFactor: idp.NoFactor,
		CreatedAt: now, UpdatedAt: now}
	if _, err := tx.AddAccount(ctx, a, "test"); err != nil {
		return err
	}
	_, err = tx.AddIdentifier(ctx, a.Phone.Identifier(), a.OID, now)
	return err
}

// verifyOnce does what a sign-in must: one hash.
func verifyOnce() {
	if _, err := authn.NewHashPool(1, 1, time.Minute).Hash(context.Background(), password); err != nil {
		panic(err)
	}
}

// startChild runs the program on the provider's database and returns the way to ask it, and the clock of its processor time.
func (p *provider) startChild(tb testing.TB) (sender, func() time.Duration) {
	tb.Helper()
	dir := tb.TempDir()
	out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "idp"), "propusk/cmd/idp").CombinedOutput()
	if err != nil {
		tb.Fatalf("build: %v\n%s", err, out)
	}
	check(tb, os.WriteFile(filepath.Join(dir, "master.key"), []byte(p.masterText), 0o600))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(tb, err)
	addr := l.Addr().String()
	check(tb, l.Close())
	cmd := exec.Command(filepath.Join(dir, "idp"), "serve")
	cmd.Env = append(os.Environ(), "IDP_ISSUER="+issuer, "IDP_DATABASE="+p.address, "IDP_MASTER_KEY_FILE="+filepath.Join(dir, "master.key"),
		"IDP_LISTEN="+addr, "IDP_ADMIN_LISTEN=127.0.0.1:0")
	check(tb, cmd.Start())
	tb.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	for range 1000 {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return func(r *http.Request) *http.Response {
		r.RequestURI = ""
		res, err := transport.RoundTrip(r)
		check(tb, err)
		return res
	}, func() time.Duration { return processTime(tb, cmd.Process.Pid) }
}

// anyGood is a page or a redirect.
const anyGood = 0

// sender asks a provider, wherever it runs.
type sender func(*http.Request) *http.Response

func (send sender) must(tb testing.TB, method, path string, header http.Header, body string, status int) (*http.Response, []byte) {
	tb.Helper()
	r := httptest.NewRequest(method, issuer+path, strings.NewReader(body))
	if header != nil {
		r.Header = header
	}
	res := send(r)
	text, err := io.ReadAll(res.Body)
	check(tb, err)
	_ = res.Body.Close()
	if res.StatusCode != status && (status != anyGood || res.StatusCode >= 400) {
		tb.Fatalf("%s %s: status %d, want %d\n%.1000s", method, path, res.StatusCode, status, text)
	}
	return res, text
}

// answer is of the token endpoint or of introspection.
type answer struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Active  bool   `json:"active"`
}

func (send sender) mustPost(tb testing.TB, client, path string, form url.Values) (out answer) {
	tb.Helper()
	_, text := send.must(tb, http.MethodPost, path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"},
		"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(client+":"+secret))}}, form.Encode(), http.StatusOK)
	check(tb, json.Unmarshal(text, &out))
	return out
}

// visitor is a browser.
type visitor struct {
	send    sender
	cookies map[string]string
}

func newVisitor(send sender) *visitor { return &visitor{send: send, cookies: map[string]string{}} }

func (v *visitor) do(tb testing.TB, method, path, body string, status int) (location string, text []byte) {
	tb.Helper()
	header := http.Header{"User-Agent": {"Mozilla/5.0"}}
	if body != "" {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	var pairs []string
	for name, value := range v.cookies {
		pairs = append(pairs, name+"="+value)
	}
	header.Set("Cookie", strings.Join(pairs, "; "))
	res, text := v.send.must(tb, method, path, header, body, status)
	for _, c := range res.Cookies() {
		v.cookies[c.Name] = c.Value
	}
	return strings.TrimPrefix(res.Header.Get("Location"), issuer), text
}

// authorize asks for a code where nothing is left to ask the person, and returns it.
func (v *visitor) authorize(tb testing.TB, client string) string {
	tb.Helper()
	location := authorizePath(client)
	for range 5 {
		location, _ = v.do(tb, http.MethodGet, location, "", http.StatusSeeOther)
		if strings.HasPrefix(location, callback) {
			return codeOf(tb, location)
		}
	}
	tb.Fatalf("no code but %s", location)
	return ""
}

func authorizePath(client string) string {
	sum := sha256.Sum256([]byte(verifier))
	return "/authorize?" + url.Values{"client_id": {client}, "redirect_uri": {callback}, "response_type": {"code"}, "nonce": {"n"}, "state": {"s"},
		"scope": {"openid profile offline_access"}, "code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}}.Encode()
}

func codeOf(tb testing.TB, location string) string {
	tb.Helper()
	u, err := url.Parse(location)
	check(tb, err)
	if u.Query().Get("code") == "" {
		tb.Fatalf("no code in %s", location)
	}
	return u.Query().Get("code")
}

// signIn answers every page until the portal has a code.
func (p *provider) signIn(tb testing.TB, v *visitor) { p.codeFor(tb, v, "portal") }

func (p *provider) codeFor(tb testing.TB, v *visitor, client string) string {
	tb.Helper()
	location, text := authorizePath(client), []byte(nil)
	method, body := http.MethodGet, ""
	for range 14 {
		location, text = v.do(tb, method, location, body, anyGood)
		method, body = http.MethodGet, ""
		switch {
		case strings.HasPrefix(location, callback):
			return codeOf(tb, location)
		case location == "":
			method = http.MethodPost
			location, body = formOf(string(text))
		}
	}
	tb.Fatalf("no code; at %s", location)
	return ""
}

// formOf fills the first form of a page as the citizen of these tests does.
func formOf(text string) (action, body string) {
	form := between(text, `<form method="post"`, `</form>`)
	typed := url.Values{"login": {phone}, "password": {password}, "decision": {"allow"}}
	for _, input := range strings.Split(form, `<input type="hidden" `)[1:] {
		typed.Set(between(input, `name="`, `"`), html.UnescapeString(between(input, `value="`, `"`)))
	}
	return between(form, `action="`, `"`), typed.Encode()
}

func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

// code is one for a client, from the browser that is signed in.
func (p *provider) code(tb testing.TB, client string) string { return p.codeFor(tb, p.sso, client) }

func redemption(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
}

func (p *provider) tokens(tb testing.TB, client string) answer {
	tb.Helper()
	return p.inProcess.mustPost(tb, client, "/token", redemption(p.code(tb, client)))
}
