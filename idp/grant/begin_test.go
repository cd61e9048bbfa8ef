package grant_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"propusk/idp"
	"propusk/idp/grant"
	"propusk/store/storetest"
)

func TestEveryRefusalOfAnAuthorizationRequest(t *testing.T) {
	s := newStand(t, storetest.SQLiteURL(t))
	s.register("")
	s.register(`"client_id": "machine", "grant_types": ["client_credentials"], "scope": "r"`)
	s.register(`"client_id": "native", "client_secret": null, "token_endpoint_auth_method": "none", "redirect_uris": ["http://127.0.0.1/cb"]`)
	s.register(`"client_id": "other"`)
	s.register(`"client_id": "stopped"`)
	_, err := s.Store.DisableClient(s.ctx, "stopped", t0)
	s.must(err)
	s.must(s.Reload(s.ctx, s.now))
	hint := func(aud string) string {
		text, err := json.Marshal(map[string]any{"iss": issuer, "aud": aud, "sub": "12345678901"})
		s.must(err)
		token, _, err := s.Ring().Sign("ES256", "JWT", text, s.now)
		s.must(err)
		return token
	}
	long := strings.Repeat("x", 4097)
	covered := map[string]bool{}
	for name, c := range map[string]struct {
		change func(*grant.Ask)
		code   string // of OAuth
		reason string
		untold bool
	}{
		"no client":                    {func(in *grant.Ask) { in.ClientID = "" }, "invalid_request", "client_id_missing", true},
		"an unknown client":            {func(in *grant.Ask) { in.ClientID = "x" }, "invalid_request", "client_unknown", true},
		"a stopped client":             {func(in *grant.Ask) { in.ClientID = "stopped" }, "invalid_request", "client_unknown", true},
		"no redirect":                  {func(in *grant.Ask) { in.RedirectURI = "" }, "invalid_request", "redirect_uri_missing", true},
		"another redirect":             {func(in *grant.Ask) { in.RedirectURI = callback + "/" }, "invalid_request", "redirect_uri_mismatch", true},
		"a redirect that is too long":  {func(in *grant.Ask) { in.RedirectURI = callback + "?" + long }, "invalid_request", "redirect_uri_mismatch", true},
		"a request object":             {func(in *grant.Ask) { in.Request = "x" }, "request_not_supported", "request_not_supported", false},
		"a request by reference":       {func(in *grant.Ask) { in.RequestURI = "x" }, "request_uri_not_supported", "request_uri_not_supported", false},
		"no response type":             {func(in *grant.Ask) { in.ResponseType = "" }, "invalid_request", "response_type_missing", false},
		"an implicit request":          {func(in *grant.Ask) { in.ResponseType = "id_token" }, "unsupported_response_type", "response_type_unsupported", false},
		"a hybrid request":             {func(in *grant.Ask) { in.ResponseType = "code id_token" }, "unsupported_response_type", "response_type_unsupported", false},
		"a machine":                    {func(in *grant.Ask) { in.ClientID = "machine" }, "unauthorized_client", "grant_type_not_registered", false},
		"a long state":                 {func(in *grant.Ask) { in.State = long }, "invalid_request", "state_too_long", false},
		"a long nonce":                 {func(in *grant.Ask) { in.Nonce = long }, "invalid_request", "nonce_too_long", false},
		"another response mode":        {func(in *grant.Ask) { in.ResponseMode = "fragment" }, "invalid_request", "response_mode_unsupported", false},
		"a scope that is not its own":  {func(in *grant.Ask) { in.Scope = "openid email" }, "invalid_scope", "scope_not_registered", false},
		"no scope":                     {func(in *grant.Ask) { in.Scope = " " }, "invalid_scope", "scope_missing", false},
		"unknown scopes alone":         {func(in *grant.Ask) { in.Scope = "unheard of" }, "invalid_scope", "scope_missing", false},
		"a method without a challenge": {func(in *grant.Ask) { in.CodeChallenge = "" }, "invalid_request", "code_challenge_missing", false},
		"no PKCE":                      {func(in *grant.Ask) { in.CodeChallenge, in.CodeChallengeMethod = "", "" }, "invalid_request", "pkce_required", false},
		"no PKCE from a public client": {func(in *grant.Ask) {
			in.ClientID, in.RedirectURI, in.CodeChallenge, in.CodeChallengeMethod = "native", "http://127.0.0.1:5/cb", "", ""
		}, "invalid_request", "pkce_required", false},
		"a plain challenge":             {func(in *grant.Ask) { in.CodeChallengeMethod = "plain" }, "invalid_request", "pkce_method", false},
		"a challenge without a method":  {func(in *grant.Ask) { in.CodeChallengeMethod = "" }, "invalid_request", "pkce_method", false},
		"a challenge that is no hash":   {func(in *grant.Ask) { in.CodeChallenge = "short" }, "invalid_request", "pkce_challenge", false},
		"a challenge with padding":      {func(in *grant.Ask) { in.CodeChallenge += "=" }, "invalid_request", "pkce_challenge", false},
		"an unknown prompt":             {func(in *grant.Ask) { in.Prompt = "login please" }, "invalid_request", "prompt_unknown", false},
		"the prompt that is ours alone": {func(in *grant.Ask) { in.Prompt = idp.PromptOther }, "invalid_request", "prompt_unknown", false},
		"none with another prompt":      {func(in *grant.Ask) { in.Prompt = "none login" }, "invalid_request", "prompt_none", false},
		"max_age that is no number":     {func(in *grant.Ask) { in.MaxAge = "abc" }, "invalid_request", "max_age", false},
		"a negative max_age":            {func(in *grant.Ask) { in.MaxAge = "-1" }, "invalid_request", "max_age", false},
		"claims that are no object":     {func(in *grant.Ask) { in.Claims = `[]` }, "invalid_request", "claims", false},
		"claims that are null":          {func(in *grant.Ask) { in.Claims = `null` }, "invalid_request", "claims", false},
		"claims with a tail":            {func(in *grant.Ask) { in.Claims = `{}{}` }, "invalid_request", "claims", false},
		"claims that are too long":      {func(in *grant.Ask) { in.Claims = `{"x":"` + long + long + `"}` }, "invalid_request", "claims", false},
		"an essential acr of nowhere":   {func(in *grant.Ask) { in.Claims = `{"id_token":{"acr":{"essential":true,"value":"gold"}}}` }, "unmet_authentication_requirements", "acr_unknown", false},
		"a hint that is no token":       {func(in *grant.Ask) { in.IDTokenHint = "x" }, "invalid_request", "id_token_hint", false},
		"a hint of another client":      {func(in *grant.Ask) { in.IDTokenHint = hint("other") }, "invalid_request", "id_token_hint", false},
		"a resource that is relative":   {func(in *grant.Ask) { in.Resource = "/api" }, "invalid_target", "resource", false},
		"a resource with a fragment":    {func(in *grant.Ask) { in.Resource = "https://a.example.ru/#x" }, "invalid_target", "resource", false},
	} {
		_, _, err := s.Begin(ask(c.change), s.now)
		r, ok := grant.AsRefusal(err)
		if !ok || r.Code != c.code || r.Reason != c.reason || r.Untold != c.untold {
			t.Errorf("%s: %+v, want %s (%s), untold %v", name, err, c.code, c.reason, c.untold)
			continue
		}
		for _, letter := range r.Text {
			if letter < ' ' || letter > '~' {
				t.Errorf("%s: the text %q is not ASCII", name, r.Text)
			}
		}
		covered[r.Reason] = true
	}
	source, err := os.ReadFile("authorize.go")
	s.must(err)
	for _, m := range regexp.MustCompile(`(?:refuse\("\w+", |untold\()"(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		if !covered[m[1]] {
			t.Errorf("the refusal %s has no case here", m[1])
		}
	}
}

func TestARefusedRedirectTellsTheNearestRegisteredOne(t *testing.T) {
	s := newStand(t, storetest.SQLiteURL(t))
	s.register(`"redirect_uris": ["https://portal.example.ru/callback", "https://test.portal.example.ru/cb"]`)
	_, _, err := s.Begin(ask(func(in *grant.Ask) { in.RedirectURI = "https://portal.example.ru/calback" }), s.now)
	r := s.refused(err, "redirect_uri_mismatch")
	if r.Nearest != "https://portal.example.ru/callback" || r.Came != "https://portal.example.ru/calback" || !strings.Contains(r.Expected, "/cb") {
		t.Errorf("refusal %+v", r)
	}
}

func TestARequestInOrderIsReadOnce(t *testing.T) {
	s := newStand(t, storetest.SQLiteURL(t))
	s.register(`"minimum_tier": "standard"`)
	text, err := json.Marshal(map[string]any{"iss": issuer, "aud": "portal", "sub": "12345678901", "exp": 1})
	s.must(err)
	hint, _, err := s.Ring().Sign("ES256", "JWT", text, s.now)
	s.must(err)
	got, c, err := s.Begin(ask(func(in *grant.Ask) {
		in.Scope, in.ResponseMode, in.Prompt, in.MaxAge = "openid snils unheard openid", "form_post", "login consent", "0"
		in.ACRValues = "urn:propusk:acr:confirmed:mfa gold urn:propusk:acr:standard"
		in.LoginHint, in.IDTokenHint, in.UILocales, in.Resource = "+7 912 345-67-89", hint, "de en-GB ru", "https://api.example.ru"
	}), s.now)
	s.must(err)
	want := idp.AuthRequest{Face: idp.FaceOIDC, ClientID: "portal", RedirectURI: callback, ResponseMode: "form_post", State: "state", Nonce: "nonce",
		Scopes: []string{"openid", "snils"}, CodeChallenge: challenge(verifier), ACRs: []idp.ACR{{Tier: idp.Confirmed, Strength: idp.TwoFactors}, {Tier: idp.Standard}},
		MinimumTier: idp.Standard, Prompts: []string{"login", "consent"}, MaxAge: 0, LoginHint: "+7 912 345-67-89", HintOID: 12345678901,
		Resource: "https://api.example.ru", Language: idp.English, CreatedAt: t0, ExpiresAt: t0 + idp.RequestLife}
	if diff := cmp.Diff(want, got); diff != "" || c.ID != "portal" {
		t.Errorf("client %s, diff (-want +got):\n%s", c.ID, diff)
	}
}

func TestTheClaimsParameterAsksAndDemands(t *testing.T) {
	s := newStand(t, storetest.SQLiteURL(t))
	s.register("")
	for claims, want := range map[string]string{
		`{"id_token":{"acr":{"essential":true,"values":["urn:propusk:acr:confirmed","gold"]}}}`: "[urn:propusk:acr:confirmed] true [snils]",
		`{"id_token":{"acr":{"value":"urn:propusk:acr:standard:mfa"}}}`:                         "[urn:propusk:acr:standard:mfa] false [snils]",
		`{"id_token":{"acr":{"essential":true}}}`:                                               "[] false [snils]",
		`{"id_token":{"acr":null},"userinfo":{"given_name":null,"inn":{"essential":true}}}`:     "[] false [name snils inn]",
		`{"userinfo":{"unheard_of":null}}`:                                                      "[] false [snils]",
		`{}`:                                                                                    "[] false [snils]",
	} {
		r, _, err := s.Begin(ask(func(in *grant.Ask) { in.Claims = claims }), s.now)
		if got := fmt.Sprint(r.ACRs, " ", r.ACREssential, " ", grant.Wanted(r)); err != nil || got != want {
			t.Errorf("claims=%s: %s, %v; want %s", claims, got, err, want)
		}
	}
}
