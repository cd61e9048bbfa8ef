package gost

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// Signature is what Verify found out about one signer.
type Signature struct {
	Certificate *Certificate // the signer's; it may have come with the message and then proves nothing by itself
	Digest      string       // "Streebog-256", "Streebog-512", "SHA-256", "SHA-384" or "SHA-512"
	SigningTime time.Time    // as the signer claims; zero if it does not
	Attributes  bool         // signed attributes were used
}

// Verify checks all signatures of the message (RFC 5652, 5.4 to 5.6) and returns them in its order, at least one.
//
// That it succeeds says only that the owner of some certificate signed this content. The certificate usually comes with the
// message and anybody can make one, so the caller must compare Signature.Certificate with those it has registered (Equal), and look
// at its dates and at SigningTime as its own rules say. No chain is built and no revocation is asked.
//
// The content is that of a detached signature. For a message that carries its content it may be nil; if it is given, it must be the
// same. A signer is looked for among certs first, then among the certificates of the message.
//
// Errors: ErrNoContent, ErrNoCertificate, ErrOtherContent, ErrBadSignature, ErrUnsupported, each possibly wrapped.
func (s *SignedData) Verify(content []byte, certs ...*Certificate) ([]Signature, error) {
	switch {
	case s.Content == nil && content == nil:
		return nil, ErrNoContent
	case content == nil:
		content = s.Content
	case s.Content != nil && !bytes.Equal(s.Content, content):
		return nil, fmt.Errorf("the message carries a content of its own: %w", ErrOtherContent)
	}
	var out []Signature
	for i := range s.signers {
		sig, err := s.verifySigner(&s.signers[i], content, certs)
		if err != nil {
			return nil, err
		}
		out = append(out, sig)
	}
	return out, nil
}

func (s *SignedData) verifySigner(info *signerInfo, content []byte, certs []*Certificate) (Signature, error) {
	none := Signature{}
	d, err := digestByOID(info.digest.oid)
	if err != nil {
		return none, err
	}
	cert := findCertificate(info, certs, s.Certificates)
	if cert == nil {
		return none, ErrNoCertificate
	}
	digest := d.sum(content)
	if info.attributes != nil {
		// RFC 5652, 5.4 and 5.6
		if !info.contentType.Equal(s.contentType) {
			return none, errors.New("content type in the signed attributes differs from that of the content")
		}
		if !bytes.Equal(info.messageDigest, digest) {
			return none, ErrOtherContent
		}
		digest = d.sum(info.attributes)
	} else if !s.contentType.Equal(oidData) {
		return none, errors.New("content that is not plain data needs signed attributes") // RFC 5652, 5.3
	}
	if err := checkSignature(cert.Key, info.alg, d, digest, info.signature); err != nil {
		return none, err
	}
	return Signature{cert, d.name, info.signingTime, info.attributes != nil}, nil
}

func findCertificate(info *signerInfo, lists ...[]*Certificate) *Certificate {
	for _, list := range lists {
		for _, c := range list {
			if info.is(c) {
				return c
			}
		}
	}
	return nil
}
