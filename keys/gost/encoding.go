package gost

import (
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Identifiers of RFC 9215, 2 and 4.2; the old ones, which are refused by name, of RFC 4357 and RFC 4491.
var (
	oidDigest256 = asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 2, 2}
	oidDigest512 = asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 2, 3}
	oidKey256    = asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 1, 1}
	oidKey512    = asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 1, 2}
	oidSign256   = asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 3, 2}
	oidSign512   = asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 3, 3}

	oidOldKey    = asn1.ObjectIdentifier{1, 2, 643, 2, 2, 19}
	oidOldSign   = asn1.ObjectIdentifier{1, 2, 643, 2, 2, 3}
	oidOldDigest = asn1.ObjectIdentifier{1, 2, 643, 2, 2, 9}
)

// ErrUnsupported is the cause of errors about algorithms and curves that are not those of this package; the old ones, GOST R
// 34.10-2001 and 34.11-94, are named in the text.
var ErrUnsupported = errors.New("unsupported algorithm")

func unsupported(what string, oid asn1.ObjectIdentifier) error {
	for _, old := range []asn1.ObjectIdentifier{oidOldKey, oidOldSign, oidOldDigest} {
		if oid.Equal(old) {
			return fmt.Errorf("%s %v (GOST of 1994 or 2001): %w", what, oid, ErrUnsupported)
		}
	}
	return fmt.Errorf("%s %v: %w", what, oid, ErrUnsupported)
}

// errDER is a structure that is not what its standard says.
func errDER(what string) error { return fmt.Errorf("malformed %s", what) }

// bySize chooses between the identifiers for 32 and for 64 bytes.
func bySize(size int, short, long asn1.ObjectIdentifier) asn1.ObjectIdentifier {
	if size == Size512 {
		return long
	}
	return short
}

// ParsePublicKey reads a SubjectPublicKeyInfo in DER (RFC 9215, 4). Errors wrap ErrUnsupported if the key is of another algorithm or curve.
func ParsePublicKey(der []byte) (*PublicKey, error) {
	in := cryptobyte.String(der)
	var spki, raw cryptobyte.String
	var bits []byte
	if !in.ReadASN1(&spki, cbasn1.SEQUENCE) || !in.Empty() {
		return nil, errDER("public key")
	}
	curve, err := readKeyAlgorithm(&spki)
	if err != nil {
		return nil, err
	}
	if !spki.ReadASN1BitStringAsBytes(&bits) || !spki.Empty() {
		return nil, errDER("public key")
	}
	if in = bits; !in.ReadASN1(&raw, cbasn1.OCTET_STRING) || !in.Empty() {
		return nil, errDER("public key")
	}
	return NewPublicKey(curve, raw)
}

// MarshalPublicKey writes the SubjectPublicKeyInfo of the key, as the gost engine of OpenSSL does.
func MarshalPublicKey(k *PublicKey) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addKeyAlgorithm(b, k.curve)
		b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
			b.AddUint8(0)
			b.AddASN1OctetString(k.Bytes())
		})
	})
	return b.BytesOrPanic() // nothing in it can fail
}

// readKeyAlgorithm reads the AlgorithmIdentifier of a key (RFC 9215, 4.2). The digest beside the curve is not needed: its size is the curve's.
func readKeyAlgorithm(in *cryptobyte.String) (*Curve, error) {
	var alg, params cryptobyte.String
	var oid, set asn1.ObjectIdentifier
	if !in.ReadASN1(&alg, cbasn1.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(&oid) {
		return nil, errDER("key algorithm")
	}
	if !oid.Equal(oidKey256) && !oid.Equal(oidKey512) {
		return nil, unsupported("key", oid)
	}
	if !alg.ReadASN1(&params, cbasn1.SEQUENCE) || !alg.Empty() || !params.ReadASN1ObjectIdentifier(&set) {
		return nil, errDER("key parameters")
	}
	for n := 0; !params.Empty(); n++ {
		var other asn1.ObjectIdentifier
		if n == 2 || !params.ReadASN1ObjectIdentifier(&other) {
			return nil, errDER("key parameters")
		}
	}
	curve := CurveByOID(set)
	if curve == nil {
		return nil, unsupported("curve", set)
	}
	if !oid.Equal(bySize(curve.Size(), oidKey256, oidKey512)) {
		return nil, fmt.Errorf("key algorithm %v does not go with curve %s", oid, curve.name)
	}
	return curve, nil
}

func addKeyAlgorithm(b *cryptobyte.Builder, c *Curve) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(bySize(c.Size(), oidKey256, oidKey512))
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(c.oid)
			if c.digestParam {
				b.AddASN1ObjectIdentifier(bySize(c.Size(), oidDigest256, oidDigest512))
			}
		})
	})
}

// ParsePrivateKey reads a private key in PKCS#8 DER (RFC 5208; TC26, R 50.1.112-2016). The key inside may be plain bytes, an OCTET
// STRING of them, an INTEGER (old tools), or masked: a number and its masks, whose product modulo q is the key.
func ParsePrivateKey(der []byte) (*PrivateKey, error) {
	in := cryptobyte.String(der)
	var info, raw cryptobyte.String
	var version uint
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !in.Empty() || !info.ReadASN1Integer(&version) || version > 1 {
		return nil, errDER("private key")
	}
	curve, err := readKeyAlgorithm(&info)
	if err != nil {
		return nil, err
	}
	if !info.ReadASN1(&raw, cbasn1.OCTET_STRING) {
		return nil, errDER("private key")
	}
	for !info.Empty() { // attributes and the public key, which is computed instead
		if !info.ReadAnyASN1(new(cryptobyte.String), new(cbasn1.Tag)) {
			return nil, errDER("private key")
		}
	}
	return readPrivate(curve, raw)
}

func readPrivate(c *Curve, raw cryptobyte.String) (*PrivateKey, error) {
	size := c.Size()
	if len(raw) > 0 && len(raw)%size == 0 && len(raw) <= 8*size {
		return unmask(c, raw)
	}
	var inner cryptobyte.String
	if raw.PeekASN1Tag(cbasn1.INTEGER) {
		if !raw.ReadASN1(&inner, cbasn1.INTEGER) || !raw.Empty() {
			return nil, errDER("private key")
		}
		for len(inner) > size && inner[0] == 0 {
			inner = inner[1:]
		}
		if len(inner) > size {
			return nil, errDER("private key")
		}
		return NewPrivateKey(c, Reversed(append(make([]byte, size-len(inner)), inner...)))
	}
	if !raw.ReadASN1(&inner, cbasn1.OCTET_STRING) || !raw.Empty() {
		return nil, errDER("private key")
	}
	return NewPrivateKey(c, inner)
}

// unmask multiplies the numbers in raw modulo q.
func unmask(c *Curve, raw []byte) (*PrivateKey, error) {
	size := c.Size()
	if len(raw) == size {
		return NewPrivateKey(c, raw)
	}
	q := c.group().q
	d := nat{1}
	for ; len(raw) > 0; raw = raw[size:] {
		part := natFromBytes(Reversed(raw[:size]))
		q.reduce(&part, &part)
		q.mulPlain(&d, &d, &part)
	}
	if !q.inRange(&d) {
		return nil, errors.New("private key is out of range")
	}
	return newPrivateKey(c, d), nil
}

// MarshalPrivateKey writes the key as PKCS#8, as the gost engine of OpenSSL does. The result is secret.
func MarshalPrivateKey(k *PrivateKey) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		addKeyAlgorithm(b, k.pub.curve)
		b.AddASN1OctetString(k.Bytes())
	})
	return b.BytesOrPanic()
}
