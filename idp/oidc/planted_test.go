package oidc_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
)

// journal keeps all that is logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// ours drops the lines of the OpenID library, as the program does (quiet of cmd/idp): they hold texts meant for clients.
type ours struct{ slog.Handler }

func (o ours) Handle(ctx context.Context, r slog.Record) error {
	foreign := false
	r.Attrs(func(a slog.Attr) bool { foreign = foreign || a.Key == "oidc_error"; return true })
	if foreign {
		return nil
	}
	return o.Handler.Handle(ctx, r)
}

// listen makes the global logger write to a journal, at every level.
func listen(t *testing.T) *journal {
	t.Helper()
	j, before := &journal{}, slog.Default()
	slog.SetDefault(slog.New(ours{slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug - 4})}))
	t.Cleanup(func() { slog.SetDefault(before) })
	return j
}

// secrets are values that a log must not hold, by what they are.
type secrets map[string]string

func (s secrets) notIn(t *testing.T, log string) {
	t.Helper()
	for what, value := range s {
		if value == "" {
			t.Errorf("%s: nothing was planted", what)
			continue
		}
		for _, form := range []string{value, url.QueryEscape(value), strings.TrimPrefix(value, "+"), slogQuoted(value)} {
			if i := strings.Index(log, form); i >= 0 {
				t.Errorf("the log holds the %s: %.200q", what, log[max(0, i-100):i])
				break
			}
		}
	}
}

func slogQuoted(s string) string {
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("", "v", s)
	return between(b.String(), `"v":"`, `"}`)
}

// TestMain silences the logger: a line for every request would bury what fails. Tests that read it say so.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

func TestNoSecretAndNoPersonIsInTheLog(t *testing.T) {
	j := listen(t)
	w := newWorld(t)
	s := secrets{"phone": phone, "e-mail": email, "password": password, "last name": lastName, "first name": firstName, "client secret": secret,
		"wrong password": "Wrong-planted-77", "wrong code": "wrong-planted-code", "assertion": w.keys.assertion(t, map[string]any{"exp": 1}),
		"state": "planted-state-1", "nonce": "planted-nonce-2", "one-time code": "918273", "verifier": verifier,
		"new name": "Подсаженко", "new e-mail": "planted.new@example.ru", "hint": "planted-hint@example.ru"}
	b := w.browser()
	s["code"] = b.code(t, "portal", "scope", "openid profile email phone offline_access", "state", s["state"], "nonce", s["nonce"], "login_hint", phone)
	tokens := read(t, w.post("portal", "/token", redemption(s["code"])))
	for _, kind := range []string{"access_token", "id_token", "refresh_token"} {
		s[kind] = tokens.text(kind)
	}
	for name, value := range b.cookies {
		s["cookie "+name] = value
	}
	opaque := b.tokens(t, "opaque")
	s["opaque token"] = opaque.text("access_token")
	w.good(s)
	w.failures(t, s)
	w.strangers(t, s)
	must(t, w.server.Store.Close())
	w.good(s)
	w.failures(t, s)
	log := j.String()
	for _, part := range []string{"msg=request", "msg=refused", "msg=\"request failed\"", "invalid_grant", "path=/token"} {
		if !strings.Contains(log, part) {
			t.Errorf("the log lacks %s: it was not captured", part)
		}
	}
	s.notIn(t, log)
}

// good sends what a portal sends after a sign-in.
func (w *world) good(s secrets) {
	w.userinfo(s["access_token"])
	w.userinfo(s["opaque token"])
	w.post("portal", "/introspect", url.Values{"token": {s["access_token"]}})
	w.post("opaque", "/introspect", url.Values{"token": {s["opaque token"]}})
	w.post("portal", "/token", refreshing(s["refresh_token"]))
	w.ask(http.MethodGet, "/logout?id_token_hint="+s["id_token"]+"&state="+s["state"], "")
	w.ask(http.MethodGet, "/dev/citizens", "")
	w.ask(http.MethodGet, "/dev/outbox?to="+url.QueryEscape(phone), "")
}

// failures sends what is refused.
func (w *world) failures(t *testing.T, s secrets) {
	t.Helper()
	w.post("portal", "/token", redemption(s["code"]))
	w.post("portal", "/token", redemption(s["wrong code"], "scope", phone))
	w.post("machine", "/token", url.Values{"grant_type": {"client_credentials"}, "scope": {email}, "resource": {phone}})
	w.post("", "/token", redemption(s["code"], "client_id", "portal", "client_secret", secret))
	w.post("portal", "/token", redemption(s["code"], "client_secret", secret))
	w.byAssertion(s["assertion"])
	w.byAssertion(s["assertion"], "client_secret", secret)
	w.post("portal", "/token", url.Values{"grant_type": {s["refresh_token"]}})
	w.post("portal", "/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {s["refresh_token"], s["refresh_token"]}})
	w.post("portal", "/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {s["refresh_token"]}, "scope": {s["wrong code"]}})
	w.post("loose", "/revoke", url.Values{"token": {s["access_token"]}})
	w.ask(http.MethodPost, "/token", "code="+s["code"]+"&password="+password+"%zz", "Content-Type", formType)
	w.userinfo(s["id_token"])
	w.ask(http.MethodGet, "/userinfo?access_token="+s["access_token"], "")
	for _, pairs := range [][]string{{"claims", "{" + email}, {"prompt", phone}, {"id_token_hint", s["access_token"]}, {"max_age", s["one-time code"]},
		{"redirect_uri", callback + "?login=" + email}, {"scope", lastName}, {"response_type", s["code"]}, {"acr_values", phone}} {
		w.ask(http.MethodGet, request("portal", append(pairs, "state", s["state"], "nonce", s["nonce"], "login_hint", s["hint"])...), "")
	}
	w.ask(http.MethodGet, "/authorize/callback?request="+s["code"], "")
	w.ask(http.MethodGet, "/confirm/"+s["code"], "")
	w.ask(http.MethodPost, "/confirm/"+s["code"], "", "Content-Type", formType)
	w.ask(http.MethodPost, "/dev/citizens", `{"phone":"`+phone+`","password":"`+password+`","email":"x"}`)
}

// strangers sign in wrongly and register.
func (w *world) strangers(t *testing.T, s secrets) {
	t.Helper()
	b, id, registration := w.begun(t)
	b.do(http.MethodPost, "/login/password", pairs("request", id, "login", phone, "password", s["wrong password"]).Encode())
	b.do(http.MethodPost, "/login/password", pairs("request", id, "login", email, "password", s["wrong password"]).Encode())
	b.do(http.MethodPost, "/login/password", pairs("request", id, "login", s["new e-mail"], "password", s["wrong password"]).Encode())
	b.do(http.MethodPost, "/login/code", pairs("request", id, "code", s["one-time code"]).Encode())
	b.do(http.MethodPost, "/signup/code", pairs("registration", registration, "code", s["one-time code"]).Encode())
	b.do(http.MethodPost, "/signup", pairs("request", id, "last_name", s["new name"], "first_name", firstName, "email", s["new e-mail"]).Encode())
	b.do(http.MethodPost, "/signup", pairs("request", id, "last_name", s["new name"], "first_name", firstName, "phone", phone).Encode())
	b.do(http.MethodPost, "/login/password?login="+url.QueryEscape(phone), "login="+phone+"&login="+email)
}
