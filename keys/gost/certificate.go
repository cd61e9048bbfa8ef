package gost

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// MaxCertificate is the largest certificate in bytes that is read.
const MaxCertificate = 64 << 10

// Certificate is an X.509 certificate whose key this package can use.
type Certificate struct {
	X509 *x509.Certificate // as crypto/x509 reads it; its own checks of signatures know nothing of GOST
	Key  crypto.PublicKey  // *PublicKey, *rsa.PublicKey or *ecdsa.PublicKey
}

// ParseCertificate reads a certificate in DER. It checks neither its signature nor its dates.
func ParseCertificate(der []byte) (*Certificate, error) {
	if len(der) > MaxCertificate {
		return nil, errors.New("certificate is too large")
	}
	x, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	c := &Certificate{X509: x, Key: x.PublicKey}
	switch x.PublicKey.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
	default:
		if c.Key, err = ParsePublicKey(x.RawSubjectPublicKeyInfo); err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
	}
	return c, nil
}

// Equal reports whether both are the same bytes.
func (c *Certificate) Equal(o *Certificate) bool {
	return c != nil && o != nil && bytes.Equal(c.X509.Raw, o.X509.Raw)
}

// Hash is the Streebog-256 digest of the certificate in upper-case hexadecimal: client_certificate_hash of ESIA.
func (c *Certificate) Hash() string {
	return fmt.Sprintf("%X", Sum256(c.X509.Raw))
}

// CheckSignatureFrom checks that the key of the parent signed c (RFC 9215, 3 for GOST keys), and nothing else: not the dates, not
// whether the parent may sign certificates, not revocation. A certificate may be its own parent.
func (c *Certificate) CheckSignatureFrom(parent *Certificate) error {
	key, ok := parent.Key.(*PublicKey)
	if !ok {
		return parent.X509.CheckSignature(c.X509.SignatureAlgorithm, c.X509.RawTBSCertificate, c.X509.Signature)
	}
	oid, err := signatureOID(c.X509.Raw)
	if err != nil {
		return err
	}
	if want := bySize(key.curve.Size(), oidSign256, oidSign512); !oid.Equal(want) {
		return unsupported("signature of the certificate", oid)
	}
	if !VerifyMessage(key, c.X509.RawTBSCertificate, c.X509.Signature) {
		return errors.New("signature of the certificate is wrong")
	}
	return nil
}

// signatureOID reads the algorithm that signed a certificate: crypto/x509 keeps only those it knows.
func signatureOID(der []byte) (oid asn1.ObjectIdentifier, err error) {
	in := cryptobyte.String(der)
	var cert, alg cryptobyte.String
	if !in.ReadASN1(&cert, cbasn1.SEQUENCE) || !cert.SkipASN1(cbasn1.SEQUENCE) ||
		!cert.ReadASN1(&alg, cbasn1.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(&oid) {
		return nil, errDER("certificate")
	}
	return oid, nil
}

// SelfSigned makes a certificate of the key signed by the key, in DER: for publishing a signing key as ESIA does, and for tests.
// The serial number is random. It is for signatures only (RFC 5280, 4.2.1.3).
func SelfSigned(key *PrivateKey, subject pkix.Name, notBefore, notAfter time.Time) ([]byte, error) {
	name, err := asn1.Marshal(subject.ToRDNSequence())
	if err != nil {
		return nil, fmt.Errorf("subject: %w", err)
	}
	size := key.pub.curve.Size()
	algorithm := func(b *cryptobyte.Builder) { // RFC 9215, 3: without parameters
		b.AddASN1ObjectIdentifier(bySize(size, oidSign256, oidSign512))
	}
	serial := make([]byte, 16)
	rand.Read(serial)
	serial[0] = serial[0]&0x3f | 0x40 // positive, and never shorter
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1Int64(2) })
		b.AddASN1BigInt(new(big.Int).SetBytes(serial))
		b.AddASN1(cbasn1.SEQUENCE, algorithm)
		b.AddBytes(name)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addTime(b, notBefore)
			addTime(b, notAfter)
		})
		b.AddBytes(name)
		b.AddBytes(MarshalPublicKey(key.pub))
		b.AddASN1(cbasn1.Tag(3).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addExtensions(b, key.pub) })
		})
	})
	tbs, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	var out cryptobyte.Builder
	out.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddASN1(cbasn1.SEQUENCE, algorithm)
		b.AddASN1BitString(SignMessage(key, tbs))
	})
	return out.Bytes()
}

// addExtensions adds key usage (critical, digitalSignature) and the key identifier (RFC 7093, 2, method 1).
func addExtensions(b *cryptobyte.Builder, key *PublicKey) {
	id := sha256.Sum256(key.Bytes())
	for _, e := range []struct {
		oid      asn1.ObjectIdentifier
		critical bool
		value    func(*cryptobyte.Builder)
	}{
		{asn1.ObjectIdentifier{2, 5, 29, 15}, true, func(b *cryptobyte.Builder) { b.AddBytes([]byte{3, 2, 7, 0x80}) }},
		{asn1.ObjectIdentifier{2, 5, 29, 14}, false, func(b *cryptobyte.Builder) { b.AddASN1OctetString(id[:20]) }},
	} {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(e.oid)
			if e.critical {
				b.AddASN1Boolean(true)
			}
			b.AddASN1(cbasn1.OCTET_STRING, e.value)
		})
	}
}

// addTime writes a Time of RFC 5280, 4.1.2.5: UTCTime through 2049, GeneralizedTime after.
func addTime(b *cryptobyte.Builder, t time.Time) {
	if t = t.UTC(); t.Year() >= 1950 && t.Year() < 2050 {
		b.AddASN1UTCTime(t)
	} else {
		b.AddASN1GeneralizedTime(t)
	}
}
