package oidc_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"propusk/idp/grant"
)

// The tests of this file follow library-facts.md 1.5: what the OpenID library does wrong does not happen here. Rows 27-29 are
// in assertion_test.go.

func registers(text string) error { _, err := grant.ReadRegistrations([]byte(text)); return err }

// Row 1, 2, 3.
func TestTheCallbackIsForItsBrowserAndOnce(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	start := b.do(http.MethodGet, request("portal"), "")
	back := strings.Replace(start.Header().Get("Location"), "/login?", "/authorize/callback?", 1)
	if got := w.browser().do(http.MethodGet, back, ""); got.Code != http.StatusForbidden {
		t.Errorf("in another browser: %d, want 403", got.Code)
	}
	if got := b.do(http.MethodGet, back, ""); !strings.HasPrefix(got.Header().Get("Location"), "/login?") {
		t.Errorf("before the sign-in: %d to %q, want the login", got.Code, got.Header().Get("Location"))
	}
	answer := b.login(t, strings.TrimPrefix(start.Header().Get("Location"), issuer))
	if len(answer.Get("code")) < 43 || len(answer.Get("code")) > 120 {
		t.Errorf("code of %d characters", len(answer.Get("code")))
	}
	if got := b.do(http.MethodGet, back, ""); strings.Contains(got.Header().Get("Location"), "code=") {
		t.Error("the callback gave a second code")
	}
	got := b.do(http.MethodGet, "/authorize/callback?request=nobody", "")
	if got.Code != http.StatusGone || strings.Contains(got.Body.String(), "sql") {
		t.Errorf("an unknown request: %d %s", got.Code, got.Body)
	}
}

// Row 1: the callback asked ten times at once gives one code.
func TestTenCallbacksGiveOneCode(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.login(t, request("portal"))
	got := b.do(http.MethodGet, "/login?request="+b.begin(request("portal", "prompt", "consent")), "")
	path, body := filled(got.Body.String())
	next := b.do(http.MethodPost, path, body).Header().Get("Location")
	back := b.do(http.MethodGet, strings.TrimPrefix(next, issuer), "").Header().Get("Location")
	if !strings.HasPrefix(strings.TrimPrefix(back, issuer), "/authorize/callback?") {
		t.Fatalf("consent leads to %q", back)
	}
	var all sync.WaitGroup
	codes := make(chan string, 10)
	for range 10 {
		other := &browser{w, maps.Clone(b.cookies)}
		all.Go(func() {
			to, _ := url.Parse(other.do(http.MethodGet, strings.TrimPrefix(back, issuer), "").Header().Get("Location"))
			if code := to.Query().Get("code"); code != "" {
				codes <- code
			}
		})
	}
	all.Wait()
	if len(codes) != 1 {
		t.Errorf("%d codes, want 1", len(codes))
	}
}

// location is where an authorization request that is refused at once sends the browser.
func location(t *testing.T, got *httptest.ResponseRecorder) url.Values {
	t.Helper()
	u, err := url.Parse(got.Header().Get("Location"))
	must(t, err)
	if got.Code != http.StatusSeeOther || !strings.HasPrefix(u.String(), callback+"?") {
		t.Fatalf("answer = %d to %q, want 303 to the portal", got.Code, u)
	}
	return u.Query()
}

// Rows 4 and 15.
func TestPKCEIsDemandedAndPlainIsRefused(t *testing.T) {
	w := newWorld(t)
	for name, path := range map[string]string{
		"none, confidential": request("portal", "code_challenge", "", "code_challenge_method", ""),
		"none, public":       request("spa", "code_challenge", "", "code_challenge_method", ""),
		"plain":              request("portal", "code_challenge_method", "plain"),
		"no method":          request("portal", "code_challenge_method", ""),
		"plain, not needed":  request("loose", "code_challenge_method", "plain"),
		"too short":          request("portal", "code_challenge", "abc"),
	} {
		answer := location(t, w.ask(http.MethodGet, path, ""))
		if answer.Get("error") != "invalid_request" || !strings.Contains(answer.Get("error_description"), "code_challenge") {
			t.Errorf("%s: %v", name, answer)
		}
	}
	if registers(`{"client_id": "p", "client_name": "P", "token_endpoint_auth_method": "none", "require_pkce": false, `+portalRest+`}`) == nil {
		t.Error("a public client without PKCE was registered")
	}
}

// Row 14.
func TestAChallengeCannotBeStripped(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for _, client := range []string{"portal", "loose"} {
		form := redemption(b.code(t, client))
		form.Del("code_verifier")
		wants(t, w.post(client, "/token", form), 400, "invalid_grant")
	}
	wants(t, w.post("portal", "/token", redemption(b.code(t, "portal"), "code_verifier", strings.Repeat("a", 43))), 400, "invalid_grant")
	code := b.code(t, "loose", "code_challenge", "", "code_challenge_method", "")
	wants(t, w.post("loose", "/token", redemption(code)), 400, "invalid_grant")
}

// Rows 5, 6, 7, 9, 12, 13.
func TestARefusedRequestGoesBackWithStateAndIssuer(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ name, path, code, names string }{
		{"a response mode that is not offered", request("portal", "response_mode", "fragment"), "invalid_request", "response_mode"},
		{"the implicit flow", request("portal", "response_type", "id_token token"), "unsupported_response_type", "response_type"},
		{"the hybrid flow", request("portal", "response_type", "code id_token"), "unsupported_response_type", "response_type"},
		{"a request object", request("portal", "request", "e30.e30."), "request_not_supported", "request"},
		{"a request_uri", request("portal", "request_uri", "https://portal.example.ru/r"), "request_uri_not_supported", "request_uri"},
		{"max_age that is no number", request("portal", "max_age", "abc"), "invalid_request", "max_age"},
		{"max_age below zero", request("portal", "max_age", "-1"), "invalid_request", "max_age"},
		{"a doubled parameter", request("portal") + "&nonce=two", "invalid_request", "nonce"},
		{"an unknown prompt", request("portal", "prompt", "later"), "invalid_request", "prompt"},
		{"prompt none with another", request("portal", "prompt", "none login"), "invalid_request", "prompt"},
		{"a silent sign-in of nobody", request("portal", "prompt", "none"), "login_required", "prompt"},
		{"a scope that is not registered", request("portal", "scope", "openid snils"), "invalid_scope", "scope"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := location(t, w.ask(http.MethodGet, c.path, ""))
			if answer.Get("error") != c.code || !strings.Contains(answer.Get("error_description"), c.names) {
				t.Errorf("answer = %v, want %s naming %s", answer, c.code, c.names)
			}
			if answer.Get("state") != "s-1" || answer.Get("iss") != issuer {
				t.Errorf("state = %q, iss = %q", answer.Get("state"), answer.Get("iss"))
			}
		})
	}
}

// library-facts.md 1.6, Form Post Basic.
func TestARefusalIsPostedIfTheAnswerWouldBe(t *testing.T) {
	w := newWorld(t)
	for code, path := range map[string]string{
		"login_required":            request("portal", "response_mode", "form_post", "prompt", "none"),
		"invalid_request":           request("portal", "response_mode", "form_post", "response_type", ""),
		"unsupported_response_type": request("portal", "response_mode", "form_post", "response_type", "token"),
		"request_not_supported":     request("portal", "response_mode", "form_post", "request", "e30.e30."),
		"invalid_scope":             request("portal", "response_mode", "form_post", "scope", "snils"),
	} {
		got := w.ask(http.MethodGet, path, "")
		page := got.Body.String()
		if got.Code != http.StatusOK || !strings.Contains(page, `action="`+callback+`"`) || !strings.Contains(page, `value="`+code+`"`) {
			t.Errorf("%s: %d to %q %.2000s, want a form", code, got.Code, got.Header().Get("Location"), page)
		}
		if got.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q", code, got.Header().Get("Cache-Control"))
		}
	}
}

// Row 9 and 10: nothing is sent to an address that is not registered letter by letter.
func TestAnAddressThatIsNotTrustedGetsAPage(t *testing.T) {
	w := newWorld(t)
	for name, path := range map[string]string{
		"an unknown client":      request("nobody"),
		"no client":              request(""),
		"another path":           request("portal", "redirect_uri", callback+"/"),
		"another case":           request("portal", "redirect_uri", strings.ToUpper(callback)),
		"a query more":           request("portal", "redirect_uri", callback+"?a=b"),
		"another scheme":         request("portal", "redirect_uri", strings.Replace(callback, "https", "http", 1)),
		"a user before the host": request("portal", "redirect_uri", "https://portal.example.ru@evil.example/callback"),
		"script":                 request("portal", "redirect_uri", "javascript:alert(1)"),
	} {
		got := w.ask(http.MethodGet, path, "")
		if got.Code != http.StatusBadRequest || got.Header().Get("Location") != "" || !strings.Contains(got.Body.String(), `data-step="`) {
			t.Errorf("%s: %d to %q, want a page with 400", name, got.Code, got.Header().Get("Location"))
		}
	}
	if registers(`{"client_id": "h", "client_name": "H", `+withSecret+strings.Replace(portalRest, "https", "http", 1)+`}`) == nil {
		t.Error("an http redirect address was registered")
	}
}

// Rows 12 and 1: which of two addresses is meant nobody can tell.
func TestADoubledClientOrAddressIsAnsweredByAPage(t *testing.T) {
	w := newWorld(t)
	for _, more := range []string{"&client_id=post", "&redirect_uri=https%3A%2F%2Fevil.example"} {
		if got := w.ask(http.MethodGet, request("portal")+more, ""); got.Code != http.StatusBadRequest {
			t.Errorf("%s: %d to %q, want a page", more, got.Code, got.Header().Get("Location"))
		}
	}
}

// Row 11.
func TestOneAddressCannotFillTheDatabaseWithRequests(t *testing.T) {
	w := newWorld(t)
	w.server.Authn.Limits.NetworkTries = 3
	for i := range 5 {
		want := http.StatusSeeOther
		if i >= 3 {
			want = http.StatusTooManyRequests
		}
		got := w.ask(http.MethodGet, request("portal"), "")
		if got.Code != want || (got.Header().Get("Retry-After") != "") != (want == http.StatusTooManyRequests) {
			t.Errorf("request %d: %d, Retry-After %q, want %d", i+1, got.Code, got.Header().Get("Retry-After"), want)
		}
	}
}

// Row 8.
func TestAHintIsAnIDTokenOfThisClient(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tokens := b.tokens(t, "portal")
	for name, hint := range map[string]string{"an access token": tokens.text("access_token"), "of another client": tokens.text("id_token"), "text": "x"} {
		client := "portal"
		if name == "of another client" {
			client = "loose"
		}
		if answer := location(t, b.do(http.MethodGet, request(client, "id_token_hint", hint), "")); answer.Get("error") != "invalid_request" {
			t.Errorf("%s: %v", name, answer)
		}
	}
	if answer := b.login(t, request("portal", "id_token_hint", tokens.text("id_token"))); answer.Get("code") == "" {
		t.Errorf("its own: %v", answer)
	}
}

// Row 6.
func TestTheNonceComesBackExactly(t *testing.T) {
	b := newWorld(t).browser()
	nonce := "n&=\"<>+% \u00e9\u4e16"
	if got := claims(t, b.tokens(t, "portal", "nonce", nonce).text("id_token"), 1).text("nonce"); got != nonce {
		t.Errorf("nonce = %q, want %q", got, nonce)
	}
}

// OpenID Connect Core, 3.1.3.6: at_hash is made with the hash of the ID token's algorithm.
func TestTheIDTokenHoldsTheHashOfTheAccessToken(t *testing.T) {
	b := newWorld(t).browser()
	for client, alg := range map[string]string{"portal": "ES256", "ed": "EdDSA", "rsa": "PS256"} {
		tokens := b.tokens(t, client)
		want, err := oidc.ClaimHash(tokens.text("access_token"), jose.SignatureAlgorithm(alg))
		must(t, err)
		if got := claims(t, tokens.text("id_token"), 1).text("at_hash"); got != want {
			t.Errorf("%s: at_hash = %q, want %q", alg, got, want)
		}
		if got := claims(t, tokens.text("id_token"), 0).text("alg"); got != alg {
			t.Errorf("alg = %q, want %q", got, alg)
		}
	}
}

// Row 16.
func TestTwentyRedeemOneCodeAndOneWins(t *testing.T) {
	w := newWorld(t)
	form := redemption(w.browser().code(t, "portal"))
	var won sync.Map
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if got := w.post("portal", "/token", form); got.Code == http.StatusOK {
				won.Store(i, true)
			} else if got.Code != http.StatusBadRequest {
				t.Errorf("answer = %d %s", got.Code, got.Body)
			}
		})
	}
	all.Wait()
	n := 0
	won.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d won, want 1", n)
	}
}

// Row 17.
func TestASecondUseOfACodeEndsWhatTheFirstGave(t *testing.T) {
	w := newWorld(t)
	form := redemption(w.browser().code(t, "portal", "scope", "openid offline_access"))
	first := read(t, w.post("portal", "/token", form))
	if got := w.userinfo(first.text("access_token")); got.Code != http.StatusOK {
		t.Fatalf("userinfo = %d", got.Code)
	}
	wants(t, w.post("portal", "/token", form), 400, "invalid_grant")
	wants(t, w.userinfo(first.text("access_token")), 401, "invalid_token")
	wants(t, w.post("portal", "/token", refreshing(first.text("refresh_token"))), 400, "invalid_grant")
}

func refreshing(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

// Row 17.
func TestAnOldRefreshTokenEndsItsFamily(t *testing.T) {
	w := newWorld(t)
	first := w.browser().tokens(t, "portal", "scope", "openid offline_access").text("refresh_token")
	second := read(t, w.post("portal", "/token", refreshing(first))).text("refresh_token")
	third := read(t, w.post("portal", "/token", refreshing(second))).text("refresh_token")
	if second == first || third == second || third == "" {
		t.Fatal("the refresh token was not rotated")
	}
	wants(t, w.post("portal", "/token", refreshing(first)), 400, "invalid_grant")
	wants(t, w.post("portal", "/token", refreshing(third)), 400, "invalid_grant")
}

func TestCodesAndRefreshTokensAreOfOneClient(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	code := b.code(t, "portal")
	wants(t, w.post("loose", "/token", redemption(code)), 400, "invalid_grant")
	if got := w.post("portal", "/token", redemption(code)); got.Code != http.StatusOK {
		t.Errorf("a stranger's try spent the code: %d %s", got.Code, got.Body)
	}
	wants(t, w.post("portal", "/token", redemption(b.code(t, "portal"), "redirect_uri", callback+"/x")), 400, "invalid_grant")
	refresh := b.tokens(t, "portal", "scope", "openid offline_access").text("refresh_token")
	wants(t, w.post("loose", "/token", refreshing(refresh)), 400, "invalid_grant")
	if got := w.post("portal", "/token", refreshing(refresh)); got.Code != http.StatusOK {
		t.Errorf("a stranger's try ended the family: %d %s", got.Code, got.Body)
	}
}

// Row 19.
func TestTokensAreAskedByPostAloneAndNeverInTheQuery(t *testing.T) {
	w := newWorld(t)
	form := url.Values{"grant_type": {"client_credentials"}}
	for _, method := range []string{"GET", "PUT", "DELETE", "PATCH", "HEAD"} {
		for _, path := range []string{"/token", "/introspect", "/revoke"} {
			got := w.ask(method, path+"?"+form.Encode(), "", "Authorization", basic("machine"))
			if got.Code != http.StatusMethodNotAllowed || !strings.Contains(got.Header().Get("Allow"), "POST") {
				t.Errorf("%s %s: %d, Allow %q", method, path, got.Code, got.Header().Get("Allow"))
			}
		}
	}
	if got := w.ask(http.MethodHead, "/jwks", ""); got.Code != http.StatusOK {
		t.Errorf("HEAD /jwks: %d", got.Code)
	}
	for _, method := range []string{"DELETE", "POST", "PUT"} {
		if got := w.ask(method, "/jwks", ""); got.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s /jwks: %d", method, got.Code)
		}
	}
	wants(t, w.post("machine", "/token?grant_type=client_credentials", nil), 400, "invalid_request")
	in := url.Values{"client_id": {"post"}, "client_secret": {secret}}
	wants(t, w.post("", "/token?"+in.Encode(), redemption("x")), 401, "invalid_client")
	if got := w.post("machine", "/token?grant_type=other&scope=none", form); got.Code != http.StatusOK {
		t.Errorf("the query was not ignored: %d %s", got.Code, got.Body)
	}
}

// Row 20.
func TestAnswersForProgramsAreNotStored(t *testing.T) {
	w := newWorld(t)
	tokens := w.browser().tokens(t, "portal")
	for name, got := range map[string]*httptest.ResponseRecorder{
		"token":          w.post("machine", "/token", url.Values{"grant_type": {"client_credentials"}}),
		"token, refused": w.post("machine", "/token", nil),
		"introspect":     w.post("portal", "/introspect", url.Values{"token": {"x"}}),
		"revoke":         w.post("portal", "/revoke", url.Values{"token": {"x"}}),
		"userinfo":       w.userinfo(tokens.text("access_token")),
		"userinfo, none": w.ask(http.MethodGet, "/userinfo", ""),
		"a method":       w.ask(http.MethodGet, "/token", ""),
	} {
		if got.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q", name, got.Header().Get("Cache-Control"))
		}
	}
}

// Row 21.
func TestAClientThatIsNotAuthenticatedGets401(t *testing.T) {
	w := newWorld(t)
	wrong := "Basic cG9ydGFsOndyb25n"
	for _, path := range []string{"/token", "/introspect", "/revoke"} {
		for name, header := range map[string]string{"wrong": wrong, "none": "", "not Basic": "Bearer x", "not base64": "Basic %%%", "percent": "Basic cG9ydGFsOiV6eg=="} {
			pairs := []string{"Content-Type", formType}
			if header != "" {
				pairs = append(pairs, "Authorization", header)
			}
			got := w.ask(http.MethodPost, path, "grant_type=client_credentials&token=x", pairs...)
			if code := read(t, got).text("error"); got.Code != 401 || code != "invalid_client" || got.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s: %d %s, WWW-Authenticate %q", path, name, got.Code, got.Body, got.Header().Get("WWW-Authenticate"))
			}
		}
	}
}

// Rows 22, 24, 25.
func TestGrantTypesThatAreNotOfferedAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, kind := range []string{"urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange",
		"urn:ietf:params:oauth:grant-type:device_code", "password", "implicit"} {
		form := url.Values{"grant_type": {kind}, "assertion": {"x"}, "subject_token": {"x"}, "device_code": {"x"}}
		for _, client := range []string{"", "portal"} {
			body := wants(t, w.post(client, "/token", form), 400, "unsupported_grant_type")
			if !strings.Contains(body.text("error_description"), "grant_type") {
				t.Errorf("%s: %v", kind, body)
			}
		}
	}
	wants(t, w.post("portal", "/token", url.Values{"grant_type": {"client_credentials"}}), 400, "unauthorized_client")
	wants(t, w.post("machine", "/token", redemption("x")), 400, "unauthorized_client")
}

// Row 23.
func TestTheRegisteredMethodIsTheOnlyOne(t *testing.T) {
	w := newWorld(t)
	shown := url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "redirect_uri": {callback}}
	with := func(client string) url.Values {
		form := url.Values{"client_id": {client}, "client_secret": {secret}, "token": {"x"}}
		for name, value := range shown {
			form[name] = value
		}
		return form
	}
	for _, path := range []string{"/token", "/introspect", "/revoke"} {
		single := with("post")
		single.Del("client_secret")
		wants(t, w.post("post", path, single), 401, "invalid_client")
		wants(t, w.post("", path, with("portal")), 401, "invalid_client")
		wants(t, w.post("post", path, with("post")), 400, "invalid_request") // two methods at once: RFC 6749, 5.2
		got := w.ask(http.MethodPost, path, with("portal").Encode(), "Content-Type", formType, "Authorization", "Bearer x")
		wants(t, got, 400, "invalid_request")
		wants(t, w.post("", path, url.Values{"client_id": {"portal"}, "grant_type": {"authorization_code"}, "code": {"x"}, "token": {"x"},
			"redirect_uri": {callback}}), 401, "invalid_client")
	}
	wants(t, w.post("", "/token", with("post")), 400, "invalid_grant")
}

// Rows 26 and 32.
func TestARefreshNarrowsButNeverWidensAndKeepsTheLevel(t *testing.T) {
	w := newWorld(t)
	first := w.browser().tokens(t, "portal", "scope", "openid profile offline_access")
	wide := refreshing(first.text("refresh_token"))
	wide.Set("scope", "openid email")
	wants(t, w.post("portal", "/token", wide), 400, "invalid_scope")
	narrow := refreshing(first.text("refresh_token"))
	narrow.Set("scope", "openid")
	second := read(t, w.post("portal", "/token", narrow))
	if second.text("scope") != "openid" {
		t.Errorf("scope = %q", second.text("scope"))
	}
	third := read(t, w.post("portal", "/token", refreshing(second.text("refresh_token"))))
	if third.text("scope") != first.text("scope") {
		t.Errorf("scope = %q, want that of the grant, %q", third.text("scope"), first.text("scope"))
	}
	before, after := claims(t, first.text("id_token"), 1), claims(t, third.text("id_token"), 1)
	for _, name := range []string{"acr", "amr", "auth_time", "sub", "tier"} {
		if before[name] == nil || !reflect.DeepEqual(before[name], after[name]) {
			t.Errorf("%s = %v, before %v", name, after[name], before[name])
		}
	}
	empty := refreshing(third.text("refresh_token"))
	empty.Set("scope", "")
	if got := w.post("portal", "/token", empty); got.Code != http.StatusOK {
		t.Errorf("an empty scope: %d %s", got.Code, got.Body)
	}
}

// Row 32.
func TestWithoutOpenidThereIsNoIDTokenAndNoUserinfo(t *testing.T) {
	w := newWorld(t)
	tokens := w.browser().tokens(t, "portal", "scope", "profile")
	if tokens["id_token"] != nil {
		t.Error("an ID token was issued")
	}
	if got := w.userinfo(tokens.text("access_token")); got.Code != http.StatusUnauthorized {
		t.Errorf("userinfo = %d", got.Code)
	}
}

// Rows 30, 31, 33.
func TestUserinfoTakesAccessTokensAlone(t *testing.T) {
	w := newWorld(t)
	tokens := w.browser().tokens(t, "portal")
	access := tokens.text("access_token")
	if got := claims(t, access, 0).text("typ"); got != "at+jwt" {
		t.Errorf("typ = %q", got)
	}
	c := claims(t, access, 1)
	if want := []any{"portal", issuer}; c.text("scope") != "openid profile" || c.text("client_id") != "portal" || !reflect.DeepEqual(c["aud"], want) {
		t.Errorf("claims = %v", c)
	}
	machine := read(t, w.post("machine", "/token", url.Values{"grant_type": {"client_credentials"}, "resource": {issuer}}))
	for name, token := range map[string]string{"an ID token": tokens.text("id_token"), "a client's own": machine.text("access_token"),
		"a changed one": access[:len(access)-4] + "AAAA", "algorithm none": "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + strings.Split(access, ".")[1] + "."} {
		got := w.userinfo(token)
		wants(t, got, 401, "invalid_token")
		if !strings.Contains(got.Header().Get("WWW-Authenticate"), `Bearer realm=`) {
			t.Errorf("%s: WWW-Authenticate %q", name, got.Header().Get("WWW-Authenticate"))
		}
	}
}

// Row 34.
func TestUserinfoSpeaksOfTheSubjectOfTheIDToken(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for _, client := range []string{"portal", "opaque"} {
		tokens := b.tokens(t, client)
		sub := claims(t, tokens.text("id_token"), 1).text("sub")
		if got := read(t, w.userinfo(tokens.text("access_token"))).text("sub"); got != sub || sub == "" {
			t.Errorf("%s: sub = %q, in the ID token %q", client, got, sub)
		}
	}
}

// Row 36.
func TestAnAccessTokenInTheQueryIsNotRead(t *testing.T) {
	w := newWorld(t)
	access := w.browser().tokens(t, "portal").text("access_token")
	wants(t, w.ask(http.MethodGet, "/userinfo?access_token="+access, ""), 401, "invalid_request")
	wants(t, w.ask(http.MethodPost, "/userinfo?access_token="+access, "", "Content-Type", formType), 401, "invalid_request")
	if got := w.post("", "/userinfo", url.Values{"access_token": {access}}); got.Code != http.StatusOK {
		t.Errorf("in the form: %d %s", got.Code, got.Body)
	}
}

// Row 37 and CONTRACT.md section 4.
func TestAStrangerLearnsNothingOfAToken(t *testing.T) {
	w := newWorld(t)
	tokens := w.browser().tokens(t, "portal", "scope", "openid offline_access")
	for _, token := range []string{tokens.text("access_token"), tokens.text("id_token"), tokens.text("refresh_token"), "x", "a.b.c", "at_x"} {
		got := w.post("loose", "/introspect", url.Values{"token": {token}})
		if got.Code != http.StatusOK || strings.TrimSpace(got.Body.String()) != `{"active":false}` {
			t.Errorf("%.20s: %d %s", token, got.Code, got.Body)
		}
		if got := w.post("loose", "/revoke", url.Values{"token": {token}}); got.Code != http.StatusOK {
			t.Errorf("revoke %.20s: %d %s", token, got.Code, got.Body)
		}
	}
	if own := read(t, w.post("portal", "/introspect", url.Values{"token": {tokens.text("access_token")}})); own["active"] != true {
		t.Errorf("to its owner: %v", own)
	}
	wants(t, w.post("", "/introspect", url.Values{"token": {tokens.text("access_token")}, "client_id": {"spa"}}), 401, "invalid_client")
	w.post("portal", "/revoke", url.Values{"token": {tokens.text("access_token")}})
	if own := read(t, w.post("portal", "/introspect", url.Values{"token": {tokens.text("access_token")}})); own["active"] != false {
		t.Errorf("after revocation: %v", own)
	}
}

// Rows 38 and 39.
func TestLogoutAsksUnlessCookieAndHintAgree(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	hint := b.tokens(t, "portal").text("id_token")
	back := "&post_logout_redirect_uri=https%3A%2F%2Fportal.example.ru%2F&state=s"
	signedIn := func() bool { return b.do(http.MethodGet, "/cabinet", "").Code == http.StatusOK }
	w.ask(http.MethodGet, "/logout?id_token_hint="+hint, "")
	if !signedIn() {
		t.Fatal("a hint without the cookie signed the person out")
	}
	for _, path := range []string{"/logout", "/logout?client_id=portal" + back} {
		got := b.do(http.MethodGet, path, "")
		if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `action="/logout/confirm"`) || !signedIn() {
			t.Fatalf("%s: %d, signed in %v; want a question", path, got.Code, signedIn())
		}
	}
	if got := b.do(http.MethodPost, "/logout/confirm", "session=other"); got.Code != http.StatusOK || !signedIn() {
		t.Fatalf("a form of another session: %d", got.Code)
	}
	got := b.do(http.MethodGet, "/logout?id_token_hint="+hint+back, "")
	if to := got.Header().Get("Location"); to != "https://portal.example.ru/?state=s" || signedIn() {
		t.Errorf("with both: %d to %q, signed in %v", got.Code, to, signedIn())
	}
	for _, bad := range []string{"?id_token_hint=x", "?client_id=nobody", "?client_id=portal&post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F",
		"?post_logout_redirect_uri=https%3A%2F%2Fportal.example.ru%2F", "?client_id=loose&id_token_hint=" + hint} {
		if got := b.do(http.MethodGet, "/logout"+bad, ""); got.Code != http.StatusBadRequest || got.Header().Get("Location") != "" {
			t.Errorf("%.60s: %d to %q", bad, got.Code, got.Header().Get("Location"))
		}
	}
}

// Row 40.
func TestOnlyOriginsOfPublicClientsMayReadAnswers(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/token", "/userinfo", "/revoke", "/introspect"} {
		evil := w.ask(http.MethodPost, path, "", "Content-Type", formType, "Origin", "https://evil.example")
		own := w.ask(http.MethodPost, path, "", "Content-Type", formType, "Origin", "https://portal.example.ru")
		if got := evil.Header().Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s: an unknown origin may read: %q", path, got)
		}
		if got := own.Header().Get("Access-Control-Allow-Origin"); got != "https://portal.example.ru" {
			t.Errorf("%s: the origin of a public client may not read: %q", path, got)
		}
		if evil.Header().Get("Access-Control-Allow-Credentials")+own.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: credentials are allowed", path)
		}
	}
	for _, path := range []string{"/authorize", "/login", "/cabinet", "/logout"} {
		for _, method := range []string{http.MethodGet, http.MethodOptions} {
			got := w.ask(method, path, "", "Origin", "https://portal.example.ru", "Access-Control-Request-Method", "GET")
			if got.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s may be read by scripts", method, path)
			}
		}
	}
}

// Row 41.
func TestABodyIsAtMost64KiB(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/token", "/introspect", "/revoke"} {
		body := wants(t, w.post("portal", path, url.Values{"token": {strings.Repeat("x", 65<<10)}, "grant_type": {"refresh_token"}}), 400, "invalid_request")
		if !strings.Contains(body.text("error_description"), "64 KiB") {
			t.Errorf("%s: %v", path, body)
		}
	}
}

// Row 43: the library's own paths are not reached, and ours of the same name are ours.
func TestTheLibrarysOwnPathsAreNotServed(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/ready", "/keys", "/oauth/token", "/oauth/introspect", "/oauth/v2/keys", "/end_session", "/device_authorization", "/authorize/", "/token/"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if got := w.ask(method, path, ""); got.Code != http.StatusNotFound {
				t.Errorf("%s %s: %d", method, path, got.Code)
			}
		}
	}
	if got := w.ask(http.MethodGet, "/healthz", ""); strings.TrimSpace(got.Body.String()) != `{"status":"ok"}` {
		t.Errorf("/healthz: %s", got.Body)
	}
}

// Row 44: a database that is gone is told to nobody.
func TestTheTextOfAnInternalErrorReachesNobody(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	tokens := b.tokens(t, "portal")
	form := redemption(b.code(t, "portal"))
	must(t, w.server.Store.Close())
	for name, got := range map[string]*httptest.ResponseRecorder{
		"/token":      w.post("portal", "/token", form),
		"/introspect": w.post("portal", "/introspect", url.Values{"token": {tokens.text("access_token")}}),
		"/revoke":     w.post("portal", "/revoke", url.Values{"token": {tokens.text("access_token")}}),
		"/userinfo":   w.userinfo(tokens.text("access_token")),
		"/authorize":  b.do(http.MethodGet, request("portal"), ""),
		"/callback":   b.do(http.MethodGet, "/authorize/callback?request=x", ""),
		"/logout":     b.do(http.MethodGet, "/logout", ""),
		"/readyz":     w.ask(http.MethodGet, "/readyz", ""),
	} {
		text := strings.ToLower(got.Body.String() + fmt.Sprint(got.Header()))
		if got.Code < 500 || strings.Contains(text, "sql:") || strings.Contains(text, "closed") || strings.Contains(text, "propusk/") {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
}

// TestEveryMethodOfTheLibrarysServerIsOverriddenOrFailsClosed parses the package: a method that is not ours is that of
// UnimplementedServer, never of LegacyServer.
func TestEveryMethodOfTheLibrarysServerIsOverriddenOrFailsClosed(t *testing.T) {
	closed := []string{"Authorize", "DeviceAuthorization", "DeviceToken", "Discovery", "EndSession", "Health", "Introspect", "JWTProfile", "Keys", "Ready",
		"TokenExchange", "UserInfo", "VerifyAuthRequest"}
	packages, err := parser.ParseDir(token.NewFileSet(), ".", nil, 0)
	must(t, err)
	methods, embedded := ofProtocolServer(packages["oidc"])
	if !slices.Equal(embedded, []string{"op.UnimplementedServer"}) {
		t.Errorf("protocolServer embeds %v, want op.UnimplementedServer alone", embedded)
	}
	library := reflect.TypeFor[op.Server]()
	if library.NumMethod() != 19 { // 18 and one that is not exported
		t.Errorf("op.Server has %d methods: a new one must be overridden or listed here", library.NumMethod())
	}
	for i := range library.NumMethod() {
		m := library.Method(i)
		if ours := slices.Contains(methods, m.Name); m.IsExported() && ours == slices.Contains(closed, m.Name) {
			t.Errorf("%s: overridden %v, listed as closed %v", m.Name, ours, !ours)
		}
	}
}

func ofProtocolServer(p *ast.Package) (methods, embedded []string) {
	ast.Inspect(p, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv != nil {
				if r, ok := n.Recv.List[0].Type.(*ast.Ident); ok && r.Name == "protocolServer" {
					methods = append(methods, n.Name.Name)
				}
			}
		case *ast.TypeSpec:
			if s, ok := n.Type.(*ast.StructType); ok && n.Name.Name == "protocolServer" {
				for _, f := range s.Fields.List {
					if x, ok := f.Type.(*ast.SelectorExpr); ok && len(f.Names) == 0 {
						embedded = append(embedded, fmt.Sprint(x.X)+"."+x.Sel.Name)
					}
				}
			}
		}
		return true
	})
	return methods, embedded
}
