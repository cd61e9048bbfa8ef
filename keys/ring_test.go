package keys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// testKeys makes one key of each algorithm, once: RSA keys take their time.
var testKeys = sync.OnceValue(func() (all struct {
	master *Master
	rows   []SigningKey
}) {
	all.master, _ = NewMaster()
	for _, alg := range Algs() {
		k, err := Generate(all.master, alg, epoch, schedule)
		if err != nil {
			panic(err)
		}
		all.rows = append(all.rows, k)
	}
	return all
})

func testRing(t testing.TB) *Ring {
	t.Helper()
	r, err := NewRing(testKeys().master, testKeys().rows, epoch)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTokensVerifyWithGoJoseAndTheKeySet(t *testing.T) {
	r := testRing(t)
	body, _ := r.JWKS()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	claims := []byte(`{"sub":"1000"}`)
	for _, alg := range Algs() {
		for range 20 { // ECDSA numbers with leading zeros are rare
			compact, kid, err := r.Sign(alg, "at+jwt", claims, epoch)
			if err != nil {
				t.Fatal(err)
			}
			jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
			if err != nil {
				t.Fatal(err)
			}
			h := jws.Signatures[0].Protected
			if h.KeyID != kid || h.ExtraHeaders["typ"] != "at+jwt" {
				t.Errorf("%s: header = %+v", alg, h)
			}
			payload, err := jws.Verify(set.Key(kid)[0])
			if err != nil || !bytes.Equal(payload, claims) {
				t.Errorf("%s: go-jose says %q, %v", alg, payload, err)
			}
			v, err := r.Verify(compact, alg)
			if err != nil || !bytes.Equal(v.Payload, claims) || v.Typ != "at+jwt" || v.Alg != alg || v.Kid != kid {
				t.Errorf("%s: Verify = %+v, %v", alg, v, err)
			}
		}
	}
}

func TestGoJoseSignsWhatWeVerify(t *testing.T) {
	r := testRing(t)
	for _, alg := range Algs() {
		k := r.byAlg[alg].opened[0]
		compact := joseSign(t, alg, jose.JSONWebKey{Key: k.private, KeyID: k.id}, []byte("x"))
		if _, err := r.Verify(compact); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

func joseSign(t testing.TB, alg string, key any, payload []byte) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func TestEsiaHeader(t *testing.T) {
	r := testRing(t)
	compact, kid, err := r.SignHeader(RS256, Header{Typ: "JWT", Sbt: "access", Ver: 1}, []byte(`{}`), epoch)
	if err != nil {
		t.Fatal(err)
	}
	head, _ := base64.RawURLEncoding.DecodeString(strings.Split(compact, ".")[0])
	if want := `{"ver":1,"sbt":"access","typ":"JWT","alg":"RS256","kid":"` + kid + `"}`; string(head) != want {
		t.Errorf("header = %s, want %s", head, want)
	}
	if _, _, err := r.Sign(ES256, `a"b`, nil, epoch); err == nil {
		t.Error("a quote in typ was accepted")
	}
}

func TestVerifyRefuses(t *testing.T) {
	r := testRing(t)
	good, kid, _ := r.Sign(ES256, "JWT", []byte(`{"sub":"1"}`), epoch)
	part := strings.Split(good, ".")
	enc := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	with := func(header string) string { return enc(header) + "." + part[1] + "." + part[2] }
	// The last character of 64 bytes in base64url carries four unused bits, zero in the canonical form.
	loose := good[:len(good)-1] + string(good[len(good)-1]+1)
	rsaKey := r.byAlg[RS256].opened[0]
	for name, compact := range map[string]string{
		"empty":                       "",
		"two parts":                   part[0] + "." + part[1],
		"four parts":                  good + "." + part[2],
		"alg none":                    enc(`{"alg":"none","kid":"`+kid+`"}`) + "." + part[1] + ".",
		"HMAC under the public key":   with(`{"alg":"HS256","kid":"` + kid + `"}`),
		"another alg than the key's":  with(`{"alg":"RS256","kid":"` + kid + `"}`),
		"PS256 by the key of RS256":   joseSign(t, PS256, jose.JSONWebKey{Key: rsaKey.private, KeyID: rsaKey.id}, []byte("{}")),
		"unknown kid":                 with(`{"alg":"ES256","kid":"x"}`),
		"no kid":                      with(`{"alg":"ES256"}`),
		"crit":                        with(`{"alg":"ES256","kid":"` + kid + `","crit":["b64"],"b64":false}`),
		"header is a list":            with(`[]`),
		"other payload":               part[0] + "." + enc(`{"sub":"2"}`) + "." + part[2],
		"no signature":                part[0] + "." + part[1] + ".",
		"signature of zeros":          part[0] + "." + part[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"padding":                     good + "=",
		"line break":                  good[:20] + "\n" + good[20:],
		"line break in the signature": good + "\r",
		"loose last bits":             loose,
		"too long":                    part[0] + "." + strings.Repeat("A", MaxToken) + "." + part[2],
	} {
		if _, err := r.Verify(compact); !errors.Is(err, ErrToken) {
			t.Errorf("%s: err = %v, want ErrToken", name, err)
		}
	}
	if _, err := r.Verify(good, EdDSA, RS256); !errors.Is(err, ErrToken) {
		t.Errorf("algorithm outside the list: err = %v", err)
	}
	if _, err := r.Verify(good); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func TestTheSwitchAtUseFromNeedsNoReload(t *testing.T) {
	m := testKeys().master
	a, _ := Generate(m, EdDSA, epoch, schedule)
	b, err := Need{EdDSA, a.UseUntil}.Generate(m, epoch.Add(use*time.Hour-24*time.Hour), schedule)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRing(m, []SigningKey{b, a}, epoch)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   int64
		want string
	}{{a.UseFrom - 1, ""}, {a.UseFrom, a.ID}, {a.UseUntil - 1, a.ID}, {a.UseUntil, b.ID},
		{b.UseUntil + 3600, b.ID}, {b.UseUntil + seconds(grace), ""}} {
		_, kid, err := r.Sign(EdDSA, "JWT", []byte(`{}`), time.Unix(c.at, 0))
		if kid != c.want || (err != nil) != (c.want == "") {
			t.Errorf("at %d: kid = %q, %v, want %q", c.at, kid, err, c.want)
		}
	}
}

func TestKeySetHoldsWhatIsPublished(t *testing.T) {
	r := testRing(t)
	body, etag := r.JWKS()
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	var algs []string
	for _, k := range set.Keys {
		algs = append(algs, k["alg"])
		if k["use"] != "sig" || len(k["kid"]) != 43 || k["d"] != "" {
			t.Errorf("key = %v", k)
		}
	}
	if !slices.Equal(algs, Algs()) || !slices.Equal(r.Algs(epoch), Algs()) || len(r.Public()) != 4 {
		t.Errorf("published %v, want %v", algs, Algs())
	}
	if len(etag) != 34 || strings.HasPrefix(etag, "W/") {
		t.Errorf("etag = %s", etag)
	}
	last := testKeys().rows[0].RetireAt
	later, err := NewRing(testKeys().master, testKeys().rows, time.Unix(last, 0))
	if err != nil {
		t.Fatal(err)
	}
	if body, other := later.JWKS(); string(body) != `{"keys":[]}` || other == etag {
		t.Errorf("after retirement: %s %s", body, other)
	}
}

func TestARingIsNotMadeOfWrongRows(t *testing.T) {
	m, rows := testKeys().master, testKeys().rows
	other, _ := NewMaster()
	if _, err := NewRing(other, rows, epoch); !errors.Is(err, ErrSealed) {
		t.Errorf("other master key: err = %v, want ErrSealed", err)
	}
	swapped := rows[0]
	swapped.Public = rows[1].Public
	moved := rows[0]
	moved.Sealed = rows[1].Sealed
	renamed := rows[2]
	renamed.Alg = PS256
	for name, k := range map[string]SigningKey{"public of another": swapped, "private of another": moved, "other alg": renamed} {
		if _, err := NewRing(m, []SigningKey{k}, epoch); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Generate(m, "HS256", epoch, schedule); err == nil {
		t.Error("HS256: no error")
	}
}

func FuzzVerify(f *testing.F) {
	r := testRing(f)
	for _, alg := range Algs() {
		compact, _, _ := r.Sign(alg, "JWT", []byte(`{}`), epoch)
		f.Add(compact)
	}
	f.Fuzz(func(t *testing.T, compact string) {
		if v, err := r.Verify(compact); err == nil && string(v.Payload) != `{}` {
			t.Errorf("forged: %q", compact)
		} else if err != nil && !errors.Is(err, ErrToken) {
			t.Errorf("err = %v", err)
		}
	})
}

func benchClaims() []byte {
	return []byte(`{"iss":"https://id.example.ru","sub":"1000000001","aud":["portal"],"exp":1800000600,"iat":1800000000,` +
		`"jti":"0193f1b2c3d47e5f8a9b0c1d2e3f4a5b","client_id":"portal","scope":"openid profile","acr":"urn:propusk:acr:confirmed:mfa","tier":"confirmed"}`)
}

// BenchmarkSign compares a bare ES256 signature with the same in a token, here and by go-jose with a kept signer.
func BenchmarkSign(b *testing.B) {
	r, claims := testRing(b), benchClaims()
	key := r.byAlg[ES256].opened[0]
	b.Run("bare-ES256", func(b *testing.B) {
		b.ReportAllocs()
		private := key.private.(*ecdsa.PrivateKey)
		for b.Loop() {
			digest := sha256.Sum256(claims)
			ecdsa.SignASN1(rand.Reader, private, digest[:])
		}
	})
	b.Run("gojose-ES256", func(b *testing.B) {
		b.ReportAllocs()
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key.private, KeyID: key.id}},
			(&jose.SignerOptions{}).WithType("at+jwt"))
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			jws, _ := signer.Sign(claims)
			jws.CompactSerialize()
		}
	})
	for _, alg := range []string{ES256, EdDSA, RS256} {
		b.Run("ring-"+alg, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Sign(alg, "at+jwt", claims, epoch)
			}
		})
	}
}

// BenchmarkVerify compares a bare ES256 verification with the same of a token, here and by go-jose.
func BenchmarkVerify(b *testing.B) {
	r, claims := testRing(b), benchClaims()
	key := r.byAlg[ES256].opened[0]
	compact, _, _ := r.Sign(ES256, "at+jwt", claims, epoch)
	b.Run("bare-ES256", func(b *testing.B) {
		b.ReportAllocs()
		digest := sha256.Sum256(claims)
		sig, _ := key.private.Sign(rand.Reader, digest[:], nil)
		for b.Loop() {
			digest := sha256.Sum256(claims)
			ecdsa.VerifyASN1(key.public.(*ecdsa.PublicKey), digest[:], sig)
		}
	})
	b.Run("gojose-ES256", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			jws, _ := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.ES256})
			jws.Verify(key.public)
		}
	})
	b.Run("ring-ES256", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Verify(compact)
		}
	})
}
