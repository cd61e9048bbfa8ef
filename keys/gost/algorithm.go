package gost

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha256" // registers SHA-256 for crypto.Hash
	_ "crypto/sha512" // and SHA-384 and SHA-512
	"encoding/asn1"
	"fmt"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// A digest of CMS messages. SHA-1, MD5 and GOST R 34.11-94 are not among them: a second text can be found, or could be soon.
type digestAlgorithm struct {
	name string
	oid  asn1.ObjectIdentifier
	std  crypto.Hash // 0 for Streebog
	new  func() hash.Hash
	// rsa and ecdsa name a signature over this digest (RFC 8017, A.2.4; RFC 5758, 3.2).
	rsa, ecdsa asn1.ObjectIdentifier
}

var digestAlgorithms = []*digestAlgorithm{
	{name: "Streebog-256", oid: oidDigest256, new: New256},
	{name: "Streebog-512", oid: oidDigest512, new: New512},
	{"SHA-256", asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, crypto.SHA256, crypto.SHA256.New,
		asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}},
	{"SHA-384", asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}, crypto.SHA384, crypto.SHA384.New,
		asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}},
	{"SHA-512", asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}, crypto.SHA512, crypto.SHA512.New,
		asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}},
}

var (
	oidRSA  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidPSS  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidMGF1 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	oidEC   = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
)

func digestByOID(oid asn1.ObjectIdentifier) (*digestAlgorithm, error) {
	for _, d := range digestAlgorithms {
		if d.oid.Equal(oid) {
			return d, nil
		}
	}
	return nil, unsupported("digest", oid)
}

// digestForKey is the digest that Sign uses.
func digestForKey(key crypto.PublicKey) (*digestAlgorithm, error) {
	switch k := key.(type) {
	case *PublicKey:
		return digestByOID(bySize(k.curve.Size(), oidDigest256, oidDigest512))
	case *ecdsa.PublicKey:
		if k.Curve.Params().BitSize > 384 {
			return digestAlgorithms[4], nil
		}
		if k.Curve.Params().BitSize > 256 {
			return digestAlgorithms[3], nil
		}
	case *rsa.PublicKey:
	default:
		return nil, fmt.Errorf("key of type %T: %w", key, ErrUnsupported)
	}
	return digestAlgorithms[2], nil
}

func (d *digestAlgorithm) sum(data []byte) []byte {
	h := d.new()
	h.Write(data)
	return h.Sum(nil)
}

// algorithmID is an AlgorithmIdentifier: params is the whole value after the identifier, or empty.
type algorithmID struct {
	oid    asn1.ObjectIdentifier
	params cryptobyte.String
}

func readAlgorithm(in *cryptobyte.String, a *algorithmID) bool {
	return in.ReadASN1(&a.params, cbasn1.SEQUENCE) && a.params.ReadASN1ObjectIdentifier(&a.oid)
}

func addAlgorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		b.AddASN1NULL() // as OpenSSL writes in CMS
	})
}

// checkSignature verifies sig over a digest made by d, with the key and by the algorithm that the message names.
func checkSignature(key crypto.PublicKey, alg algorithmID, d *digestAlgorithm, digest, sig []byte) error {
	ok := false
	switch k := key.(type) {
	case *PublicKey:
		size := k.curve.Size()
		if !alg.oid.Equal(bySize(size, oidKey256, oidKey512)) && !alg.oid.Equal(bySize(size, oidSign256, oidSign512)) {
			return unsupported("signature by a GOST key", alg.oid)
		}
		if !d.oid.Equal(bySize(size, oidDigest256, oidDigest512)) {
			return fmt.Errorf("digest %s does not go with the key: %w", d.name, ErrUnsupported)
		}
		ok = k.Verify(digest, sig)
	case *rsa.PublicKey:
		return checkRSA(k, alg, d, digest, sig)
	case *ecdsa.PublicKey:
		if d.std == 0 || !alg.oid.Equal(d.ecdsa) && !alg.oid.Equal(oidEC) {
			return unsupported("signature by an ECDSA key", alg.oid)
		}
		ok = ecdsa.VerifyASN1(k, digest, sig)
	default:
		return fmt.Errorf("key of type %T: %w", key, ErrUnsupported)
	}
	if !ok {
		return ErrBadSignature
	}
	return nil
}

// checkRSA bounds the key: a short one is forgeable, a huge one is there to keep us busy.
func checkRSA(k *rsa.PublicKey, alg algorithmID, d *digestAlgorithm, digest, sig []byte) error {
	if n := k.N.BitLen(); n < 2048 || n > 8192 {
		return fmt.Errorf("RSA key of %d bits: %w", n, ErrUnsupported)
	}
	if d.std == 0 {
		return fmt.Errorf("RSA signature over %s: %w", d.name, ErrUnsupported)
	}
	var err error
	switch {
	case alg.oid.Equal(oidRSA), alg.oid.Equal(d.rsa):
		err = rsa.VerifyPKCS1v15(k, d.std, digest, sig)
	case alg.oid.Equal(oidPSS):
		salt, perr := readPSS(alg.params, d)
		if perr != nil {
			return perr
		}
		err = rsa.VerifyPSS(k, d.std, digest, sig, &rsa.PSSOptions{SaltLength: salt})
	default:
		return unsupported("signature by an RSA key", alg.oid)
	}
	if err != nil {
		return ErrBadSignature
	}
	return nil
}

// readPSS reads RSASSA-PSS-params (RFC 8017, A.2.3): the digest of the message and of the mask must be d. Returned is the length of the salt.
func readPSS(in cryptobyte.String, d *digestAlgorithm) (int, error) {
	var params, field cryptobyte.String
	var hash, mgf, mgfHash algorithmID
	salt := 20
	tag := func(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }
	if !in.ReadASN1(&params, cbasn1.SEQUENCE) || !in.Empty() ||
		!params.ReadASN1(&field, tag(0)) || !readAlgorithm(&field, &hash) ||
		!params.ReadASN1(&field, tag(1)) || !readAlgorithm(&field, &mgf) || !readAlgorithm(&mgf.params, &mgfHash) {
		return 0, errDER("RSASSA-PSS parameters") // left out they mean SHA-1, which we do not take
	}
	if !hash.oid.Equal(d.oid) || !mgf.oid.Equal(oidMGF1) || !mgfHash.oid.Equal(d.oid) {
		return 0, unsupported("RSASSA-PSS with digest", hash.oid)
	}
	if params.PeekASN1Tag(tag(2)) && (!params.ReadASN1(&field, tag(2)) || !field.ReadASN1Integer(&salt)) {
		return 0, errDER("RSASSA-PSS parameters")
	}
	if salt < 1 || salt > 1024 { // 0 would tell crypto/rsa to take any
		return 0, fmt.Errorf("RSASSA-PSS with a salt of %d: %w", salt, ErrUnsupported)
	}
	return salt, nil
}

// addPSS writes the parameters that readPSS reads, with a salt as long as the digest.
func addPSS(b *cryptobyte.Builder, d *digestAlgorithm) {
	tagged := func(b *cryptobyte.Builder, n uint8, f func(*cryptobyte.Builder)) {
		b.AddASN1(cbasn1.Tag(n).ContextSpecific().Constructed(), f)
	}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidPSS)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			tagged(b, 0, func(b *cryptobyte.Builder) { addAlgorithm(b, d.oid) })
			tagged(b, 1, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(oidMGF1)
					addAlgorithm(b, d.oid)
				})
			})
			tagged(b, 2, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(d.std.Size())) })
		})
	})
}
