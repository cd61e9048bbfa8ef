package oidc_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"propusk/store"
	"propusk/store/storetest"
)

// nasty are values that nobody who means well sends.
var nasty = map[string]string{
	"empty": "", "NUL": "a\x00b", "not UTF-8": "\xff\xfe\xc0\xaf", "SQL": "' OR '1'='1'; DROP TABLE accounts; --", "markup": `"><script>alert(1)</script>`,
	"below zero": "-1", "too great a number": "99999999999999999999e999", "lines": "a\r\nSet-Cookie: x=y", "direction": "\u202e\u0000\ufffe",
	"path": "../../../etc/passwd", "huge": strings.Repeat("x", 70<<10), "long": strings.Repeat("я", 6000), "JSON": `{"a":[{}]}`,
	"an id": "0190f0e4-0000-7000-8000-000000000000", "percent": "%00%ff%zz",
}

// endpoint is a path with parameters that would do, or nearly.
type endpoint struct {
	method, path string
	client       string // authenticates by Basic; empty: a browser
	form         url.Values
}

func pairs(list ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(list); i += 2 {
		v.Set(list[i], list[i+1])
	}
	return v
}

// endpoints lists every path that reads something, for a browser that has begun a login and a registration.
func endpoints(id, registration string) []endpoint {
	ask, _ := url.Parse(request("portal", "prompt", "login", "max_age", "1", "login_hint", phone, "ui_locales", "ru", "acr_values", "x",
		"claims", "{}", "id_token_hint", "x", "resource", "https://api.example.ru/", "display", "page", "response_mode", "query"))
	logout := pairs("id_token_hint", "x", "client_id", "portal", "post_logout_redirect_uri", "https://portal.example.ru/", "state", "s", "ui_locales", "ru")
	in := func(more ...string) url.Values { return pairs(append(more, "request", id, "account", "x")...) }
	reg := func(more ...string) url.Values {
		return pairs(append(more, "registration", registration, "request", id)...)
	}
	return []endpoint{
		{"GET", "/authorize", "", ask.Query()}, {"POST", "/authorize", "", ask.Query()},
		{"GET", "/authorize/callback", "", pairs("request", id, "leave", "")},
		{"POST", "/token", "portal", redemption("x", "resource", "https://api.example.ru/")},
		{"POST", "/token", "portal", pairs("grant_type", "refresh_token", "refresh_token", "x", "scope", "openid", "resource", "https://api.example.ru/")},
		{"POST", "/token", "machine", pairs("grant_type", "client_credentials", "scope", "records", "resource", "https://api.example.ru/")},
		{"POST", "/token", "-", pairs("grant_type", "client_credentials", "client_id", "signer", "client_assertion", "a.b.c", "client_assertion_type",
			"urn:ietf:params:oauth:client-assertion-type:jwt-bearer")},
		{"POST", "/token", "-", pairs("grant_type", "authorization_code", "code", "x", "redirect_uri", callback, "client_id", "post", "client_secret", secret)},
		{"POST", "/introspect", "portal", pairs("token", "x", "token_type_hint", "access_token")},
		{"POST", "/revoke", "portal", pairs("token", "x", "token_type_hint", "refresh_token")},
		{"POST", "/userinfo", "-", pairs("access_token", "x")},
		{"GET", "/logout", "", logout}, {"POST", "/logout", "", logout}, {"POST", "/logout/confirm", "", logout},
		{"GET", "/login", "", pairs("request", id, "signin", "1")},
		{"POST", "/login/password", "", in("login", phone, "password", "x", "public_device", "1")},
		{"POST", "/login/code", "", in("code", "123456", "public_device", "1", "method", "x")},
		{"POST", "/login/code/new", "", in()}, {"POST", "/login/totp", "", in("code", "123456", "method", "x")},
		{"GET", "/login/other", "", in()}, {"POST", "/login/other", "", in("choice", "x", "method", "x")}, {"POST", "/login/continue", "", in()},
		{"POST", "/login/consent", "", in("decision", "allow", "item", "x", "shown", "x")}, {"POST", "/login/leave", "", in()},
		{"GET", "/signup", "", reg("sent", "1")},
		{"POST", "/signup", "", in("last_name", "А", "first_name", "Б", "middle_name", "В", "phone", "", "email", "a@example.ru")},
		{"POST", "/signup/code", "", reg("code", "123456")}, {"POST", "/signup/code/new", "", reg()}, {"POST", "/signup/change", "", reg()},
		{"POST", "/signup/password", "", reg("password", "x", "password_repeat", "x")},
		{"GET", "/confirm/x", "", pairs("q", "x")}, {"POST", "/confirm/x", "", pairs("q", "x")},
		{"POST", "/cabinet/sessions/end", "", pairs("session", "x")}, {"POST", "/cabinet/permissions/withdraw", "", pairs("client", "x", "client_id", "x")},
		{"GET", "/dev/outbox", "", pairs("to", "x", "after", "x", "wait", "x")}, {"GET", "/dev/requests", "", pairs("reference", "x")},
		{"POST", "/dev/citizens", "", pairs("name", "А Б", "phone", "", "email", "b@example.ru", "snils", "x", "password", "x", "tier", "x",
			"tier_method", "x", "second_factor", "x", "totp_secret", "x", "note", "x", "status", "x")},
	}
}

func (b *browser) send(e endpoint, encoded string) *httptest.ResponseRecorder {
	path, body := e.path, encoded
	if e.method == http.MethodGet {
		path, body = e.path+"?"+encoded, ""
	}
	switch e.client {
	case "":
		return b.do(e.method, path, body)
	case "-":
		return b.ask(e.method, path, body, "Content-Type", formType)
	}
	return b.ask(e.method, path, body, "Content-Type", formType, "Authorization", basic(e.client))
}

// begin sends an authorization request and returns the number of its login.
func (b *browser) begin(path string) string {
	return between(b.do(http.MethodGet, path, "").Header().Get("Location")+"\n", "request=", "\n")
}

// begun is a browser with a login and a registration that have begun.
func (w *world) begun(t *testing.T) (b *browser, id, registration string) {
	t.Helper()
	b = w.browser()
	id = b.begin(request("portal"))
	got := b.do(http.MethodPost, "/signup", pairs("request", id, "last_name", "Новая", "first_name", "Анна", "email", "new@example.ru").Encode())
	registration = between(got.Header().Get("Location")+"&", "registration=", "&")
	if id == "" || registration == "" {
		t.Fatalf("login %q, registration %q: %d %s", id, registration, got.Code, got.Body)
	}
	return b, id, registration
}

// wellAnswered: a request that is wrong in any way is no fault of ours, and its values never split a header or become markup.
func wellAnswered(t *testing.T, name string, got *httptest.ResponseRecorder) {
	t.Helper()
	if got.Code >= 500 {
		t.Errorf("%s: %d %.300s", name, got.Code, got.Body)
	}
	if got.Code >= 300 && got.Code < 400 && got.Header().Get("Location") == "" {
		t.Errorf("%s: %d without Location", name, got.Code)
	}
	for _, c := range got.Result().Cookies() {
		if c.Name == "x" {
			t.Errorf("%s: a cookie was injected", name)
		}
	}
	if strings.HasPrefix(got.Header().Get("Content-Type"), "text/html") && strings.Contains(got.Body.String(), "<script>alert(1)") {
		t.Errorf("%s: markup came back", name)
	}
}

func TestNoValueOfAnyParameterIsAFaultOfOurs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db)
		known := w.browser()
		known.login(t, request("portal"))
		for i, plan := range endpoints("", "") {
			for name := range plan.form {
				b, id, registration := w.begun(t)
				if plan.path == "/login/consent" || strings.HasPrefix(plan.path, "/cabinet") {
					b, id = known, known.begin(request("portal", "prompt", "consent"))
				}
				e := endpoints(id, registration)[i]
				for kind, value := range nasty {
					form := url.Values{}
					for k, v := range e.form {
						form[k] = v
					}
					form.Set(name, value)
					wellAnswered(t, e.method+" "+e.path+" "+name+" "+kind, b.send(e, form.Encode()))
				}
				wellAnswered(t, e.method+" "+e.path+" "+name+" doubled", b.send(e, e.form.Encode()+"&"+name+"=two"))
			}
		}
	})
}

func TestNoBodyIsAFaultOfOurs(t *testing.T) {
	w := newWorld(t)
	b, id, registration := w.begun(t)
	for _, e := range endpoints(id, registration) {
		for _, body := range []string{"%zz", "a=%", "a=b;c=d", "&&&", "=", "\x00", "\xff", "{", "[]", "null", `{"name":1}`, strings.Repeat("a=b&", 20_000)} {
			if e.method == http.MethodPost {
				wellAnswered(t, e.path+" "+body[:min(9, len(body))], b.send(e, body))
				wellAnswered(t, e.path+" JSON "+body[:min(9, len(body))], b.ask(e.method, e.path, body, "Content-Type", "application/json"))
				wellAnswered(t, e.path+" typeless "+body[:min(9, len(body))], b.ask(e.method, e.path, body))
				continue
			}
			r := httptest.NewRequest(e.method, e.path, nil)
			r.URL.RawQuery = body
			got := httptest.NewRecorder()
			w.server.Handler().ServeHTTP(got, r)
			wellAnswered(t, e.path+"?"+body[:min(9, len(body))], got)
		}
	}
}

func TestNoHeaderAndNoPathIsAFaultOfOurs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db)
		b := w.browser()
		b.login(t, request("portal"))
		for kind, value := range nasty {
			for _, name := range []string{"User-Agent", "Accept-Language", "Authorization", "Cookie", "Origin", "Content-Type", "If-None-Match", "X-Forwarded-For"} {
				for _, path := range []string{"/authorize", "/userinfo", "/login", "/cabinet", "/jwks", "/logout"} {
					wellAnswered(t, path+" "+name+" "+kind, w.ask(http.MethodGet, path, "", name, value))
				}
				wellAnswered(t, "/token "+name+" "+kind, w.ask(http.MethodPost, "/token", "grant_type=client_credentials", name, value))
			}
			wellAnswered(t, "request "+kind, w.ask(http.MethodGet, request("portal"), "", "User-Agent", value))
			for cookie, kept := range b.cookies {
				b.cookies[cookie] = value
				wellAnswered(t, cookie+" "+kind, b.do(http.MethodGet, "/cabinet", ""))
				b.cookies[cookie] = (value + strings.Repeat("\xff", 43))[:43]
				wellAnswered(t, cookie+" "+kind, b.do(http.MethodGet, "/cabinet", ""))
				b.cookies[cookie] = kept
			}
			for _, prefix := range []string{"/confirm/", "/login/", "/dev/", "/assets/", "/"} {
				r := httptest.NewRequest(http.MethodGet, prefix+url.PathEscape(value), nil)
				got := httptest.NewRecorder()
				w.server.Handler().ServeHTTP(got, r)
				wellAnswered(t, prefix+kind, got)
			}
			for _, path := range []string{"/login", "/authorize/callback", "/signup", "/dev/outbox"} { // a pair that cannot be decoded hides no other
				wellAnswered(t, path+" "+kind, b.do(http.MethodGet, path+"?request="+url.QueryEscape(value)+"&to="+url.QueryEscape(value)+"&x=%zz", ""))
			}
			wellAnswered(t, "bearer "+kind, w.userinfo(value))
		}
	})
}
