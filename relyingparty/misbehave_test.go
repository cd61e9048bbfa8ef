package relyingparty

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

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

var hourAgo = time.Now().Add(-time.Hour).Unix()

// misbehaviours are ways to answer wrongly, with the check that must notice.
var misbehaviours = map[string]struct {
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
	"ended":                                {spoil: claim("exp", hourAgo), want: CheckExp},
	"no end":                               {spoil: without("exp"), want: CheckExp},
	"no time of issue":                     {spoil: without("iat"), want: CheckIat},
	"issued in the future":                 {spoil: claim("iat", time.Now().Add(time.Hour).Unix()), want: CheckIat},
	"issued long ago":                      {spoil: claim("iat", hourAgo), want: CheckIat},
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
	"a lower level than demanded": {spoil: func(p *testProvider) {
		p.level.Factor = TwoFactors
		p.onClaims = func(c map[string]any) { c["acr"], c["amr"] = "urn:propusk:acr:standard", []string{"pwd"} }
	}, request: Request{ACR: []ACR{{Standard, TwoFactors}}, Essential: true}, want: CheckACR},
	"an old authentication although a new one was demanded": {spoil: claim("auth_time", hourAgo),
		request: Request{Reauthenticate: true}, want: CheckAuthTime},
	"an old authentication although login was asked for": {spoil: claim("auth_time", hourAgo),
		request: Request{Prompt: "login"}, want: CheckAuthTime},
	"an authentication older than max_age": {spoil: claim("auth_time", hourAgo),
		request: Request{MaxAge: 30 * time.Minute}, want: CheckAuthTime},
	"no auth_time although max_age was sent": {spoil: without("auth_time"),
		request: Request{MaxAge: 30 * time.Minute}, want: CheckAuthTime},
}

func TestProviderThatMisbehavesIsNotBelieved(t *testing.T) {
	for name, test := range misbehaviours {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			s.provider.set(test.spoil)
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
