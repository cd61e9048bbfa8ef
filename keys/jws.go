package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ErrToken is what every refusal of a signed token is: malformed, unknown key, other algorithm, wrong signature. The text
// around it says which, for the log.
var ErrToken = errors.New("signed token refused")

// MaxToken bounds the length of a compact token in bytes, ours and the clients'.
const MaxToken = 16 << 10

var b64 = base64.RawURLEncoding.Strict()

func refuse(why string) error { return fmt.Errorf("%w: %s", ErrToken, why) }

// fits says whether a public key may be used with an algorithm, strength included.
func fits(public crypto.PublicKey, alg string) bool {
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		return alg == ES256 && k.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return alg == EdDSA && len(k) == ed25519.PublicKeySize
	case *rsa.PublicKey:
		bits := k.N.BitLen()
		return (alg == RS256 || alg == PS256) && bits >= minRSA && bits <= maxRSA && k.E >= 3
	}
	return false
}

// signature signs input the way of RFC 7518, 3 and RFC 8037, 3.1.
func signature(private crypto.Signer, alg string, input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)
	switch alg {
	case ES256:
		der, err := private.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		return fixedSignature(der)
	case EdDSA:
		return private.Sign(rand.Reader, input, crypto.Hash(0))
	case RS256:
		return private.Sign(rand.Reader, digest[:], crypto.SHA256)
	case PS256:
		return private.Sign(rand.Reader, digest[:], pssOptions)
	}
	return nil, fmt.Errorf("sign: algorithm %q", alg)
}

var pssOptions = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}

// fixedSignature turns the ASN.1 form of a P-256 signature into R and S of 32 bytes each (RFC 7518, 3.4).
func fixedSignature(der []byte) ([]byte, error) {
	out := make([]byte, 64)
	in, seq := cryptobyte.String(der), cryptobyte.String(nil)
	var r, s []byte
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1Integer(&r) || !seq.ReadASN1Integer(&s) ||
		len(r) > 32 || len(s) > 32 {
		return nil, errors.New("sign: unexpected form of an ECDSA signature")
	}
	copy(out[32-len(r):32], r)
	copy(out[64-len(s):], s)
	return out, nil
}

// checkSignature verifies sig over input. The caller has made sure that the key fits the algorithm.
func checkSignature(public crypto.PublicKey, alg string, input, sig []byte) bool {
	switch k := public.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(k, input, sig)
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(input)
		der, err := derSignature(sig)
		return err == nil && ecdsa.VerifyASN1(k, digest[:], der)
	case *rsa.PublicKey:
		digest := sha256.Sum256(input)
		if alg == PS256 {
			return rsa.VerifyPSS(k, crypto.SHA256, digest[:], sig, pssOptions) == nil
		}
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], sig) == nil
	}
	return false
}

func derSignature(sig []byte) ([]byte, error) {
	if len(sig) != 64 {
		return nil, errors.New("verify: an ES256 signature has 64 bytes")
	}
	b := cryptobyte.NewFixedBuilder(make([]byte, 0, 72))
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addUnsigned(b, sig[:32])
		addUnsigned(b, sig[32:])
	})
	return b.Bytes()
}

// addUnsigned adds a big-endian number as an ASN.1 INTEGER.
func addUnsigned(b *cryptobyte.Builder, n []byte) {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) {
		if n[0] >= 0x80 {
			b.AddUint8(0)
		}
		b.AddBytes(n)
	})
}

// joseHeader is what is read of a protected header. Extensions that change the meaning of the token are refused.
type joseHeader struct {
	Alg  string          `json:"alg"`
	Kid  string          `json:"kid"`
	Typ  string          `json:"typ"`
	Crit json.RawMessage `json:"crit"`
	B64  json.RawMessage `json:"b64"`
}

// compactToken is a compact JWS taken apart (RFC 7515, 7.1), nothing verified yet.
type compactToken struct {
	header  joseHeader
	input   []byte // what is signed
	payload []byte
	sig     []byte
}

// parseCompact takes a token apart: three parts, base64url without padding or other characters, canonical last bits.
func parseCompact(compact string) (compactToken, error) {
	var t compactToken
	if len(compact) > MaxToken {
		return t, refuse("longer than 16 KiB")
	}
	head, rest, _ := strings.Cut(compact, ".")
	body, sig, ok := strings.Cut(rest, ".")
	if !ok || strings.ContainsAny(compact, "\r\n") || strings.Contains(sig, ".") {
		return t, refuse("not three parts of base64url") // the decoder skips line breaks, so they are refused here
	}
	header, err := b64.DecodeString(head)
	if err == nil {
		t.payload, err = b64.DecodeString(body)
	}
	if err == nil {
		t.sig, err = b64.DecodeString(sig)
	}
	if err != nil {
		return t, refuse("not three parts of base64url")
	}
	if err := json.Unmarshal(header, &t.header); err != nil {
		return t, refuse("header is not a JSON object")
	}
	if t.header.Crit != nil || t.header.B64 != nil {
		return t, refuse("extension in the header")
	}
	t.input = []byte(compact[:len(head)+1+len(body)])
	return t, nil
}
