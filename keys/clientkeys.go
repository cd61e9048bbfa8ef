package keys

import (
	"crypto"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// Bounds of a client's key set. An RSA key above maxRSA would make its verification a means of overload.
const (
	maxJWKS       = 64 << 10
	maxClientKeys = 16
	minRSA        = 2048
	maxRSA        = 8192
)

// ClientKeys are the public keys with which a client signs: private_key_jwt (OpenID Connect Core, 9) and request objects.
// They do not change and are safe for concurrent use.
type ClientKeys struct {
	keys []clientKey
}

type clientKey struct {
	id     string
	algs   []string // what this key may verify: its own alg, or all that fit its type
	public crypto.PublicKey
}

// ParseClientKeys reads a JSON Web Key Set of at most 64 KiB and 16 keys. Keys for encryption and of types we do not know
// are passed over (RFC 7517, 5); a private or symmetric key, a weak RSA key, two keys with one kid, or a set without a
// usable key is an error, whose text can be shown to the client's developer: it repeats nothing of the keys but kids.
func ParseClientKeys(jwks []byte) (*ClientKeys, error) {
	if len(jwks) > maxJWKS {
		return nil, errors.New("jwks: longer than 64 KiB")
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(jwks, &set); err != nil {
		return nil, errors.New("jwks: not a JSON object with a list of keys")
	}
	if len(set.Keys) > maxClientKeys {
		return nil, fmt.Errorf("jwks: more than %d keys", maxClientKeys)
	}
	var c ClientKeys
	for i, raw := range set.Keys {
		k, err := parseClientKey(raw)
		if err != nil {
			return nil, fmt.Errorf("jwks: key %d: %w", i+1, err)
		}
		if k == nil {
			continue
		}
		if k.id != "" && slices.ContainsFunc(c.keys, func(o clientKey) bool { return o.id == k.id }) {
			return nil, fmt.Errorf("jwks: key %d: kid %q occurs twice", i+1, k.id)
		}
		c.keys = append(c.keys, *k)
	}
	if len(c.keys) == 0 {
		return nil, fmt.Errorf("jwks: no key that can sign with one of %v", Algs())
	}
	return &c, nil
}

// parseClientKey returns nil for a key that is none of our business.
func parseClientKey(raw json.RawMessage) (*clientKey, error) {
	var is struct {
		Kty, Use, Alg, Crv, D, K string
		KeyOps                   []string `json:"key_ops"`
	}
	if err := json.Unmarshal(raw, &is); err != nil {
		return nil, errors.New("not a JSON object of a key")
	}
	switch {
	case is.D != "" || is.Kty == "oct" || is.K != "":
		return nil, errors.New("private or symmetric: register the public part only, and replace this key")
	case is.Use != "" && is.Use != "sig",
		is.KeyOps != nil && !slices.Contains(is.KeyOps, "verify"),
		is.Alg != "" && !slices.Contains(Algs(), is.Alg),
		is.Kty == "EC" && is.Crv != "P-256",
		is.Kty == "OKP" && is.Crv != "Ed25519",
		!slices.Contains([]string{"EC", "OKP", "RSA"}, is.Kty):
		return nil, nil
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(raw); err != nil || !jwk.Valid() || !jwk.IsPublic() {
		return nil, errors.New("not a valid public key")
	}
	if k, ok := jwk.Key.(*rsa.PublicKey); ok && (k.N.BitLen() < minRSA || k.N.BitLen() > maxRSA || k.E < 3 || k.E%2 == 0) {
		return nil, fmt.Errorf("an RSA key has %d to %d bits and an odd exponent", minRSA, maxRSA)
	}
	algs := slices.DeleteFunc(Algs(), func(alg string) bool {
		return !fits(jwk.Key, alg) || is.Alg != "" && is.Alg != alg
	})
	if len(algs) == 0 {
		return nil, errors.New("alg does not fit the type of the key")
	}
	return &clientKey{id: jwk.KeyID, algs: algs, public: jwk.Key}, nil
}

// Verify checks a compact token signed by the client and returns its payload. algs is what the client registered, none
// given is an error. A kid in the token chooses the key; keys without a kid, and all keys if the token names none, are tried
// one by one. Refusals are [ErrToken].
func (c *ClientKeys) Verify(compact string, algs []string) (payload []byte, err error) {
	t, err := parseCompact(compact)
	if err != nil {
		return nil, err
	}
	alg := t.header.Alg
	if !slices.Contains(algs, alg) || !slices.Contains(Algs(), alg) {
		return nil, refuse("algorithm not allowed")
	}
	tried := false
	for _, k := range c.keys {
		if t.header.Kid != "" && k.id != "" && t.header.Kid != k.id || !slices.Contains(k.algs, alg) {
			continue
		}
		tried = true
		if checkSignature(k.public, alg, t.input, t.sig) {
			return t.payload, nil
		}
	}
	if !tried {
		return nil, refuse("unknown key")
	}
	return nil, refuse("wrong signature")
}
