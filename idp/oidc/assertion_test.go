package oidc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"propusk/idp"
)

// signerKey is the key pair of the client "signer".
type signerKey struct {
	key  *ecdsa.PrivateKey
	jwks string
}

func newSignerKey(t *testing.T) *signerKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	body, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	must(t, err)
	return &signerKey{key, string(body)}
}

// assertion makes a client assertion that would do, with changes.
func (k *signerKey) assertion(t *testing.T, changes map[string]any) string {
	t.Helper()
	now := time.Now().Unix()
	c := map[string]any{"iss": "signer", "sub": "signer", "aud": issuer, "jti": idp.NewSecret(), "iat": now, "exp": now + 60}
	for name, value := range changes {
		c[name] = value
		if value == nil {
			delete(c, name)
		}
	}
	return signed(t, jose.ES256, k.key, c)
}

func signed(t *testing.T, alg jose.SignatureAlgorithm, key any, c map[string]any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
	must(t, err)
	body, err := json.Marshal(c)
	must(t, err)
	o, err := s.Sign(body)
	must(t, err)
	text, err := o.CompactSerialize()
	must(t, err)
	return text
}

// byAssertion asks for a token of the client's own.
func (w *world) byAssertion(token string, changes ...string) *httptest.ResponseRecorder {
	form := url.Values{"grant_type": {"client_credentials"}, "client_assertion": {token},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return w.post("", "/token", form)
}

func TestAClientAssertionCountsOnceAndOnlyWithinItsBounds(t *testing.T) {
	w := newWorld(t)
	now := time.Now().Unix()
	good := w.keys.assertion(t, nil)
	if got := w.byAssertion(good); got.Code != 200 {
		t.Fatalf("a good assertion: %d %s", got.Code, got.Body)
	}
	if got := w.byAssertion(w.keys.assertion(t, map[string]any{"aud": []string{issuer + "/token", issuer}})); got.Code != 200 {
		t.Errorf("an audience of ours alone: %d %s", got.Code, got.Body)
	}
	other := newSignerKey(t)
	for name, token := range map[string]string{
		"a second use":                      good,
		"exp in ten years":                  w.keys.assertion(t, map[string]any{"exp": now + 10*365*86400}),
		"exp past":                          w.keys.assertion(t, map[string]any{"exp": now - 1}),
		"no exp":                            w.keys.assertion(t, map[string]any{"exp": nil}),
		"exp as text":                       w.keys.assertion(t, map[string]any{"exp": "tomorrow"}),
		"exp beyond every number":           w.keys.assertion(t, map[string]any{"exp": 1e300}),
		"nbf a minute ahead":                w.keys.assertion(t, map[string]any{"nbf": now + 60}),
		"iat a minute ahead":                w.keys.assertion(t, map[string]any{"iat": now + 60}),
		"no jti":                            w.keys.assertion(t, map[string]any{"jti": nil}),
		"a stranger in the audience":        w.keys.assertion(t, map[string]any{"aud": []string{issuer, "https://other.example"}}),
		"a stranger's audience":             w.keys.assertion(t, map[string]any{"aud": "https://other.example"}),
		"no audience":                       w.keys.assertion(t, map[string]any{"aud": nil}),
		"an empty audience":                 w.keys.assertion(t, map[string]any{"aud": []string{}}),
		"another issuer":                    w.keys.assertion(t, map[string]any{"iss": "portal"}),
		"another subject":                   w.keys.assertion(t, map[string]any{"sub": "portal"}),
		"a key of nobody":                   other.assertion(t, nil),
		"algorithm none":                    "eyJhbGciOiJub25lIn0.eyJpc3MiOiJzaWduZXIiLCJzdWIiOiJzaWduZXIifQ.",
		"HMAC with the public key's text":   signed(t, jose.HS256, []byte(w.keys.jwks), map[string]any{"iss": "signer", "sub": "signer"}),
		"two parts":                         "a.b",
		"text":                              "assertion",
		"an ID token's subject that is odd": w.keys.assertion(t, map[string]any{"sub": map[string]any{"a": 1}}),
	} {
		t.Run(name, func(t *testing.T) {
			got := w.byAssertion(token)
			wants(t, got, 401, "invalid_client")
			if got.Header().Get("WWW-Authenticate") == "" {
				t.Error("WWW-Authenticate is missing")
			}
		})
	}
}

func TestClientIDOfTheFormMustBeThatOfTheAssertion(t *testing.T) {
	w := newWorld(t)
	wants(t, w.byAssertion(w.keys.assertion(t, nil), "client_id", "portal"), 401, "invalid_client")
	if got := w.byAssertion(w.keys.assertion(t, nil), "client_id", "signer"); got.Code != 200 {
		t.Errorf("the same client_id: %d %s", got.Code, got.Body)
	}
	wants(t, w.byAssertion(w.keys.assertion(t, nil), "client_assertion_type", "x"), 400, "invalid_request")
	wants(t, w.byAssertion(w.keys.assertion(t, nil), "client_secret", secret), 400, "invalid_request")
}

func TestAWeakRSAKeyIsNotRegistered(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	body, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "weak", Algorithm: "RS256", Use: "sig"}}})
	must(t, err)
	if err := registers(`{"client_id": "weak", "client_name": "Weak", "token_endpoint_auth_method": "private_key_jwt",
		"grant_types": ["client_credentials"], "scope": "records", "jwks": ` + string(body) + `}`); err == nil {
		t.Error("a client with a key of 1024 bits was registered")
	}
}
