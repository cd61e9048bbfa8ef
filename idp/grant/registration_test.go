package grant_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"propusk/idp"
	"propusk/idp/grant"
	"propusk/keys"
)

const rsaOf1024 = `{"keys":[{"kty":"RSA","e":"AQAB","n":"` + "v" + `AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}]}`

func TestARegistrationThatDoesNotFitIsRefusedByItsMember(t *testing.T) {
	const base = `"client_id": "p", "client_secret": "s", "redirect_uris": ["https://p.example.ru/cb"]`
	redirect := func(uri string) string {
		return `{"client_id": "p", "client_secret": "s", "redirect_uris": ["` + uri + `"]}`
	}
	native := func(uri string) string {
		return `{"client_id": "p", "token_endpoint_auth_method": "none", "redirect_uris": ["` + uri + `"]}`
	}
	for name, c := range map[string]struct{ text, want string }{
		"an empty file":                     {" \n", "the file is empty"},
		"no JSON":                           {"client", "read clients"},
		"a list of numbers":                 {"[1]", "client 1"},
		"nothing in a list":                 {"[null]", "client_id"},
		"two objects without a list":        {`{` + base + `}{` + base + `}`, "read clients"},
		"an unknown member":                 {`{` + base + `, "redirect_url": []}`, `unknown field "redirect_url"`},
		"a doubled member":                  {`{` + base + `, "client_secret": "t"}`, `"client_secret" comes twice`},
		"a member in another case":          {`{` + base + `, "Scope": "openid"}`, `"Scope"`},
		"a member in a folded letter":       {`{` + base + `, "\u017fcope": "openid"}`, `small Latin letters`},
		"an unknown member of esia":         {`{` + base + `, "esia": {"mnemonic": "P", "cert": ""}}`, `unknown field "cert"`},
		"a doubled member of esia":          {`{` + base + `, "esia": {"mnemonic": "P", "mnemonic": "Q"}}`, `esia: member "mnemonic" comes twice`},
		"a member of another type":          {`{` + base + `, "scope": ["openid"]}`, "scope"},
		"no name":                           {`{"client_secret": "s"}`, "client_id"},
		"a name with a space":               {`{"client_id": "a b", "client_secret": "s"}`, "client_id"},
		"a name in Cyrillic":                {`{"client_id": "портал", "client_secret": "s"}`, "client_id"},
		"a name that is too long":           {`{"client_id": "` + strings.Repeat("a", 201) + `"}`, "client_id"},
		"a grant type that is not there":    {`{` + base + `, "grant_types": ["password"]}`, "grant_types"},
		"a response type that is not there": {`{` + base + `, "response_types": ["token"]}`, "response_types"},
		"an unknown method":                 {`{` + base + `, "token_endpoint_auth_method": "client_secret_jwt"}`, "token_endpoint_auth_method"},
		"no secret":                         {`{"client_id": "p", "redirect_uris": ["https://p.example.ru/"]}`, "client_secret is missing"},
		"a secret of a public client":       {`{` + base + `, "token_endpoint_auth_method": "none"}`, "client_secret"},
		"a public client as a machine":      {`{"client_id": "p", "token_endpoint_auth_method": "none", "grant_types": ["client_credentials"]}`, "client_credentials"},
		"a public client without PKCE":      {`{"client_id": "p", "token_endpoint_auth_method": "none", "redirect_uris": ["https://p.example.ru/"], "require_pkce": false}`, "require_pkce"},
		"no keys":                           {`{"client_id": "p", "token_endpoint_auth_method": "private_key_jwt", "redirect_uris": ["https://p.example.ru/"]}`, "jwks is missing"},
		"a weak key":                        {`{` + base + `, "jwks": ` + rsaOf1024 + `}`, "jwks"},
		"no redirect":                       {`{"client_id": "p", "client_secret": "s"}`, "redirect_uris"},
		"a relative redirect":               {redirect("/cb"), "not an absolute address"},
		"a redirect with a fragment":        {redirect("https://p.example.ru/#x"), "after #"},
		"a redirect with an empty one":      {redirect("https://p.example.ru/#"), "after #"},
		"a redirect with a wildcard":        {redirect("https://*.example.ru/"), "no wildcards"},
		"a redirect with a user":            {redirect("https://a@p.example.ru/"), "no user name"},
		"a redirect without TLS":            {redirect("http://p.example.ru/"), "must begin with https"},
		"a redirect that looks local":       {redirect("http://localhost.example.ru/"), "must begin with https"},
		"a custom scheme with a secret":     {redirect("ru.example.p:/cb"), "must begin with https"},
		"a custom scheme without a dot":     {native("myapp:/cb"), "must begin with https"},
		"a script for a redirect":           {native("javascript:alert(1)"), "must begin with https"},
		"a post-logout redirect":            {`{` + base + `, "post_logout_redirect_uris": ["http://p.example.ru/"]}`, "post_logout_redirect_uris"},
		"a policy without TLS":              {`{` + base + `, "policy_uri": "http://p.example.ru/"}`, "policy_uri"},
		"a back channel without a host":     {`{` + base + `, "backchannel_logout_uri": "https:///x"}`, "backchannel_logout_uri"},
		"an unknown scope":                  {`{` + base + `, "scope": "openid passport"}`, `"passport" is not known`},
		"a purpose of no scope":             {`{` + base + `, "scope": "openid", "purposes": {"snils": "x"}}`, "purposes"},
		"an unknown algorithm":              {`{` + base + `, "id_token_signed_response_alg": "HS256"}`, "id_token_signed_response_alg"},
		"an unknown format":                 {`{` + base + `, "access_token_format": "paseto"}`, "access_token_format"},
		"an unknown subject type":           {`{` + base + `, "subject_type": "private"}`, "subject_type"},
		"a pairwise client of two hosts":    {`{"client_id": "p", "client_secret": "s", "subject_type": "pairwise", "redirect_uris": ["https://a.example.ru/", "https://b.example.ru/"]}`, "sector_identifier_uri"},
		"an unknown tier":                   {`{` + base + `, "minimum_tier": "gold"}`, "minimum_tier"},
		"an unknown way":                    {`{` + base + `, "tier_methods": ["post"]}`, "tier_methods"},
	} {
		if _, err := grant.ReadRegistrations([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestARegistrationGetsItsDefaults(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want grant.Registration
	}{
		"a portal": {`{"client_id": "p", "client_secret": "s", "redirect_uris": ["https://p.example.ru/cb"]}`,
			grant.Registration{ClientID: "p", ClientSecret: "s", RedirectURIs: []string{"https://p.example.ru/cb"}, GrantTypes: []string{"authorization_code"},
				AuthMethod: "client_secret_basic", Scope: "openid", SubjectType: "public", IDTokenAlg: "ES256", AccessTokenFormat: "jwt"}},
		"with refresh tokens": {`{"client_id": "p", "client_secret": "s", "redirect_uris": ["http://localhost:8081/cb"], "scope": "openid offline_access"}`,
			grant.Registration{ClientID: "p", ClientSecret: "s", RedirectURIs: []string{"http://localhost:8081/cb"}, GrantTypes: []string{"authorization_code", "refresh_token"},
				AuthMethod: "client_secret_basic", Scope: "openid offline_access", SubjectType: "public", IDTokenAlg: "ES256", AccessTokenFormat: "jwt"}},
		"a native app": {`{"client_id": "p", "token_endpoint_auth_method": "none", "redirect_uris": ["ru.example.app:/cb", "http://127.0.0.1/cb"]}`,
			grant.Registration{ClientID: "p", RedirectURIs: []string{"ru.example.app:/cb", "http://127.0.0.1/cb"}, GrantTypes: []string{"authorization_code"},
				AuthMethod: "none", Scope: "openid", SubjectType: "public", IDTokenAlg: "ES256", AccessTokenFormat: "jwt"}},
		"a machine with words of its own": {`{"client_id": "p", "client_secret": "s", "grant_types": ["client_credentials"], "scope": "reports.read"}`,
			grant.Registration{ClientID: "p", ClientSecret: "s", GrantTypes: []string{"client_credentials"}, AuthMethod: "client_secret_basic", Scope: "reports.read",
				SubjectType: "public", IDTokenAlg: "ES256", AccessTokenFormat: "jwt"}},
	} {
		got, err := grant.ReadRegistrations([]byte(c.text))
		if err != nil || cmp.Diff([]grant.Registration{c.want}, got) != "" {
			t.Errorf("%s: %v, diff (-want +got):\n%s", name, err, cmp.Diff([]grant.Registration{c.want}, got))
		}
	}
	if got, err := grant.ReadRegistrations([]byte(` [{"client_id": "a", "client_secret": "s", "redirect_uris": ["https://a/"]}, {"client_id": "b", "client_secret": "s", "redirect_uris": ["https://b/"]}] `)); err != nil || len(got) != 2 {
		t.Errorf("two clients: %v, %v", got, err)
	}
}

func TestAStoredRegistrationHasNoSecretAndIsTheSameEachTime(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		all, err := grant.ReadRegistrations([]byte(`{"client_id": "p", "client_secret": "very-secret", "redirect_uris": ["https://p.example.ru/cb"],
			"purposes": {"snils": "b", "inn": "a"}, "scope": "openid snils inn", "minimum_tier": "confirmed", "tier_methods": ["bank"], "require_pkce": false,
			"organization_name": "Администрация", "esia": {"mnemonic": "P"}}`))
		s.must(err)
		row, err := all[0].Row(s.Master, t0)
		s.must(err)
		if strings.Contains(row.Body+string(row.SecretHash), "very-secret") {
			t.Error("the secret is stored")
		}
		for _, want := range []bool{true, false} {
			again, err := all[0].Row(s.Master, t0)
			s.must(err)
			if changed, err := s.Store.PutClient(s.ctx, again); err != nil || changed != want {
				t.Errorf("applied: changed %v, %v; want %v", changed, err, want)
			}
		}
		s.must(s.Reload(s.ctx, s.now))
		c := s.Client("p")
		if c == nil || c.NeedsPKCE() || c.MinimumTier != idp.Confirmed || c.Asker() != "Администрация" || c.Purposes["snils"] != "b" ||
			len(c.TierMethods) != 1 || c.IDTokenAlg != keys.ES256 || len(s.Clients()) != 1 {
			t.Errorf("client %+v", c)
		}
		_, err = s.Store.DisableClient(s.ctx, "p", t0)
		if s.must(err); s.Client("p") == nil {
			t.Error("stopped before it was read again")
		}
		s.must(s.Reload(s.ctx, s.now))
		if s.Client("p") != nil {
			t.Error("a stopped client may act")
		}
	})
}

func FuzzReadRegistrations(f *testing.F) {
	for _, s := range []string{`{"client_id": "p", "client_secret": "s", "redirect_uris": ["https://p/"]}`, `[{"client_id":"a"}]`, `{"esia": null}`, `{"esia":{}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		all, err := grant.ReadRegistrations([]byte(s))
		if err != nil {
			return
		}
		for _, r := range all {
			if r.ClientID == "" || r.AuthMethod == "" || r.Scope == "" && len(r.GrantTypes) > 0 && r.GrantTypes[0] == "authorization_code" {
				t.Errorf("%q gave %+v", s, r)
			}
		}
	})
}
