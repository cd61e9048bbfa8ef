package grant_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"propusk/idp"
	"propusk/idp/grant"
	"propusk/store/storetest"
)

func TestAClientShowsItselfTheWayItIsRegistered(t *testing.T) {
	s := newStand(t, storetest.SQLiteURL(t))
	s.register("")
	s.register(`"client_id": "post", "token_endpoint_auth_method": "client_secret_post"`)
	s.register(`"client_id": "native", "client_secret": null, "token_endpoint_auth_method": "none"`)
	s.register(`"client_id": "stopped"`)
	_, err := s.Store.DisableClient(s.ctx, "stopped", t0)
	s.must(err)
	s.must(s.Reload(s.ctx, s.now))
	for name, c := range map[string]struct {
		in   grant.Credentials
		want string
	}{
		"by header":                   {grant.Credentials{ClientID: "portal", Secret: "s3cret", Method: idp.AuthBasic}, ""},
		"by form":                     {grant.Credentials{ClientID: "post", Secret: "s3cret", Method: idp.AuthPost}, ""},
		"by name alone":               {grant.Credentials{ClientID: "native", Method: idp.AuthNone}, ""},
		"by form instead of header":   {grant.Credentials{ClientID: "portal", Secret: "s3cret", Method: idp.AuthPost}, "auth_method"},
		"by name instead of a secret": {grant.Credentials{ClientID: "portal", Method: idp.AuthNone}, "auth_method"},
		"by an assertion instead":     {grant.Credentials{ClientID: "portal", Method: idp.AuthPrivateKey, Assertion: "x"}, "assertion_client"},
		"by a secret that it lacks":   {grant.Credentials{ClientID: "native", Secret: "s3cret", Method: idp.AuthBasic}, "auth_method"},
		"with a wrong secret":         {grant.Credentials{ClientID: "portal", Secret: "secret", Method: idp.AuthBasic}, "client_secret"},
		"with an empty secret":        {grant.Credentials{ClientID: "portal", Method: idp.AuthBasic}, "client_secret"},
		"with the secret of another":  {grant.Credentials{ClientID: "unknown", Secret: "s3cret", Method: idp.AuthBasic}, "client_unknown"},
		"without a name":              {grant.Credentials{Method: idp.AuthBasic}, "client_unknown"},
		"while it is stopped":         {grant.Credentials{ClientID: "stopped", Secret: "s3cret", Method: idp.AuthBasic}, "client_unknown"},
	} {
		got, err := s.Authenticate(s.ctx, c.in, s.now)
		if reason(err) != c.want || err == nil && got.ID != c.in.ClientID {
			t.Errorf("%s: %v, %v; want %q", name, got, err, c.want)
		}
		if r, ok := grant.AsRefusal(err); ok && (r.Code != "invalid_client" || !errors.Is(err, idp.Unauthenticated)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// signer signs assertions of a client that is registered with its key.
type signer struct {
	s   *stand
	key *ecdsa.PrivateKey
}

func (s *stand) signing(id string) signer {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.must(err)
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	s.must(err)
	s.register(fmt.Sprintf(`"client_id": %q, "client_secret": null, "token_endpoint_auth_method": "private_key_jwt", "jwks": %s`, id, set))
	return signer{s, key}
}

func (g signer) assertion(change func(map[string]any)) string {
	g.s.t.Helper()
	claims := map[string]any{"iss": "signer", "sub": "signer", "aud": issuer, "exp": g.s.now.Unix() + 60, "iat": g.s.now.Unix(), "jti": string(idp.NewID(g.s.now))}
	if change != nil {
		change(claims)
	}
	text, err := json.Marshal(claims)
	g.s.must(err)
	to, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: g.key, KeyID: "k"}}, nil)
	g.s.must(err)
	signed, err := to.Sign(text)
	g.s.must(err)
	token, err := signed.CompactSerialize()
	g.s.must(err)
	return token
}

func (s *stand) assert(id, assertion string) error {
	_, err := s.Authenticate(s.ctx, grant.Credentials{ClientID: id, Method: idp.AuthPrivateKey, Assertion: assertion, Audiences: []string{issuer, issuer + "/token"}}, s.now)
	return err
}

func TestAnAssertionIsJudgedByEachOfItsClaims(t *testing.T) {
	s := newStand(t, storetest.SQLiteURL(t))
	g, stranger := s.signing("signer"), s.signing("stranger")
	set := func(name string, value any) func(map[string]any) { return func(m map[string]any) { m[name] = value } }
	without := func(name string) func(map[string]any) { return func(m map[string]any) { delete(m, name) } }
	for name, c := range map[string]struct {
		change func(map[string]any)
		want   string
	}{
		"in order":                    {nil, ""},
		"for the token endpoint":      {set("aud", issuer+"/token"), ""},
		"for both, in a list":         {set("aud", []string{issuer, issuer + "/token"}), ""},
		"for a stranger too":          {set("aud", []string{issuer, "https://evil.example"}), "assertion_audience"},
		"for nobody, in a list":       {set("aud", []string{}), "assertion_audience"},
		"for nobody":                  {without("aud"), "assertion_audience"},
		"by another issuer":           {set("iss", "x"), "assertion_issuer"},
		"without an end":              {without("exp"), "assertion_expired"},
		"at its end":                  {set("exp", t0), "assertion_expired"},
		"for ten minutes":             {set("exp", t0+610), ""},
		"for longer":                  {set("exp", t0+611), "assertion_lifetime"},
		"for ten years":               {set("exp", 1e300), "assertion_lifetime"},
		"a little ahead of our clock": {set("iat", t0+10), ""},
		"ahead of our clock":          {set("iat", t0+11), "assertion_early"},
		"that is not yet to be used":  {set("nbf", t0+60), "assertion_early"},
		"without a number":            {without("jti"), "assertion_jti"},
		"with a date in words":        {set("exp", "tomorrow"), "assertion_shape"},
	} {
		if got := reason(s.assert("signer", g.assertion(c.change))); got != c.want {
			t.Errorf("an assertion %s: %q, want %q", name, got, c.want)
		}
	}
	if err := s.assert("", g.assertion(nil)); err != nil {
		t.Errorf("without client_id: %v", err)
	}
	s.refused(s.assert("portal", g.assertion(nil)), "assertion_client")
	s.refused(s.assert("signer", stranger.assertion(nil)), "assertion_signature")
	s.refused(s.assert("signer", "a.b.c"), "assertion_client")
	s.refused(s.assert("", ""), "client_unknown")
}

func TestOfTwentyUsesOfOneAssertionOneCounts(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		token := s.signing("signer").assertion(nil)
		if won := race(20, func() error { return s.assert("signer", token) }); won != 1 {
			t.Errorf("%d, want 1", won)
		}
		s.refused(s.assert("signer", token), "assertion_replayed")
	})
}
