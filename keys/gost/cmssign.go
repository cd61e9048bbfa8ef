package gost

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// SignOptions says how Sign writes a message; the zero value is a detached signature with attributes, as v1 clients of ESIA send.
type SignOptions struct {
	Attached     bool      // put the content into the message
	NoAttributes bool      // sign the content itself
	Time         time.Time // claimed as signingTime, unless zero or without attributes
	PSS          bool      // RSASSA-PSS instead of PKCS#1 v1.5 for RSA keys
}

// Sign writes a CMS SignedData in DER (RFC 5652, 5) of one signer, whose certificate is included. The key must be that of the certificate:
// a *PrivateKey, or a crypto.Signer for RSA or ECDSA. The digest goes with the key: Streebog of the size of its curve, or a SHA-2.
func Sign(content []byte, cert *Certificate, key crypto.Signer, opts SignOptions) ([]byte, error) {
	if pub, ok := cert.Key.(interface{ Equal(crypto.PublicKey) bool }); !ok || !pub.Equal(key.Public()) {
		return nil, errors.New("certificate belongs to another key")
	}
	d, err := digestForKey(cert.Key)
	if err != nil {
		return nil, err
	}
	digest := d.sum(content)
	var attrs []byte
	if !opts.NoAttributes {
		if attrs, err = signedAttributes(digest, opts.Time); err != nil {
			return nil, fmt.Errorf("signed attributes: %w", err)
		}
		digest = d.sum(append(appendHeader(nil, 0x31, len(attrs)), attrs...))
	}
	var how crypto.SignerOpts = d.std
	if opts.PSS {
		how = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: d.std}
	}
	sig, err := key.Sign(rand.Reader, digest, how)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if !opts.Attached {
		content = nil
	} else if content == nil {
		content = []byte{}
	}
	return writeSignedData(content, cert, d, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(1)
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(cert.X509.RawIssuer)
				b.AddASN1BigInt(cert.X509.SerialNumber)
			})
			addAlgorithm(b, d.oid)
			if attrs != nil {
				b.AddASN1(context0, func(b *cryptobyte.Builder) { b.AddBytes(attrs) })
			}
			addSignatureAlgorithm(b, cert.Key, d, opts.PSS)
			b.AddASN1OctetString(sig)
		})
	})
}

func addSignatureAlgorithm(b *cryptobyte.Builder, key crypto.PublicKey, d *digestAlgorithm, pss bool) {
	switch k := key.(type) {
	case *PublicKey:
		addAlgorithm(b, bySize(k.curve.Size(), oidKey256, oidKey512)) // the identifier of the key, as the gost engine writes
	case *ecdsa.PublicKey:
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(d.ecdsa) }) // RFC 5753, 2.1.1
	default:
		if pss {
			addPSS(b, d)
		} else {
			addAlgorithm(b, oidRSA)
		}
	}
}

// writeSignedData writes everything around the signer. Content nil means detached.
func writeSignedData(content []byte, cert *Certificate, d *digestAlgorithm, signer cryptobyte.BuilderContinuation) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(context0, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { addAlgorithm(b, d.oid) })
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(oidData)
					if content != nil {
						b.AddASN1(context0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
					}
				})
				b.AddASN1(context0, func(b *cryptobyte.Builder) { b.AddBytes(cert.X509.Raw) })
				b.AddASN1(cbasn1.SET, signer)
			})
		})
	})
	return b.Bytes()
}

// signedAttributes writes the contents of the set: DER orders its elements (X.690, 11.6).
func signedAttributes(digest []byte, at time.Time) ([]byte, error) {
	attr := func(oid asn1.ObjectIdentifier, value cryptobyte.BuilderContinuation) ([]byte, error) {
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oid)
			b.AddASN1(cbasn1.SET, value)
		})
		return b.Bytes()
	}
	var all [][]byte
	add := func(one []byte, err error) error {
		all = append(all, one)
		return err
	}
	err := errors.Join(
		add(attr(oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) })),
		add(attr(oidMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest) })))
	if !at.IsZero() {
		err = errors.Join(err, add(attr(oidSigningTime, func(b *cryptobyte.Builder) { addTime(b, at) })))
	}
	slices.SortFunc(all, bytes.Compare)
	return slices.Concat(all...), err
}
