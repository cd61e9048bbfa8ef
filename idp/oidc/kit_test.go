package oidc_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

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
	secret   = "a-secret-of-a-client-that-is-long-enough-for-anything"
	password = "Zvonkij-482-bereg"
	phone    = "+79005550142"
	email    = "planted.address@example.ru"
	formType = "application/x-www-form-urlencoded"
)

// The clients of these tests. "portal" is the usual one; the others differ from it by what their name says.
const portalRest = `"redirect_uris": ["` + callback + `"], "post_logout_redirect_uris": ["https://portal.example.ru/"],
	"grant_types": ["authorization_code", "refresh_token"], "scope": "openid profile email phone offline_access"`

const withSecret = `"client_secret": "` + secret + `", `

const clientList = `[{"client_id": "portal", "client_name": "Portal", ` + withSecret + portalRest + `},
	{"client_id": "post", "client_name": "Post", "token_endpoint_auth_method": "client_secret_post", ` + withSecret + portalRest + `},
	{"client_id": "loose", "client_name": "Loose", "require_pkce": false, ` + withSecret + portalRest + `},
	{"client_id": "opaque", "client_name": "Opaque", "access_token_format": "opaque", ` + withSecret + portalRest + `},
	{"client_id": "ed", "client_name": "Ed", "id_token_signed_response_alg": "EdDSA", ` + withSecret + portalRest + `},
	{"client_id": "rsa", "client_name": "Rsa", "id_token_signed_response_alg": "PS256", ` + withSecret + portalRest + `},
	{"client_id": "spa", "client_name": "Spa", "token_endpoint_auth_method": "none", ` + portalRest + `},
	{"client_id": "signer", "client_name": "Signer", "token_endpoint_auth_method": "private_key_jwt", "jwks": JWKS,
		"redirect_uris": ["` + callback + `"], "grant_types": ["authorization_code", "client_credentials"], "scope": "openid records"},
	{"client_id": "machine", "client_name": "Machine", ` + withSecret + `"grant_types": ["client_credentials"], "scope": "records"}]`

// wide are limits that no test meets; a test may narrow them.
var wide = authn.Limits{NetworkTries: 1 << 30, CodesPerHour: 1 << 30, CodesPerDay: 1 << 30}

// world is a stand in this process with the clients above and one citizen, who signs in by the password alone.
type world struct {
	server *server.Server
	keys   *signerKey
}

func newWorld(t *testing.T) *world { return worldOn(t, storetest.SQLite(t)) }

func worldOn(t *testing.T, db *store.DB) *world {
	t.Helper()
	master, _ := keys.NewMaster()
	must(t, server.KeepKeys(t.Context(), db, master, time.Now()))
	w := &world{keys: newSignerKey(t)}
	list, err := grant.ReadRegistrations([]byte(strings.Replace(clientList, "JWKS", w.keys.jwks, 1)))
	must(t, err)
	for _, r := range list {
		row, err := r.Row(master, time.Now().Unix())
		must(t, err)
		must(t, db.InTx(t.Context(), func(tx *store.Tx) error { _, err := tx.PutClient(t.Context(), row); return err }))
	}
	settings := server.Settings{Issuer: issuer, Master: master, Limits: wide, PasswordPolicy: authn.PolicyState}
	w.server, err = server.New(t.Context(), settings, db, &server.StandOptions{Portal: "http://localhost:8081"})
	must(t, err)
	citizen, err := json.Marshal(map[string]string{"name": lastName + " " + firstName, "phone": phone, "email": email, "password": password,
		"second_factor": "none", "tier": "simplified"})
	must(t, err)
	if got := w.ask(http.MethodPost, "/dev/citizens", string(citizen), "Content-Type", "application/json"); got.Code != http.StatusCreated {
		t.Fatalf("POST /dev/citizens = %d %s", got.Code, got.Body)
	}
	return w
}

const (
	lastName  = "Подсадная"
	firstName = "Аглая"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask sends one request without cookies. pairs are headers.
func (w *world) ask(method, path, body string, pairs ...string) *httptest.ResponseRecorder {
	r := &http.Request{Method: method, Header: http.Header{}, Host: "localhost:8080", RemoteAddr: "192.0.2.1:1234", Proto: "HTTP/1.1", ProtoMajor: 1,
		ProtoMinor: 1, RequestURI: path}
	r.URL, _ = url.ParseRequestURI(path)
	if body != "" || method == http.MethodPost {
		r = httptest.NewRequest(method, "/", strings.NewReader(body))
		r.URL, _ = url.ParseRequestURI(path)
		r.RequestURI = path
	}
	for i := 0; i < len(pairs); i += 2 {
		r.Header.Add(pairs[i], pairs[i+1])
	}
	out := httptest.NewRecorder()
	w.server.Handler().ServeHTTP(out, r)
	return out
}

func basic(client string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(client+":"+secret))
}

// post sends a form as a client that authenticates by Basic; as "" it does not.
func (w *world) post(client, path string, form url.Values, pairs ...string) *httptest.ResponseRecorder {
	pairs = append(pairs, "Content-Type", formType)
	if client != "" {
		pairs = append(pairs, "Authorization", basic(client))
	}
	return w.ask(http.MethodPost, path, form.Encode(), pairs...)
}

// reply is any JSON answer.
type reply map[string]any

func (r reply) text(name string) string { s, _ := r[name].(string); return s }

func read(t *testing.T, got *httptest.ResponseRecorder) reply {
	t.Helper()
	var out reply
	if err := json.Unmarshal(got.Body.Bytes(), &out); err != nil {
		t.Fatalf("%d %s: %v", got.Code, got.Body, err)
	}
	return out
}

// wants holds the status and the error code of an answer for programs.
func wants(t *testing.T, got *httptest.ResponseRecorder, status int, code string) reply {
	t.Helper()
	body := read(t, got)
	if got.Code != status || body.text("error") != code {
		t.Fatalf("answer = %d %s, want %d %q", got.Code, got.Body, status, code)
	}
	return body
}

// browser keeps cookies and follows what the provider says.
type browser struct {
	*world
	cookies map[string]string
}

func (w *world) browser() *browser { return &browser{w, map[string]string{}} }

func (b *browser) do(method, path, body string) *httptest.ResponseRecorder {
	var pairs []string
	for name, value := range b.cookies {
		pairs = append(pairs, name+"="+value)
	}
	header := []string{"User-Agent", "Mozilla/5.0", "Accept-Language", "ru", "Cookie", strings.Join(pairs, "; ")}
	if method == http.MethodPost {
		header = append(header, "Content-Type", formType, "Sec-Fetch-Site", "same-origin")
	}
	got := b.ask(method, path, body, header...)
	for _, c := range got.Result().Cookies() {
		b.cookies[c.Name] = c.Value
	}
	return got
}

// request is an authorization request as it should be, with changes: pairs of a name and a value; an empty value takes it out.
func request(client string, changes ...string) string {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{"client_id": {client}, "redirect_uri": {callback}, "response_type": {"code"}, "nonce": {"n-1"}, "state": {"s-1"},
		"scope": {"openid profile"}, "code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}}
	for i := 0; i < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return "/authorize?" + q.Encode()
}

// login follows an authorization request until the portal is reached, filling every form on the way, and returns its answer.
func (b *browser) login(t *testing.T, path string) url.Values {
	t.Helper()
	method, body := http.MethodGet, ""
	for range 14 {
		got := b.do(method, path, body)
		method, body, path = http.MethodGet, "", strings.TrimPrefix(got.Header().Get("Location"), issuer)
		switch {
		case got.Code >= 400:
			t.Fatalf("answer = %d %s", got.Code, got.Body)
		case strings.HasPrefix(path, callback):
			u, err := url.Parse(path)
			must(t, err)
			return u.Query()
		case path == "":
			method = http.MethodPost
			path, body = filled(got.Body.String())
		}
	}
	t.Fatalf("no answer for the portal; at %s", path)
	return nil
}

// filled is the first form of a page as the citizen fills it.
func filled(page string) (action, body string) {
	form := between(page, `<form method="post"`, `</form>`)
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

func (b *browser) code(t *testing.T, client string, changes ...string) string {
	t.Helper()
	answer := b.login(t, request(client, changes...))
	if answer.Get("code") == "" {
		t.Fatalf("answer = %v, want a code", answer)
	}
	return answer.Get("code")
}

func redemption(code string, changes ...string) url.Values {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return form
}

// tokens signs in and redeems, as a client that authenticates by Basic.
func (b *browser) tokens(t *testing.T, client string, changes ...string) reply {
	t.Helper()
	got := b.post(client, "/token", redemption(b.code(t, client, changes...)))
	if got.Code != http.StatusOK {
		t.Fatalf("token = %d %s", got.Code, got.Body)
	}
	return read(t, got)
}

// claims of a JWT, unverified.
func claims(t *testing.T, token string, part int) reply {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[part])
	must(t, err)
	var out reply
	must(t, json.Unmarshal(raw, &out))
	return out
}

func (w *world) userinfo(token string) *httptest.ResponseRecorder {
	return w.ask(http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+token)
}
