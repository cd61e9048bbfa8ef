package oidc_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// bad is a malformed request and its exact answer. code is the error of the protocol, or the step of the page; names is the
// parameter that the description names.
type bad struct {
	name, method, path string
	body               string // of a form, unless header says otherwise
	header             []string
	status             int
	code, names        string
}

func (b bad) test(t *testing.T, w *world) {
	t.Run(b.method+" "+between("\n"+b.path+"?", "\n", "?")+" "+b.name, func(t *testing.T) {
		header := b.header
		if b.method == http.MethodPost && header == nil {
			header = form
		}
		got := w.ask(b.method, b.path, b.body, header...)
		code, text := said(got)
		if got.Code != b.status || code != b.code || !strings.Contains(text, b.names) {
			t.Errorf("answer = %d %q %.600s, want %d %q naming %q", got.Code, code, text, b.status, b.code, b.names)
		}
		page := got.Header().Get("Location") == "" && strings.HasPrefix(got.Header().Get("Content-Type"), "text/html")
		if page || strings.HasPrefix(b.path, "/dev/") {
			return
		}
		if got.Code >= 400 && got.Header().Get("X-Reference") == "" {
			t.Error("X-Reference is missing")
		}
		if i := strings.IndexFunc(text, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }); i >= 0 {
			t.Errorf("error_description %q: RFC 6749, 5.2 does not allow %q", text, text[i:])
		}
	})
}

// said is the error code and its text in the answer to the portal, in JSON or on a page.
func said(got *httptest.ResponseRecorder) (code, text string) {
	if to, err := url.Parse(got.Header().Get("Location")); err == nil && to.String() != "" {
		if to.Host == "portal.example.ru" {
			return to.Query().Get("error"), to.Query().Get("error_description")
		}
		return "to " + to.Path, ""
	}
	var body struct {
		Error string `json:"error"`
		Text  string `json:"error_description"`
	}
	if json.Unmarshal(got.Body.Bytes(), &body) == nil {
		return body.Error, body.Text
	}
	_, page, _ := strings.Cut(got.Body.String(), "<main")
	return between(got.Body.String(), `data-step="`, `"`), strings.Join(strings.Fields(markup.ReplaceAllString(page, " ")), " ")
}

var (
	markup   = regexp.MustCompile(`<[^>]*>`)
	form     = []string{"Content-Type", formType}
	asPortal = []string{"Content-Type", formType, "Authorization", basic("portal")}
	asOne    = []string{"Content-Type", formType, "Authorization", basic("machine")}
	asJSON   = []string{"Content-Type", "application/json", "Authorization", basic("portal")}
	typeless = []string{"Authorization", basic("portal")}
	huge     = strings.Repeat("x", 65<<10)
)

const redeem = "grant_type=authorization_code&redirect_uri=https%3A%2F%2Fportal.example.ru%2Fcallback&code="

var badAuthorize = []bad{
	{"nothing", "GET", "/authorize", "", nil, 400, "error", "client_id"},
	{"client_id empty", "GET", request("") + "&client_id=", "", nil, 400, "error", "client_id"},
	{"client_id unknown", "GET", request("nobody"), "", nil, 400, "error", "client_id"},
	{"client_id SQL", "GET", request("' OR 1=1 --"), "", nil, 400, "error", "client_id"},
	{"client_id NUL", "GET", request("portal\x00"), "", nil, 400, "error", ""},
	{"client_id huge", "GET", request(huge), "", nil, 400, "error", "client_id"},
	{"client_id doubled", "GET", request("portal") + "&client_id=portal", "", nil, 400, "error", "client_id"},
	{"redirect_uri missing", "GET", request("portal", "redirect_uri", ""), "", nil, 400, "error", "redirect_uri"},
	{"redirect_uri huge", "GET", request("portal", "redirect_uri", callback+huge), "", nil, 400, "error", "redirect_uri"},
	{"redirect_uri doubled", "GET", request("portal") + "&redirect_uri=x", "", nil, 400, "error", "redirect_uri"},
	{"the query cannot be decoded", "GET", request("portal") + "&x=%zz", "", nil, 400, "error", "query"},
	{"semicolons", "GET", request("portal") + "&a=b;c=d", "", nil, 400, "error", "query"},
	{"response_type missing", "GET", request("portal", "response_type", ""), "", nil, 303, "invalid_request", "response_type"},
	{"response_type token", "GET", request("portal", "response_type", "token"), "", nil, 303, "unsupported_response_type", "response_type"},
	{"response_type in capitals", "GET", request("portal", "response_type", "CODE"), "", nil, 303, "unsupported_response_type", "response_type"},
	{"response_mode unknown", "GET", request("portal", "response_mode", "jwt"), "", nil, 303, "invalid_request", "response_mode"},
	{"scope missing", "GET", request("portal", "scope", ""), "", nil, 303, "invalid_scope", "scope"},
	{"scope of nobody", "GET", request("portal", "scope", "' OR 1=1"), "", nil, 303, "invalid_scope", "scope"},
	{"state huge", "GET", request("portal", "state", huge), "", nil, 303, "invalid_request", "state"},
	{"state with NUL", "GET", request("portal", "state", "a\x00"), "", nil, 400, "error", ""},
	{"state not UTF-8", "GET", request("portal", "state", "\xff"), "", nil, 400, "error", ""},
	{"state doubled", "GET", request("portal") + "&state=s-1", "", nil, 303, "invalid_request", "state"},
	{"nonce huge", "GET", request("portal", "nonce", huge), "", nil, 303, "invalid_request", "nonce"},
	{"nonce not UTF-8", "GET", request("portal", "nonce", "\xff"), "", nil, 400, "error", ""},
	{"code_challenge not base64url", "GET", request("portal", "code_challenge", strings.Repeat("+", 43)), "", nil, 303, "invalid_request", "code_challenge"},
	{"code_challenge padded", "GET", request("portal", "code_challenge", strings.Repeat("A", 43)+"="), "", nil, 303, "invalid_request", "code_challenge"},
	{"prompt unknown", "GET", request("portal", "prompt", "LOGIN"), "", nil, 303, "invalid_request", "prompt"},
	{"max_age too great", "GET", request("portal", "max_age", "99999999999999999999"), "", nil, 303, "invalid_request", "max_age"},
	{"max_age with a point", "GET", request("portal", "max_age", "1.5"), "", nil, 303, "invalid_request", "max_age"},
	{"claims not JSON", "GET", request("portal", "claims", "{"), "", nil, 303, "invalid_request", "claims"},
	{"claims an array", "GET", request("portal", "claims", "[]"), "", nil, 303, "invalid_request", "claims"},
	{"claims of wrong types", "GET", request("portal", "claims", `{"id_token":{"acr":{"essential":"yes"}}}`), "", nil, 303, "invalid_request", "claims"},
	{"claims huge", "GET", request("portal", "claims", `{"id_token":{"`+huge+`":null}}`), "", nil, 303, "invalid_request", "claims"},
	{"claims that demand an unknown acr", "GET", request("portal", "claims", `{"id_token":{"acr":{"essential":true,"value":"x"}}}`), "", nil, 303,
		"unmet_authentication_requirements", "acr"},
	{"id_token_hint text", "GET", request("portal", "id_token_hint", "x"), "", nil, 303, "invalid_request", "id_token_hint"},
	{"resource relative", "GET", request("portal", "resource", "/api"), "", nil, 303, "invalid_target", "resource"},
	{"resource with a fragment", "GET", request("portal", "resource", "https://a.example/#b"), "", nil, 303, "invalid_target", "resource"},
	{"method", "DELETE", "/authorize", "", nil, 405, "error", ""},
	{"JSON", "POST", "/authorize", "{}", []string{"Content-Type", "application/json"}, 400, "error", "form-urlencoded"},
	{"huge", "POST", "/authorize", "state=" + huge, nil, 400, "error", "64 KiB"},
	{"cannot be decoded", "POST", "/authorize", "state=%zz", nil, 400, "error", "body"},
	{"doubled", "POST", "/authorize", "state=1&state=2", nil, 400, "error", "state"},
	{"no request", "GET", "/authorize/callback", "", nil, 410, "expired", ""},
	{"request of nobody", "GET", "/authorize/callback?request=%00%ff", "", nil, 400, "error", ""},
	{"method", "POST", "/authorize/callback", "", nil, 405, "error", ""},
}

var badToken = []bad{
	{"nothing", "POST", "/token", "", asPortal, 400, "invalid_request", "grant_type"},
	{"grant_type empty", "POST", "/token", "grant_type=", asPortal, 400, "invalid_request", "grant_type"},
	{"grant_type doubled", "POST", "/token", "grant_type=refresh_token&grant_type=refresh_token", asPortal, 400, "invalid_request", "grant_type"},
	{"grant_type unknown", "POST", "/token", "grant_type=%27%20OR%201%3D1", asPortal, 400, "unsupported_grant_type", "grant_type"},
	{"grant_type with NUL", "POST", "/token", "grant_type=refresh_token%00", asPortal, 400, "invalid_request", "grant_type"},
	{"JSON", "POST", "/token", `{"grant_type":"refresh_token"}`, asJSON, 400, "invalid_request", "form-urlencoded"},
	{"no type", "POST", "/token", "grant_type=refresh_token", typeless, 400, "invalid_request", "form-urlencoded"},
	{"huge", "POST", "/token", redeem + huge, asPortal, 400, "invalid_request", "64 KiB"},
	{"cannot be decoded", "POST", "/token", "grant_type=%zz", asPortal, 400, "invalid_request", "body"},
	{"semicolons", "POST", "/token", "grant_type=a;b=c", asPortal, 400, "invalid_request", "body"},
	{"method", "GET", "/token?grant_type=client_credentials", "", asPortal, 405, "invalid_request", "method"},
	{"a query that is not text is not read", "POST", "/token?a=%00", "", asPortal, 400, "invalid_request", "grant_type"},
	{"code missing", "POST", "/token", redeem, asPortal, 400, "invalid_request", "code"},
	{"code of nobody", "POST", "/token", redeem + "x", asPortal, 400, "invalid_grant", "code"},
	{"code SQL", "POST", "/token", redeem + "%27%3B--", asPortal, 400, "invalid_grant", "code"},
	{"code not UTF-8", "POST", "/token", redeem + "%ff", asPortal, 400, "invalid_request", "code"},
	{"code doubled", "POST", "/token", redeem + "x&code=y", asPortal, 400, "invalid_request", "code"},
	{"code of zeroes", "POST", "/token", redeem + strings.Repeat("A", 75), asPortal, 400, "invalid_grant", "code"},
	{"redirect_uri missing", "POST", "/token", "grant_type=authorization_code&code=x", asPortal, 400, "invalid_request", "redirect_uri"},
	{"code_verifier doubled", "POST", "/token", redeem + "x&code_verifier=a&code_verifier=b", asPortal, 400, "invalid_request", "code_verifier"},
	{"refresh_token missing", "POST", "/token", "grant_type=refresh_token", asPortal, 400, "invalid_request", "refresh_token"},
	{"refresh_token of nobody", "POST", "/token", "grant_type=refresh_token&refresh_token=x", asPortal, 400, "invalid_grant", "refresh token"},
	{"refresh_token with NUL", "POST", "/token", "grant_type=refresh_token&refresh_token=%00", asPortal, 400, "invalid_request", "refresh_token"},
	{"scope of a person", "POST", "/token", "grant_type=client_credentials&scope=openid", asOne, 400, "invalid_scope", "scope"},
	{"scope of nobody", "POST", "/token", "grant_type=client_credentials&scope=x%22", asOne, 400, "invalid_scope", "scope"},
	{"scope with NUL", "POST", "/token", "grant_type=client_credentials&scope=records%00", asOne, 400, "invalid_request", "scope"},
	{"resource relative", "POST", "/token", "grant_type=client_credentials&resource=api", asOne, 400, "invalid_target", "resource"},
	{"resource doubled", "POST", "/token", "grant_type=client_credentials&resource=a&resource=b", asOne, 400, "invalid_request", "resource"},
	{"no client", "POST", "/token", redeem + "x", form, 401, "invalid_client", "client_id"},
	{"an unknown client", "POST", "/token", redeem + "x&client_id=nobody", form, 401, "invalid_client", "client"},
	{"client_secret wrong", "POST", "/token", redeem + "x&client_id=post&client_secret=x", form, 401, "invalid_client", "client_secret"},
	{"client_secret not UTF-8", "POST", "/token", redeem + "x&client_id=post&client_secret=%ff", form, 400, "invalid_request", "client_secret"},
	{"client_id differs", "POST", "/token", redeem + "x&client_id=post", asPortal, 401, "invalid_client", "client_id"},
	{"client_assertion_type missing", "POST", "/token", redeem + "x&client_assertion=a.b.c", form, 400, "invalid_request", "client_assertion_type"},
}

var badOthers = []bad{
	{"nothing", "GET", "/userinfo", "", nil, 401, "invalid_request", "access token"},
	{"a query that is not text", "GET", "/userinfo?a=%ff", "", nil, 401, "invalid_request", "access token"},
	{"Basic", "GET", "/userinfo", "", typeless, 401, "invalid_request", "Bearer"},
	{"an empty token", "GET", "/userinfo", "", []string{"Authorization", "Bearer "}, 401, "invalid_token", "access token"},
	{"NUL", "GET", "/userinfo", "", []string{"Authorization", "Bearer a\x00"}, 401, "invalid_token", "access token"},
	{"huge", "GET", "/userinfo", "", []string{"Authorization", "Bearer " + huge}, 401, "invalid_token", "access token"},
	{"three parts of nothing", "GET", "/userinfo", "", []string{"Authorization", "Bearer .."}, 401, "invalid_token", "access token"},
	{"an opaque one of nobody", "GET", "/userinfo", "", []string{"Authorization", "Bearer at_' OR 1=1"}, 401, "invalid_token", "access token"},
	{"JSON", "POST", "/userinfo", "{}", []string{"Content-Type", "application/json"}, 400, "invalid_request", "form-urlencoded"},
	{"doubled", "POST", "/userinfo", "access_token=a&access_token=b", nil, 400, "invalid_request", "access_token"},
	{"header and form", "POST", "/userinfo", "access_token=a", []string{"Content-Type", formType, "Authorization", "Bearer b"}, 400, "invalid_request",
		"access_token"},
	{"a body of no form", "POST", "/userinfo", "{}", []string{"Content-Type", "application/json", "Authorization", "Bearer b"}, 401, "invalid_token",
		"access token"},
	{"method", "DELETE", "/userinfo", "", nil, 405, "invalid_request", "method"},
	{"no client", "POST", "/introspect", "token=x", nil, 401, "invalid_client", "client_id"},
	{"token missing", "POST", "/introspect", "", asPortal, 400, "invalid_request", "token"},
	{"token doubled", "POST", "/introspect", "token=a&token=b", asPortal, 400, "invalid_request", "token"},
	{"token not UTF-8", "POST", "/introspect", "token=%ff", asPortal, 400, "invalid_request", "token"},
	{"token of nobody", "POST", "/introspect", "token=x", asPortal, 200, "", ""},
	{"huge", "POST", "/introspect", "token=" + huge, asPortal, 400, "invalid_request", "64 KiB"},
	{"JSON", "POST", "/introspect", "{}", asJSON, 400, "invalid_request", "form-urlencoded"},
	{"method", "GET", "/introspect?token=x", "", asPortal, 405, "invalid_request", "method"},
	{"no client", "POST", "/revoke", "token=x", nil, 401, "invalid_client", "client_id"},
	{"token missing", "POST", "/revoke", "", asPortal, 400, "invalid_request", "token"},
	{"token doubled", "POST", "/revoke", "token=a&token=b", asPortal, 400, "invalid_request", "token"},
	{"huge", "POST", "/revoke", "token=" + huge, asPortal, 400, "invalid_request", "64 KiB"},
	{"JSON", "POST", "/revoke", "{}", asJSON, 400, "invalid_request", "form-urlencoded"},
	{"method", "GET", "/revoke?token=x", "", asPortal, 405, "invalid_request", "method"},
	{"method", "POST", "/jwks", "", nil, 405, "invalid_request", "method"},
	{"method", "POST", "/.well-known/openid-configuration", "", nil, 405, "invalid_request", "method"},
	{"id_token_hint text", "GET", "/logout?id_token_hint=x", "", nil, 400, "error", "id_token_hint"},
	{"client_id unknown", "GET", "/logout?client_id=%27", "", nil, 400, "error", "client_id"},
	{"an address without a client", "GET", "/logout?post_logout_redirect_uri=https%3A%2F%2Fa.example", "", nil, 400, "error", "id_token_hint"},
	{"another address", "GET", "/logout?client_id=portal&post_logout_redirect_uri=x", "", nil, 400, "error", "post_logout_redirect_uri"},
	{"state doubled", "GET", "/logout?state=a&state=b", "", nil, 400, "error", "state"},
	{"the query cannot be decoded", "GET", "/logout?state=%zz", "", nil, 400, "error", "query"},
	{"JSON", "POST", "/logout", "{}", asJSON, 400, "error", "form-urlencoded"},
	{"huge", "POST", "/logout", "state=" + huge, nil, 400, "error", "64 KiB"},
	{"method", "PUT", "/logout", "", nil, 405, "error", ""},
	{"method", "GET", "/logout/confirm", "", nil, 405, "error", ""},
}

var badPages = []bad{
	{"request of nobody", "GET", "/login?request=%00%ff", "", nil, 400, "error", ""},
	{"request SQL", "GET", "/login?request=%27%20OR%201%3D1", "", nil, 410, "expired", ""},
	{"nothing", "POST", "/login/password", "", nil, 410, "expired", ""},
	{"huge", "POST", "/login/password", "login=" + huge, nil, 400, "error", ""},
	{"doubled", "POST", "/login/password", "login=a&login=b", nil, 400, "error", ""},
	{"cannot be decoded", "POST", "/login/password", "login=%zz", nil, 400, "error", ""},
	{"JSON", "POST", "/login/password", "{}", asJSON, 410, "expired", ""},
	{"from another site", "POST", "/login/password", "login=a", []string{"Content-Type", formType, "Sec-Fetch-Site", "cross-site"}, 403, "error", ""},
	{"method", "PUT", "/login/password", "", nil, 405, "error", ""},
	{"by GET", "GET", "/login/password", "", nil, 303, "to /login", ""},
	{"nothing", "POST", "/login/code", "", nil, 410, "expired", ""},
	{"nothing", "POST", "/login/consent", "", nil, 410, "expired", ""},
	{"nothing", "POST", "/signup", "", nil, 410, "expired", ""},
	{"nothing", "POST", "/signup/code", "", nil, 410, "expired", ""},
	{"registration of nobody", "GET", "/signup?registration=%00%ff", "", nil, 400, "error", ""},
	{"from another site", "POST", "/signup", "", []string{"Content-Type", formType, "Origin", "https://evil.example"}, 403, "error", ""},
	{"token of nobody", "GET", "/confirm/%27%20OR", "", nil, 410, "confirm-email", ""},
	{"token of nobody", "POST", "/confirm/%00", "", nil, 410, "confirm-email", ""},
	{"wait", "GET", "/dev/outbox?wait=x", "", nil, 400, "invalid_request", "wait"},
	{"method", "DELETE", "/dev/outbox", "", nil, 405, "", ""},
	{"JSON", "POST", "/dev/citizens", "[1]", asJSON, 400, "invalid_request", ""},
	{"unknown member", "POST", "/dev/citizens", `{"shoe":"x"}`, asJSON, 400, "invalid_request", "shoe"},
	{"wrong type", "POST", "/dev/citizens", `{"name":1}`, asJSON, 400, "invalid_request", "name"},
	{"NUL", "POST", "/dev/citizens", `{"name":"a\u0000b c"}`, asJSON, 400, "invalid_request", "name"},
	{"huge", "POST", "/dev/citizens", `{"name":"` + huge + `"}`, asJSON, 400, "invalid_request", ""},
	{"phone SQL", "POST", "/dev/citizens", `{"phone":"' OR 1=1"}`, asJSON, 400, "invalid_request", "phone"},
	{"method", "PUT", "/dev/citizens", "", nil, 405, "", ""},
	{"a path of nobody", "GET", "/dev/nothing", "", nil, 404, "error", ""},
}

func TestMalformedRequestsAreAnsweredExactly(t *testing.T) {
	w := newWorld(t)
	for _, table := range [][]bad{badAuthorize, badToken, badOthers, badPages} {
		for _, b := range table {
			b.test(t, w)
		}
	}
}
