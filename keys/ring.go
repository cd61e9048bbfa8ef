package keys

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Ring is the set of keys that are published at one moment, ready to sign and to verify. It does not change and is safe
// for concurrent use: keep it behind an atomic pointer and build another when the rows change, and at least once an
// hour, so that retired keys leave it. The switch from one key to the next at UseFrom needs no new ring.
type Ring struct {
	byID  map[string]*ringKey
	byAlg map[string]inOrder
	jwks  []byte
	etag  string
}

// inOrder holds the keys of one algorithm in the order of their use, the row and the opened key at the same index.
type inOrder struct {
	rows   []SigningKey
	opened []*ringKey
}

type ringKey struct {
	id, alg string
	private crypto.Signer
	public  crypto.PublicKey
}

// PublicKey is a published key.
type PublicKey struct {
	ID, Alg string
	Key     crypto.PublicKey // *ecdsa.PublicKey, ed25519.PublicKey or *rsa.PublicKey
}

// NewRing opens the keys that are not retired at now. A key that does not open, or is not what its row says, is an
// error: better no start than a provider that signs with less than it published.
func NewRing(m *Master, keys []SigningKey, now time.Time) (*Ring, error) {
	r := &Ring{byID: map[string]*ringKey{}, byAlg: map[string]inOrder{}}
	published := []json.RawMessage{}
	for _, alg := range Algs() {
		of := inOrder{rows: byUse(keys, alg, now.Unix())}
		for _, k := range of.rows {
			private, err := k.open(m)
			if err != nil {
				return nil, err
			}
			opened := &ringKey{k.ID, alg, private, private.Public()}
			r.byID[k.ID] = opened
			of.opened = append(of.opened, opened)
			published = append(published, json.RawMessage(k.Public))
		}
		r.byAlg[alg] = of
	}
	jwks, err := json.Marshal(map[string]any{"keys": published})
	if err != nil {
		return nil, fmt.Errorf("build key set: %w", err)
	}
	sum := sha256.Sum256(jwks)
	r.jwks, r.etag = jwks, `"`+hex.EncodeToString(sum[:16])+`"`
	return r, nil
}

// JWKS returns the published key set (RFC 7517, 5) and its strong entity tag, quotes included. Do not change the bytes.
func (r *Ring) JWKS() (body []byte, etag string) { return r.jwks, r.etag }

// Public returns the published keys in the order of the key set.
func (r *Ring) Public() []PublicKey {
	var all []PublicKey
	for _, alg := range Algs() {
		for _, k := range r.byAlg[alg].opened {
			all = append(all, PublicKey{k.id, k.alg, k.public})
		}
	}
	return all
}

// Algs returns the algorithms that can sign at now, the preferred first.
func (r *Ring) Algs(now time.Time) []string {
	return slices.DeleteFunc(Algs(), func(alg string) bool { return r.signing(alg, now) == nil })
}

// signing returns the key that signs at now, nil if there is none.
func (r *Ring) signing(alg string, now time.Time) *ringKey {
	of := r.byAlg[alg]
	if i := inUse(of.rows, now.Unix()); i >= 0 {
		return of.opened[i]
	}
	return nil
}

// Header is the protected header of a token of ours but for `alg` and `kid`, which the key gives.
type Header struct {
	Typ string // "JWT", "at+jwt", "logout+jwt"; media type characters only, may be empty
	Sbt string // ESIA: "access", "id", "authorization_code"; `ver` is written only with it
	Ver int    // ESIA: 1, or 0 for an ID token
}

// Sign signs claims, a JSON object, with the key of alg that is in use at now, and returns the compact token and the ID
// of the key. An error means that no such key is at hand.
func (r *Ring) Sign(alg, typ string, claims []byte, now time.Time) (compact, kid string, err error) {
	return r.SignHeader(alg, Header{Typ: typ}, claims, now)
}

// SignHeader is Sign for tokens with the header members of ESIA.
func (r *Ring) SignHeader(alg string, h Header, claims []byte, now time.Time) (compact, kid string, err error) {
	k := r.signing(alg, now)
	if k == nil {
		return "", "", fmt.Errorf("sign: no key for %q is in use", alg)
	}
	header, err := h.encode(k)
	if err != nil {
		return "", "", err
	}
	enc := base64.RawURLEncoding
	size := enc.EncodedLen(len(header)) + 1 + enc.EncodedLen(len(claims))
	buf := make([]byte, 0, size+1+enc.EncodedLen(rsaBits/8))
	buf = append(enc.AppendEncode(buf, header), '.')
	buf = enc.AppendEncode(buf, claims)
	sig, err := signature(k.private, alg, buf)
	if err != nil {
		return "", "", fmt.Errorf("sign with %s: %w", k.id, err)
	}
	buf = enc.AppendEncode(append(buf, '.'), sig)
	return string(buf), k.id, nil
}

// encode writes the header as JSON. Algorithm and ID need no escaping, and what might is refused.
func (h Header) encode(k *ringKey) ([]byte, error) {
	for _, s := range []string{h.Typ, h.Sbt} {
		if strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }) {
			return nil, fmt.Errorf("sign: %q cannot stand in a header", s)
		}
	}
	b := make([]byte, 0, 160)
	b = append(b, '{')
	if h.Sbt != "" {
		b = append(b, `"ver":`...)
		b = strconv.AppendInt(b, int64(h.Ver), 10)
		b = append(b, `,"sbt":"`+h.Sbt+`",`...)
	}
	if h.Typ != "" {
		b = append(b, `"typ":"`+h.Typ+`",`...)
	}
	return append(b, `"alg":"`+k.alg+`","kid":"`+k.id+`"}`...), nil
}

// Verified is the content of a token of ours whose signature is right. Times and audience are yet to be checked.
type Verified struct {
	Payload []byte // the claims as they were signed
	Typ     string // as in the header
	Alg     string
	Kid     string
}

// Verify checks a token of ours. The key is found by `kid` and verifies its own algorithm only, which must be one of
// algs (none given: any of ours). Refusals are [ErrToken].
func (r *Ring) Verify(compact string, algs ...string) (Verified, error) {
	t, err := parseCompact(compact)
	if err != nil {
		return Verified{}, err
	}
	k := r.byID[t.header.Kid]
	switch {
	case k == nil:
		return Verified{}, refuse("unknown key")
	case t.header.Alg != k.alg || len(algs) > 0 && !slices.Contains(algs, k.alg):
		return Verified{}, refuse("algorithm not allowed")
	case !checkSignature(k.public, k.alg, t.input, t.sig):
		return Verified{}, refuse("wrong signature")
	}
	return Verified{Payload: t.payload, Typ: t.header.Typ, Alg: k.alg, Kid: k.id}, nil
}
