package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The signature algorithms there are (RFC 7518, 3.1; RFC 8037, 3.1). None and the HMAC ones are not among them and cannot
// be switched on.
const (
	ES256 = "ES256"
	EdDSA = "EdDSA"
	RS256 = "RS256"
	PS256 = "PS256"
)

// Algs returns the algorithms that may sign and be verified, the preferred first.
func Algs() []string { return []string{ES256, EdDSA, RS256, PS256} }

// rsaBits is the size of our own RSA keys; the reason stands in the package documentation.
const rsaBits = 2048

// purposeSigning is the purpose under which private keys are sealed.
const purposeSigning = "signing-key"

// SigningKey is one private key of the provider as it is stored: the private part sealed, the rest in clear. All times
// are seconds since the epoch; CreatedAt <= UseFrom <= UseUntil <= RetireAt.
type SigningKey struct {
	ID     string // kid: RFC 7638 thumbprint, SHA-256, base64url, 43 characters
	Alg    string // one of Algs
	Sealed []byte // PKCS #8, sealed with the master key, bound to ID and Alg
	Public string // public JWK (RFC 7517) with kid, alg and use

	CreatedAt int64 // published from here on
	UseFrom   int64 // signs from here on
	UseUntil  int64 // another key should sign from here on
	RetireAt  int64 // no longer published nor accepted
}

// LogValue shows which key it is and nothing more.
func (k SigningKey) LogValue() slog.Value {
	return slog.GroupValue(slog.String("kid", k.ID), slog.String("alg", k.Alg))
}

// Generate makes a key that is used at once, as the first key of an installation is. [Need.Generate] makes those that
// [Plan] and [Rotate] ask for.
func Generate(m *Master, alg string, now time.Time, s Schedule) (SigningKey, error) {
	return Need{Alg: alg, UseFrom: now.Unix()}.Generate(m, now, s)
}

// Generate makes the key that is needed. An unknown algorithm is an error.
func (n Need) Generate(m *Master, now time.Time, s Schedule) (SigningKey, error) {
	private, err := newPrivate(n.Alg)
	if err != nil {
		return SigningKey{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return SigningKey{}, fmt.Errorf("encode private key: %w", err)
	}
	id, public, err := publicJWK(private.Public(), n.Alg)
	if err != nil {
		return SigningKey{}, err
	}
	from := max(n.UseFrom, now.Unix())
	until := from + seconds(s.Use)
	return SigningKey{
		ID: id, Alg: n.Alg, Public: public,
		Sealed:    m.Seal(purposeSigning, der, sealedFor(id, n.Alg)),
		CreatedAt: now.Unix(), UseFrom: from, UseUntil: until, RetireAt: until + seconds(s.Retire),
	}, nil
}

func sealedFor(id, alg string) []byte { return []byte(alg + " " + id) }

func newPrivate(alg string) (crypto.Signer, error) {
	switch alg {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case RS256, PS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	}
	return nil, fmt.Errorf("signing key: algorithm %q is not one of %v", alg, Algs())
}

// publicJWK returns the thumbprint and the published form of a public key.
func publicJWK(public crypto.PublicKey, alg string) (id, text string, err error) {
	jwk := jose.JSONWebKey{Key: public, Algorithm: alg, Use: "sig"}
	thumb, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", "", fmt.Errorf("thumbprint: %w", err)
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumb)
	b, err := jwk.MarshalJSON()
	if err != nil {
		return "", "", fmt.Errorf("encode public key: %w", err)
	}
	return jwk.KeyID, string(b), nil
}

// open unseals the private key and checks that it is the one the row speaks of.
func (k SigningKey) open(m *Master) (crypto.Signer, error) {
	der, err := m.Open(purposeSigning, k.Sealed, sealedFor(k.ID, k.Alg))
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok || !fits(private.Public(), k.Alg) {
		return nil, fmt.Errorf("signing key %s: not a key for %s", k.ID, k.Alg)
	}
	id, public, err := publicJWK(private.Public(), k.Alg)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
	}
	if id != k.ID || public != k.Public {
		return nil, fmt.Errorf("signing key %s: public part is of another key", k.ID)
	}
	return private, nil
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
