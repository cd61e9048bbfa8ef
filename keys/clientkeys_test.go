package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func set(t testing.TB, keys ...jose.JSONWebKey) []byte {
	t.Helper()
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func p256(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestClientKeySets(t *testing.T) {
	ec := p256(t)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	ed, _, _ := ed25519.GenerateKey(rand.Reader)
	// Only the length of the modulus matters here.
	short := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}
	long := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 16383, 1), E: 65537}
	sig := jose.JSONWebKey{Key: &ec.PublicKey, KeyID: "a", Use: "sig", Algorithm: ES256}
	many := make([]jose.JSONWebKey, maxClientKeys+1)
	for i := range many {
		many[i] = jose.JSONWebKey{Key: &ec.PublicKey}
	}
	for name, c := range map[string]struct {
		jwks []byte
		want string // part of the error, empty for none
	}{
		"one P-256 key":                      {set(t, sig), ""},
		"a key without kid, use and alg":     {set(t, jose.JSONWebKey{Key: ed}), ""},
		"an encryption key is passed over":   {set(t, sig, jose.JSONWebKey{Key: &p384.PublicKey, Use: "enc"}), ""},
		"another curve is passed over":       {set(t, sig, jose.JSONWebKey{Key: &p384.PublicKey}), ""},
		"an unknown type is passed over":     {[]byte(`{"keys":[{"kty":"AKP","pub":"x"},` + string(set(t, sig))[9:]), ""},
		"nothing usable":                     {set(t, jose.JSONWebKey{Key: &p384.PublicKey}), "no key"},
		"an empty set":                       {[]byte(`{"keys":[]}`), "no key"},
		"no JSON":                            {[]byte(`keys`), "not a JSON object"},
		"a key that is no object":            {[]byte(`{"keys":[1]}`), "not a JSON object"},
		"a private key":                      {set(t, jose.JSONWebKey{Key: ec}), "private"},
		"a symmetric key":                    {set(t, jose.JSONWebKey{Key: []byte("0123456789abcdef")}), "private or symmetric"},
		"a private key under a doubled name": {[]byte(strings.Replace(string(set(t, jose.JSONWebKey{Key: ec})), `{"kty"`, `{"D":"","kty"`, 1)), "private|valid"},
		"RSA of 1024 bits":                   {set(t, jose.JSONWebKey{Key: short}), "2048"},
		"RSA of 16384 bits":                  {set(t, jose.JSONWebKey{Key: long}), "8192|valid"},
		"alg of another type":                {set(t, jose.JSONWebKey{Key: &ec.PublicKey, Algorithm: RS256}), "does not fit"},
		"a point off the curve":              {[]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}]}`), "valid"},
		"one kid twice":                      {set(t, sig, sig), "twice"},
		"too many":                           {set(t, many...), "more than"},
		"too long":                           {[]byte(strings.Repeat(" ", maxJWKS+1)), "64 KiB"},
	} {
		_, err := ParseClientKeys(c.jwks)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		found := false
		for _, w := range strings.Split(c.want, "|") {
			found = found || err != nil && strings.Contains(err.Error(), w)
		}
		if !found {
			t.Errorf("%s: err = %v, want %q", name, err, c.want)
		}
	}
}

func TestClientTokens(t *testing.T) {
	ec, other := p256(t), p256(t)
	rsaKey := testRing(t).byAlg[RS256].opened[0]
	c, err := ParseClientKeys(set(t,
		jose.JSONWebKey{Key: &ec.PublicKey, KeyID: "a"},
		jose.JSONWebKey{Key: &other.PublicKey, KeyID: "b"},
		jose.JSONWebKey{Key: rsaKey.public, KeyID: "r", Algorithm: RS256}))
	if err != nil {
		t.Fatal(err)
	}
	all := Algs()
	for name, tc := range map[string]struct {
		compact string
		algs    []string
		ok      bool
	}{
		"by the named key":               {joseSign(t, ES256, jose.JSONWebKey{Key: ec, KeyID: "a"}, []byte("{}")), all, true},
		"by the second without a kid":    {joseSign(t, ES256, other, []byte("{}")), all, true},
		"under another's kid":            {joseSign(t, ES256, jose.JSONWebKey{Key: other, KeyID: "a"}, []byte("{}")), all, false},
		"under an unknown kid":           {joseSign(t, ES256, jose.JSONWebKey{Key: ec, KeyID: "z"}, []byte("{}")), all, false},
		"by a stranger":                  {joseSign(t, ES256, p256(t), []byte("{}")), all, false},
		"RS256 by the RSA key":           {joseSign(t, RS256, rsaKey.private, []byte("{}")), all, true},
		"PS256 by a key for RS256":       {joseSign(t, PS256, rsaKey.private, []byte("{}")), all, false},
		"outside the registered algs":    {joseSign(t, ES256, ec, []byte("{}")), []string{RS256}, false},
		"no registered algs":             {joseSign(t, ES256, ec, []byte("{}")), nil, false},
		"HS256 even if it is registered": {joseSign(t, "HS256", make([]byte, 32), []byte("{}")), []string{"HS256"}, false},
		"none even if it is registered":  {"eyJhbGciOiJub25lIn0.e30.", []string{"none"}, false},
	} {
		payload, err := c.Verify(tc.compact, tc.algs)
		if tc.ok && (err != nil || string(payload) != "{}") || !tc.ok && !errors.Is(err, ErrToken) {
			t.Errorf("%s: %q, %v", name, payload, err)
		}
	}
}

func FuzzParseClientKeys(f *testing.F) {
	ec := p256(f)
	f.Add(set(f, jose.JSONWebKey{Key: &ec.PublicKey, KeyID: "a", Use: "sig"}))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, jwks []byte) {
		if c, err := ParseClientKeys(jwks); err == nil && len(c.keys) == 0 {
			t.Error("an empty set was accepted")
		}
	})
}
