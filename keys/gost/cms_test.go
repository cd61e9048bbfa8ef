package gost

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"
)

const vectorV1 = "openid fullname2026.01.02 03:04:05 +0000TESTIS5f1c0f6e-1f5b-4a0e-9d57-3f2b7a1c9e10"

func TestTheMessagesOfAppendixAVerify(t *testing.T) {
	for _, tt := range []struct {
		file       string
		attributes bool
		at         time.Time
	}{
		{"attributes.p7s.b64", true, time.Date(2026, 11, 22, 19, 5, 7, 0, time.UTC)},
		{"noattributes.p7s.b64", false, time.Time{}},
	} {
		s, err := ParseSignedData(vectorFile(t, tt.file))
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Verify([]byte(vectorV1))
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %v", tt.file, err)
		}
		if sig := got[0]; !sig.Certificate.Equal(vectorCert(t)) || sig.Digest != "Streebog-256" || !sig.SigningTime.Equal(tt.at) || sig.Attributes != tt.attributes {
			t.Errorf("%s: got %+v", tt.file, sig)
		}
		want := ErrOtherContent
		if !tt.attributes {
			want = ErrBadSignature
		}
		if _, err := s.Verify([]byte(vectorV1 + " ")); !errors.Is(err, want) {
			t.Errorf("%s, another content: got %v, want %v", tt.file, err, want)
		}
		if _, err := s.Verify(nil); !errors.Is(err, ErrNoContent) {
			t.Errorf("%s, no content: got %v", tt.file, err)
		}
	}
}

// signer is a key with its certificate.
type signer struct {
	name string
	key  crypto.Signer
	cert *Certificate
}

// signers makes one of each kind, once.
var signers = sync.OnceValue(func() []signer {
	var out []signer
	for _, curve := range []string{"CryptoPro-A", "tc26-256-A", "tc26-512-A", "tc26-512-C"} {
		key := GenerateKey(CurveByName(curve))
		der, err := SelfSigned(key, pkix.Name{CommonName: curve}, time.Unix(0, 0), time.Unix(4e9, 0))
		out = append(out, newSigner(curve, key, der, err))
	}
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	p521, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	for name, key := range map[string]crypto.Signer{"RSA": rsaKey, "P-256": p256, "P-384": p384, "P-521": p521} {
		template := &x509.Certificate{SerialNumber: big.NewInt(int64(len(out))), Subject: pkix.Name{CommonName: name}, SubjectKeyId: []byte(name)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		out = append(out, newSigner(name, key, der, err))
	}
	return out
})

func newSigner(name string, key crypto.Signer, der []byte, err error) signer {
	if err != nil {
		panic(err)
	}
	cert, err := ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return signer{name, key, cert}
}

func signerNamed(name string) signer {
	for _, s := range signers() {
		if s.name == name {
			return s
		}
	}
	panic(name)
}

// forms lists the ways to write a message.
func forms(s signer) map[string]SignOptions {
	at := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	m := map[string]SignOptions{
		"detached":                     {},
		"detached with time":           {Time: at},
		"attached":                     {Attached: true, Time: at},
		"detached, without attributes": {NoAttributes: true},
		"attached, without attributes": {Attached: true, NoAttributes: true},
		"with a time after 2050":       {Time: at.AddDate(40, 0, 0)},
	}
	if s.name == "RSA" {
		m["PSS"] = SignOptions{PSS: true}
		m["PSS, without attributes"] = SignOptions{PSS: true, NoAttributes: true}
	}
	return m
}

func TestWhatSignWritesVerifies(t *testing.T) {
	for _, s := range signers() {
		for form, opts := range forms(s) {
			t.Run(s.name+" "+form, func(t *testing.T) {
				for _, content := range [][]byte{[]byte(vectorV1), {}, bytes.Repeat([]byte("0123456789"), 7000)} {
					checkRoundTrip(t, s, opts, content)
				}
			})
		}
	}
}

func checkRoundTrip(t *testing.T, s signer, opts SignOptions, content []byte) {
	t.Helper()
	der, err := Sign(content, s.cert, s.key, opts)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := toDER(der); err != nil || !bytes.Equal(same, der) {
		t.Errorf("what Sign writes must be DER: %v", err)
	}
	msg, err := ParseSignedData(der)
	if err != nil {
		t.Fatal(err)
	}
	if (msg.Content != nil) != opts.Attached {
		t.Errorf("content is %d bytes, attached: %v", len(msg.Content), opts.Attached)
	}
	got, err := msg.Verify(content)
	if err != nil {
		t.Fatal(err)
	}
	if sig := got[0]; !sig.Certificate.Equal(s.cert) || !sig.SigningTime.Equal(opts.Time) || sig.Attributes == opts.NoAttributes {
		t.Errorf("got %+v", sig)
	}
	if _, err := msg.Verify(append([]byte("x"), content...)); !errors.Is(err, ErrOtherContent) && !errors.Is(err, ErrBadSignature) {
		t.Errorf("another content: %v", err)
	}
	if opts.Attached {
		if _, err := msg.Verify(nil); err != nil {
			t.Errorf("attached content: %v", err)
		}
	}
}

func TestSignRefusesAForeignCertificate(t *testing.T) {
	a, b := signerNamed("CryptoPro-A"), signerNamed("RSA")
	if _, err := Sign(nil, a.cert, b.key, SignOptions{}); err == nil {
		t.Error("the certificate is of another key")
	}
}

func TestAChangedMessageDoesNotVerify(t *testing.T) {
	s := signerNamed("CryptoPro-A")
	write := func(opts SignOptions) []byte {
		der, err := Sign([]byte("text"), s.cert, s.key, opts)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	full, bare := write(SignOptions{Time: time.Unix(1.7e9, 0)}), write(SignOptions{NoAttributes: true})
	oid := func(arcs ...int) func(*SignedData) { return func(m *SignedData) { m.signers[0].digest.oid = arcs } }
	for _, tt := range []struct {
		name   string
		der    []byte
		change func(*SignedData)
		text   string // in the error
	}{
		{"the digest is declared to be SHA-256", bare, oid(2, 16, 840, 1, 101, 3, 4, 2, 1), "does not go with the key"},
		{"the digest is declared to be Streebog-512", bare, oid(oidDigest512...), "does not go with the key"},
		{"the digest is declared to be SHA-1", full, oid(1, 3, 14, 3, 2, 26), "digest 1.3.14.3.2.26: unsupported"},
		{"the digest is declared to be GOST of 1994", full, oid(oidOldDigest...), "1994"},
		{"the signature is declared to be RSA", full, func(m *SignedData) { m.signers[0].alg.oid = oidRSA }, "unsupported"},
		{"the key is declared to be of 512 bits", full, func(m *SignedData) { m.signers[0].alg.oid = oidKey512 }, "unsupported"},
		{"the attributes are gone", full, func(m *SignedData) { m.signers[0].attributes = nil }, "does not belong"},
		{"the content type is another", bare, func(m *SignedData) { m.contentType = oidSignedData }, "needs signed attributes"},
		{"the content type differs from the signed one", full, func(m *SignedData) { m.contentType = oidSignedData }, "content type"},
		{"the certificate is not there", full, func(m *SignedData) { m.Certificates = nil }, "not at hand"},
		{"the serial number is another", full, func(m *SignedData) { m.signers[0].serial.SetInt64(5) }, "not at hand"},
		{"it names no one", full, func(m *SignedData) { m.signers[0].serial = nil }, "not at hand"},
		{"the time is another", replaced(t, full, "170d3233", "170d3234"), nil, "does not belong"},
		{"the attribute messageDigest is gone", replaced(t, full, "06092a864886f70d010904", "06092a864886f70d010914"), nil, "messageDigest is missing"},
		{"an attribute stands twice", replaced(t, full, "06092a864886f70d010905", "06092a864886f70d010903"), nil, "malformed signed attributes"},
		{"it is enveloped data", replaced(t, full, "06092a864886f70d010702", "06092a864886f70d010703"), nil, "CMS content"},
	} {
		msg, err := ParseSignedData(tt.der)
		if err == nil {
			if tt.change != nil {
				tt.change(msg)
			}
			_, err = msg.Verify([]byte("text"))
		}
		if err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: got %v, want %q in it", tt.name, err, tt.text)
		}
	}
}

// replaced puts bytes in the place of others, all in hexadecimal and of the same length.
func replaced(t *testing.T, der []byte, from, to string) []byte {
	t.Helper()
	out := bytes.ReplaceAll(der, unhex(t, from), unhex(t, to))
	if bytes.Equal(out, der) {
		t.Fatalf("%s is not in the message", from)
	}
	return out
}

func TestTheCertificatesOfTheCallerComeFirst(t *testing.T) {
	s := signerNamed("CryptoPro-A")
	der, err := Sign([]byte("text"), s.cert, s.key, SignOptions{})
	if err != nil {
		t.Fatal(err)
	}
	msg, err := ParseSignedData(der)
	if err != nil {
		t.Fatal(err)
	}
	_, other := selfSigned(t, "CryptoPro-A")
	namesake := &Certificate{X509: s.cert.X509, Key: other.Key} // the same issuer and serial number, another key
	if _, err := msg.Verify([]byte("text"), namesake); !errors.Is(err, ErrBadSignature) {
		t.Errorf("with a namesake: %v", err)
	}
	msg.Certificates = nil
	if got, err := msg.Verify([]byte("text"), other, s.cert); err != nil || !got[0].Certificate.Equal(s.cert) {
		t.Errorf("without a certificate in the message: %v", err)
	}
}

func TestAnRSAKeyMustBeOfASaneSize(t *testing.T) {
	for _, bits := range []uint{1024, 16384} {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		key := &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537}
		err := checkSignature(key, algorithmID{oid: oidRSA}, digestAlgorithms[2], make([]byte, 32), make([]byte, bits/8))
		if !errors.Is(err, ErrUnsupported) {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
}

func FuzzParseSignedData(f *testing.F) {
	f.Add(vectorFile(f, "attributes.p7s.b64"), []byte(vectorV1))
	f.Add(vectorFile(f, "noattributes.p7s.b64"), []byte(vectorV1))
	for _, s := range signers() {
		for _, opts := range forms(s) {
			der, err := Sign([]byte("text"), s.cert, s.key, opts)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(der, []byte("text"))
		}
	}
	f.Fuzz(func(t *testing.T, der, content []byte) {
		s, err := ParseSignedData(der)
		if err != nil {
			return
		}
		if got, err := s.Verify(content); err == nil && (len(got) == 0 || got[0].Certificate == nil) {
			t.Error("verified without a signer")
		}
	})
}

func BenchmarkVerifySignedData(b *testing.B) {
	for _, name := range []string{"CryptoPro-A", "P-256", "RSA"} {
		s := signerNamed(name)
		for what, opts := range map[string]SignOptions{"attributes": {}, "no attributes": {NoAttributes: true}} {
			der, err := Sign([]byte(vectorV1), s.cert, s.key, opts)
			if err != nil {
				b.Fatal(err)
			}
			b.Run(fmt.Sprintf("%s/%s", name, what), func(b *testing.B) {
				for b.Loop() {
					msg, err := ParseSignedData(der)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := msg.Verify([]byte(vectorV1), s.cert); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
