package relyingparty

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// signInOnce starts a sign-in without the site, follows it by hand and returns what Finish says.
func (s *stand) signInOnce(t *testing.T, request Request) (Result, error) {
	t.Helper()
	started := httptest.NewRecorder()
	if err := s.client.Start(started, httptest.NewRequest(http.MethodGet, "/login", nil), request); err != nil {
		return Result{}, err
	}
	direct := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := direct.Get(started.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	back, err := response.Location()
	if err != nil {
		t.Fatal(err)
	}
	callback := httptest.NewRequest(http.MethodGet, back.RequestURI(), nil)
	for _, cookie := range started.Result().Cookies() {
		callback.AddCookie(cookie)
	}
	return s.client.Finish(httptest.NewRecorder(), callback)
}

func claim(name string, value any) func(*testProvider) {
	return func(p *testProvider) { p.onClaims = func(c map[string]any) { c[name] = value } }
}

func without(name string) func(*testProvider) {
	return func(p *testProvider) { p.onClaims = func(c map[string]any) { delete(c, name) } }
}

func signing(sign func(p *testProvider, claims any) string) func(*testProvider) {
	return func(p *testProvider) { p.sign = sign }
}

func unsigned(_ *testProvider, claims any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload) + "."
}

// byPublicKey signs by HMAC with the public key as the secret: the classic confusion of algorithms.
func byPublicKey(p *testProvider, claims any) string {
	public, err := p.keys[0].Public().MarshalJSON()
	if err != nil {
		panic(err)
	}
	return signWith(public, jose.HS256, claims, "JWT")
}

func byStranger(p *testProvider, claims any) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return signWith(jose.JSONWebKey{Key: key, KeyID: p.keys[0].KeyID}, jose.ES256, claims, "JWT")
}

func byUnknownKey(p *testProvider, claims any) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return signWith(jose.JSONWebKey{Key: key, KeyID: "never-published"}, jose.ES256, claims, "JWT")
}

func byOtherAlgorithm(p *testProvider, claims any) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	p.keys = append([]jose.JSONWebKey{{Key: key, KeyID: "rsa", Algorithm: "RS256", Use: "sig"}}, p.keys...)
	return signWith(p.keys[0], jose.RS256, claims, "JWT")
}

func withKeyForEncryption(p *testProvider, claims any) string {
	p.keys[0].Use = "enc"
	return signWith(p.keys[0], jose.ES256, claims, "JWT")
}

func TestProviderThatMisbehavesIsNotBelieved(t *testing.T) {
	hour := time.Now().Add(-time.Hour).Unix()
	for name, test := range map[string]struct {
		spoil   func(*testProvider)
		request Request
		want    Check
	}{
		"another issuer in the ID token":       {spoil: claim("iss", "https://evil.example"), want: CheckIss},
		"a slash more in the issuer":           {spoil: func(p *testProvider) { claim("iss", p.URL+"/")(p) }, want: CheckIss},
		"another audience":                     {spoil: claim("aud", "other"), want: CheckAud},
		"no audience":                          {spoil: without("aud"), want: CheckAud},
		"an audience beside ours":              {spoil: claim("aud", []string{"portal", "other"}), want: CheckAud},
		"issued for another party":             {spoil: claim("azp", "other"), want: CheckAzp},
		"another nonce":                        {spoil: claim("nonce", "of another sign-in"), want: CheckNonce},
		"no nonce":                             {spoil: without("nonce"), want: CheckNonce},
		"ended":                                {spoil: claim("exp", hour), want: CheckExp},
		"no end":                               {spoil: without("exp"), want: CheckExp},
		"no time of issue":                     {spoil: without("iat"), want: CheckIat},
		"issued in the future":                 {spoil: claim("iat", time.Now().Add(time.Hour).Unix()), want: CheckIat},
		"issued long ago":                      {spoil: claim("iat", hour), want: CheckIat},
		"no subject":                           {spoil: without("sub"), want: CheckFormat},
		"a number as subject":                  {spoil: claim("sub", 1000000001), want: CheckFormat},
		"hash of another access token":         {spoil: claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), want: CheckAtHash},
		"no signature":                         {spoil: signing(unsigned), want: CheckAlg},
		"HMAC with the public key":             {spoil: signing(byPublicKey), want: CheckAlg},
		"a published key of another algorithm": {spoil: signing(byOtherAlgorithm), want: CheckAlg},
		"a stranger's signature":               {spoil: signing(byStranger), want: CheckSignature},
		"a key that was never published":       {spoil: signing(byUnknownKey), want: CheckKey},
		"a key for encryption":                 {spoil: signing(withKeyForEncryption), want: CheckKey},
		"an access token as the ID token": {spoil: signing(func(p *testProvider, c any) string {
			return signWith(p.keys[0], jose.ES256, c, "at+jwt")
		}), want: CheckFormat},
		"no ID token": {spoil: func(p *testProvider) { p.onToken = func(a map[string]any) { delete(a, "id_token") } },
			want: CheckFormat},
		"no access token": {spoil: func(p *testProvider) { p.onToken = func(a map[string]any) { delete(a, "access_token") } },
			want: CheckAnswer},
		"a token that is not Bearer": {spoil: func(p *testProvider) { p.onToken = func(a map[string]any) { a["token_type"] = "mac" } },
			want: CheckTokenType},
		"userinfo of another person": {spoil: func(p *testProvider) { p.onInfo = func(i map[string]any) { i["sub"] = "2" } },
			want: CheckUserInfo},
		"userinfo of nobody": {spoil: func(p *testProvider) { p.onInfo = func(i map[string]any) { delete(i, "sub") } },
			want: CheckUserInfo},
		"an answer of another provider": {spoil: func(p *testProvider) {
			p.onAnswer = func(a url.Values) { a.Set("iss", "https://evil.example") }
		}, want: CheckIssParam},
		"an answer without its sender": {spoil: func(p *testProvider) { p.onAnswer = func(a url.Values) { a.Del("iss") } },
			want: CheckIssParam},
		"an error of another provider": {spoil: func(p *testProvider) {
			p.refuse, p.onAnswer = "access_denied", func(a url.Values) { a.Set("iss", "https://evil.example") }
		}, want: CheckIssParam},
		"another state": {spoil: func(p *testProvider) { p.onAnswer = func(a url.Values) { a.Set("state", "guessed") } },
			want: CheckState},
		"no state": {spoil: func(p *testProvider) { p.onAnswer = func(a url.Values) { a.Del("state") } }, want: CheckState},
		"neither code nor error": {spoil: func(p *testProvider) { p.onAnswer = func(a url.Values) { a.Del("code") } },
			want: CheckAnswer},
		"a repeated parameter": {spoil: func(p *testProvider) { p.onAnswer = func(a url.Values) { a.Add("code", "second") } },
			want: CheckAnswer},
		"a lower level than demanded": {spoil: claim("acr", "urn:propusk:acr:standard"),
			request: Request{ACR: []ACR{{Standard, TwoFactors}}, Essential: true}, want: CheckACR},
		"an old authentication although a new one was demanded": {spoil: claim("auth_time", hour),
			request: Request{Reauthenticate: true}, want: CheckAuthTime},
		"an old authentication although login was asked for": {spoil: claim("auth_time", hour),
			request: Request{Prompt: "login"}, want: CheckAuthTime},
		"an authentication older than max_age": {spoil: claim("auth_time", hour),
			request: Request{MaxAge: 30 * time.Minute}, want: CheckAuthTime},
		"no auth_time although max_age was sent": {spoil: without("auth_time"),
			request: Request{MaxAge: 30 * time.Minute}, want: CheckAuthTime},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			if name == "a lower level than demanded" {
				s.provider.level.Factor = TwoFactors
				s.provider.onClaims = func(c map[string]any) { c["acr"], c["amr"] = "urn:propusk:acr:standard", []string{"pwd"} }
			} else {
				s.provider.set(test.spoil)
			}
			result, err := s.signInOnce(t, test.request)
			check := (*CheckError)(nil)
			if !errors.As(err, &check) {
				t.Fatalf("Finish = %+v, %v; want a CheckError", result.Session, err)
			}
			if check.Check != test.want {
				t.Errorf("failed check = %v, want %v", check, test.want)
			}
			if len(s.client.sessions.entries) != 0 {
				t.Error("a session was opened all the same")
			}
		})
	}
}

func TestHonestProviderIsBelieved(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*testProvider)
		request Request
	}{
		"plain":                             {},
		"without at_hash":                   {change: without("at_hash")},
		"without kid":                       {change: signing(func(p *testProvider, c any) string { return signWith(p.keys[0].Key, jose.ES256, c, "JWT") })},
		"with our own azp":                  {change: claim("azp", "portal")},
		"audience as a list of one":         {change: claim("aud", []string{"portal"})},
		"clock ahead by ten seconds":        {change: claim("iat", time.Now().Add(10*time.Second).Unix())},
		"level above the one demanded":      {request: Request{ACR: []ACR{{Tier: Simplified}}, Essential: true}},
		"level preferred but not reached":   {request: Request{ACR: []ACR{{Tier: Confirmed}}}},
		"authenticated anew":                {request: Request{Reauthenticate: true}},
		"authenticated recently enough":     {request: Request{MaxAge: time.Hour}},
		"unknown claims and a large number": {change: claim("order", int64(9007199254740993))},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			if test.change != nil {
				s.provider.set(test.change)
			}
			result, err := s.signInOnce(t, test.request)
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Session.Text("given_name"); got != "Иван" {
				t.Errorf("given_name = %q", got)
			}
			if got := result.Session.Claims.Level(); got != (ACR{Tier: Standard}) {
				t.Errorf("level = %v", got)
			}
		})
	}
}

func TestErrorOfTheProviderIsToldApart(t *testing.T) {
	s := newStand(t)
	s.provider.set(func(p *testProvider) { p.refuse = "access_denied" })
	_, err := s.signInOnce(t, Request{})
	said := (*ProviderError)(nil)
	if !errors.As(err, &said) || said.Code != "access_denied" || said.URI != s.provider.URL+"/docs/errors/access_denied" {
		t.Errorf("error = %#v", err)
	}
	s.provider.set(func(p *testProvider) {
		p.onAnswer = func(a url.Values) { a.Set("error_uri", "https://evil.example/phish") }
	})
	if _, err = s.signInOnce(t, Request{}); !errors.As(err, &said) || said.URI != "" {
		t.Errorf("error_uri of a stranger = %q, want none", said.URI)
	}
	s.provider.set(func(p *testProvider) {
		p.refuse, p.onAnswer = "", nil
		p.tokenFail = func() (int, string) { return http.StatusBadRequest, `{"error":"invalid_grant"}` }
	})
	if _, err = s.signInOnce(t, Request{}); !errors.As(err, &said) || said.Endpoint != "token" || said.Code != "invalid_grant" {
		t.Errorf("token error = %v", err)
	}
	for _, body := range []string{"<html>", `{"error":"server_error"}`} {
		s.provider.set(func(p *testProvider) { p.tokenFail = func() (int, string) { return http.StatusBadGateway, body } })
		away := (*Unavailable)(nil)
		if _, err = s.signInOnce(t, Request{}); !errors.As(err, &away) {
			t.Errorf("token answer %s = %v, want Unavailable", body, err)
		}
	}
}

func TestDiscoveryOfAnotherIssuerIsRefused(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"another issuer":    func(m map[string]any) { m["issuer"] = "https://evil.example" },
		"no token endpoint": func(m map[string]any) { delete(m, "token_endpoint") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			s.provider.set(func(p *testProvider) { p.onMeta = change })
			away := (*Unavailable)(nil)
			if _, err := s.signInOnce(t, Request{}); !errors.As(err, &away) {
				t.Errorf("error = %v, want Unavailable", err)
			}
		})
	}
	md := &metadata{Issuer: "https://id.example.ru", AuthorizationEndpoint: "https://id.example.ru/a",
		TokenEndpoint: "http://id.example.ru/token", JWKSURI: "https://id.example.ru/jwks"}
	if err := md.check("https://id.example.ru"); err == nil {
		t.Error("a token endpoint without TLS was accepted")
	}
}

func TestRotatedKeyIsFetchedButNotForEverybody(t *testing.T) {
	s := newStand(t)
	for range 2 {
		s.provider.rotate(t)
		if _, err := s.signInOnce(t, Request{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.provider.count("/jwks"); got != 2 {
		t.Errorf("key set fetched %d times, want 2", got)
	}
	s.provider.set(signing(byUnknownKey))
	for range 5 {
		if _, err := s.signInOnce(t, Request{}); err == nil {
			t.Fatal("an unknown key was accepted")
		}
	}
	if got := s.provider.count("/jwks"); got != 3 {
		t.Errorf("key set fetched %d times, want 3: the bucket is empty", got)
	}
}

func TestProviderMayStartLater(t *testing.T) {
	s := newStand(t)
	s.provider.set(func(p *testProvider) { p.away = true })
	away := (*Unavailable)(nil)
	for range 5 {
		if _, err := s.signInOnce(t, Request{}); !errors.As(err, &away) {
			t.Fatalf("error = %v, want Unavailable", err)
		}
	}
	if got := s.provider.count("/.well-known/openid-configuration"); got != 1 {
		t.Errorf("discovery tried %d times at once, want 1", got)
	}
	s.provider.set(func(p *testProvider) { p.away = false })
	s.client.provider.failed = time.Now().Add(-pauseAfter)
	if _, err := s.signInOnce(t, Request{}); err != nil {
		t.Errorf("sign-in after the provider came back: %v", err)
	}
}

func TestRefreshKeepsThePersonAndTheTokens(t *testing.T) {
	for name, test := range map[string]struct {
		change func(map[string]any)
		want   Check
	}{
		"the same person":             {func(map[string]any) {}, ""},
		"a lower tier":                {func(c map[string]any) { c["tier"], c["acr"] = "simplified", "urn:propusk:acr:simplified" }, ""},
		"another person":              {func(c map[string]any) { c["sub"] = "2" }, CheckSub},
		"another authentication time": {func(c map[string]any) { c["auth_time"] = time.Now().Unix() }, CheckAuthTime},
		"another nonce":               {func(c map[string]any) { c["nonce"] = "x" }, CheckNonce},
		"another issuer":              {func(c map[string]any) { c["iss"] = "https://evil.example" }, CheckIss},
		"another party":               {func(c map[string]any) { c["azp"] = "portal" }, CheckAzp},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			result, err := s.signInOnce(t, Request{})
			if err != nil {
				t.Fatal(err)
			}
			s.provider.set(func(p *testProvider) { p.onClaims = test.change })
			next, err := s.client.Refresh(t.Context(), result.Session)
			check := (*CheckError)(nil)
			if errors.As(err, &check); (check == nil) != (test.want == "") || check != nil && check.Check != test.want {
				t.Fatalf("Refresh error = %v, want %q", err, test.want)
			}
			if next.Claims.Subject != "1000000001" || !next.CanRefresh() || next.refreshToken == result.Session.refreshToken {
				t.Errorf("session after refresh = %+v", next)
			}
			if name == "a lower tier" && next.Level().Tier != Simplified {
				t.Errorf("tier = %s, want the lower one", next.Level().Tier)
			}
		})
	}
}

func TestRefreshTokenIsUsedOnce(t *testing.T) {
	s := newStand(t)
	result, err := s.signInOnce(t, Request{})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if _, err := s.client.Refresh(t.Context(), result.Session); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := s.provider.count("/token"); got != 2 {
		t.Errorf("token endpoint called %d times, want 2", got)
	}
}

func TestRefusedRefreshTokenIsForgotten(t *testing.T) {
	s := newStand(t)
	result, err := s.signInOnce(t, Request{})
	if err != nil {
		t.Fatal(err)
	}
	s.provider.set(func(p *testProvider) { clear(p.tokens) })
	if _, err := s.client.Refresh(t.Context(), result.Session); !refused(err) {
		t.Fatalf("Refresh error = %v, want invalid_grant", err)
	}
	current, _ := s.client.sessions.get(result.Session.key, time.Now())
	if _, err := s.client.Refresh(t.Context(), current); !errors.Is(err, ErrNoRefreshToken) {
		t.Errorf("Refresh error = %v, want ErrNoRefreshToken", err)
	}
	s = newStand(t, func(c *Config) { c.Scopes = []string{"openid"} })
	if result, err = s.signInOnce(t, Request{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Refresh(t.Context(), result.Session); !errors.Is(err, ErrNoRefreshToken) {
		t.Errorf("Refresh error = %v, want ErrNoRefreshToken", err)
	}
}

func TestPrivateKeyJWTNamesTheIssuer(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{Issuer: "https://id.example.ru", ClientID: "portal", RedirectURL: "https://p.example.ru/callback",
		Key: key, KeyID: "k1"})
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	if err := c.authenticate(form, time.Now()); err != nil {
		t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(form.Get("client_assertion"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := jws.Verify(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(payload), `"aud":"https://id.example.ru"`) || jws.Signatures[0].Header.KeyID != "k1" {
		t.Errorf("assertion = %s, kid %q", payload, jws.Signatures[0].Header.KeyID)
	}
}
