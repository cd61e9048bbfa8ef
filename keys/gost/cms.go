package gost

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Limits of a CMS message; beyond them it is refused unread.
const (
	MaxSignedData = 1 << 20 // bytes
	maxSigners    = 8
	maxCerts      = 32
)

// Identifiers of RFC 5652, 4, 5.1 and 11.
var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
)

// What Verify may find wrong, beside ErrUnsupported and malformed messages.
var (
	ErrNoCertificate = errors.New("certificate of the signer is not at hand")
	ErrOtherContent  = errors.New("another content was signed")                // the messageDigest differs
	ErrBadSignature  = errors.New("signature does not belong to the signer")   // or, without attributes, to the content
	ErrNoContent     = errors.New("signature is detached, content is missing") // Verify was given none
)

// SignedData is a parsed CMS message (RFC 5652, 5; PKCS#7). Nothing in it is proved before Verify.
type SignedData struct {
	Content      []byte // what travels inside; nil if the signature is detached
	Certificates []*Certificate
	contentType  asn1.ObjectIdentifier
	signers      []signerInfo
}

// signerInfo is RFC 5652, 5.3.
type signerInfo struct {
	issuer, keyID []byte // one of them: a whole Name, or the subject key identifier
	serial        *big.Int
	digest, alg   algorithmID
	attributes    []byte // whole, tagged as a SET; nil if there are none
	signature     []byte
	// from the attributes
	contentType   asn1.ObjectIdentifier
	messageDigest []byte
	signingTime   time.Time
}

// ParseSignedData reads a ContentInfo with SignedData, in DER or BER. Certificates in it that this package cannot read are left out.
func ParseSignedData(message []byte) (*SignedData, error) {
	if len(message) > MaxSignedData {
		return nil, errors.New("message is too large")
	}
	der, err := toDER(message)
	if err != nil {
		return nil, err
	}
	in := cryptobyte.String(der)
	var info, explicit, data cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&oid) {
		return nil, errDER("CMS message")
	}
	if !oid.Equal(oidSignedData) {
		return nil, unsupported("CMS content", oid)
	}
	if !info.ReadASN1(&explicit, context0) || !info.Empty() || !explicit.ReadASN1(&data, cbasn1.SEQUENCE) || !explicit.Empty() {
		return nil, errDER("CMS message")
	}
	s := &SignedData{}
	if err := s.read(data); err != nil {
		return nil, err
	}
	return s, nil
}

const (
	context0 = cbasn1.Tag(0x80 | 0x20)
	context1 = cbasn1.Tag(0x81 | 0x20)
)

// read reads the fields of SignedData. The outer list of digests is not looked at: some producers fill it wrongly, and each signer names its own.
func (s *SignedData) read(in cryptobyte.String) error {
	var certs, signers cryptobyte.String
	var hasCerts bool
	if !in.SkipASN1(cbasn1.INTEGER) || !in.SkipASN1(cbasn1.SET) || !s.readContent(&in) ||
		!in.ReadOptionalASN1(&certs, &hasCerts, context0) || !in.SkipOptionalASN1(context1) ||
		!in.ReadASN1(&signers, cbasn1.SET) || !in.Empty() {
		return errDER("SignedData")
	}
	for n := 0; !certs.Empty(); n++ {
		var cert cryptobyte.String
		var tag cbasn1.Tag
		if n == maxCerts || !certs.ReadAnyASN1Element(&cert, &tag) {
			return errDER("list of certificates")
		}
		if c, err := ParseCertificate(cert); err == nil {
			s.Certificates = append(s.Certificates, c)
		}
	}
	for !signers.Empty() {
		var one cryptobyte.String
		if len(s.signers) == maxSigners || !signers.ReadASN1(&one, cbasn1.SEQUENCE) {
			return errDER("list of signers")
		}
		info, err := readSigner(one)
		if err != nil {
			return err
		}
		s.signers = append(s.signers, info)
	}
	if len(s.signers) == 0 {
		return errors.New("nobody signed the message")
	}
	return nil
}

// readContent reads EncapsulatedContentInfo (RFC 5652, 5.2).
func (s *SignedData) readContent(in *cryptobyte.String) bool {
	var info, explicit, content cryptobyte.String
	var present bool
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&s.contentType) ||
		!info.ReadOptionalASN1(&explicit, &present, context0) || !info.Empty() {
		return false
	}
	if present {
		if !explicit.ReadASN1(&content, cbasn1.OCTET_STRING) || !explicit.Empty() {
			return false
		}
		s.Content = append([]byte{}, content...) // not nil even if empty
	}
	return true
}

// readSigner reads the fields of SignerInfo.
func readSigner(in cryptobyte.String) (signerInfo, error) {
	var s signerInfo
	var sid, attrs, signature cryptobyte.String
	var hasAttrs bool
	bad := errDER("SignerInfo")
	if !in.SkipASN1(cbasn1.INTEGER) {
		return s, bad
	}
	if keyID := cbasn1.Tag(0x80); in.PeekASN1Tag(keyID) {
		if !in.ReadASN1(&sid, keyID) {
			return s, bad
		}
		s.keyID = sid
	} else {
		var issuer cryptobyte.String
		s.serial = new(big.Int)
		if !in.ReadASN1(&sid, cbasn1.SEQUENCE) || !sid.ReadASN1Element(&issuer, cbasn1.SEQUENCE) ||
			!sid.ReadASN1Integer(s.serial) || !sid.Empty() {
			return s, bad
		}
		s.issuer = issuer
	}
	if !readAlgorithm(&in, &s.digest) || !in.ReadOptionalASN1(&attrs, &hasAttrs, context0) || !readAlgorithm(&in, &s.alg) ||
		!in.ReadASN1(&signature, cbasn1.OCTET_STRING) || !in.SkipOptionalASN1(context1) || !in.Empty() {
		return s, bad
	}
	s.signature = signature
	if hasAttrs {
		// RFC 5652, 5.4: what is signed is the set with its own tag, not the one it travels under.
		s.attributes = append(appendHeader(nil, 0x31, len(attrs)), attrs...)
		return s, s.readAttributes(attrs)
	}
	return s, nil
}

// readAttributes takes what this package knows. RFC 5652, 11: each of these at most once and with one value; the first two must be there.
func (s *signerInfo) readAttributes(in cryptobyte.String) error {
	bad := errDER("signed attributes")
	var seen []string
	for !in.Empty() {
		var attr, values, digest cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !in.ReadASN1(&attr, cbasn1.SEQUENCE) || !attr.ReadASN1ObjectIdentifier(&oid) ||
			!attr.ReadASN1(&values, cbasn1.SET) || !attr.Empty() || slices.Contains(seen, oid.String()) || len(seen) == 64 {
			return bad
		}
		seen = append(seen, oid.String())
		ok := true
		switch {
		case oid.Equal(oidContentType):
			ok = values.ReadASN1ObjectIdentifier(&s.contentType) && values.Empty()
		case oid.Equal(oidMessageDigest):
			ok = values.ReadASN1(&digest, cbasn1.OCTET_STRING) && values.Empty()
			s.messageDigest = digest
		case oid.Equal(oidSigningTime):
			ok = readTime(&values, &s.signingTime) && values.Empty()
		}
		if !ok {
			return bad
		}
	}
	if s.contentType == nil || s.messageDigest == nil {
		return fmt.Errorf("%w: contentType or messageDigest is missing", bad)
	}
	return nil
}

func readTime(in *cryptobyte.String, t *time.Time) bool {
	if in.PeekASN1Tag(cbasn1.UTCTime) {
		return in.ReadASN1UTCTime(t)
	}
	return in.ReadASN1GeneralizedTime(t)
}

// is reports whether the signer names this certificate.
func (s *signerInfo) is(c *Certificate) bool {
	if s.serial == nil {
		return len(s.keyID) > 0 && bytes.Equal(s.keyID, c.X509.SubjectKeyId)
	}
	return s.serial.Cmp(c.X509.SerialNumber) == 0 && bytes.Equal(s.issuer, c.X509.RawIssuer)
}
