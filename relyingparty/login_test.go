package relyingparty

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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
	return s.signInWith(t.Context(), t, request)
}

// signInWith is signInOnce whose browser hangs up when ctx ends.
func (s *stand) signInWith(ctx context.Context, t *testing.T, request Request) (Result, error) {
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
	return s.client.Finish(httptest.NewRecorder(), callback.WithContext(ctx))
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

func TestBrowserThatHangsUpLosesNothing(t *testing.T) {
	s := newStand(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	result, err := s.signInWith(gone, t, Request{})
	if err != nil {
		t.Fatalf("the redeemed code was lost: %v", err)
	}
	if _, err := s.client.Refresh(gone, result.Session); err != nil {
		t.Errorf("the used refresh token was lost: %v", err)
	}
}

func TestReturnPathIsCheckedByTheLibraryToo(t *testing.T) {
	result, err := newStand(t).signInOnce(t, Request{ReturnTo: "//evil.example"})
	if err != nil || result.Request.ReturnTo != "/" {
		t.Errorf("ReturnTo = %q, %v; want /", result.Request.ReturnTo, err)
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
