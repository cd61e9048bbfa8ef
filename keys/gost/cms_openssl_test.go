package gost

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"math/rand/v2"
	"testing"
)

// give writes the key and the certificate of the signer where openssl finds them.
func (o *openssl) give(s signer) {
	o.t.Helper()
	var der []byte
	if key, ok := s.key.(*PrivateKey); ok {
		der = MarshalPrivateKey(key)
	} else {
		var err error
		if der, err = x509.MarshalPKCS8PrivateKey(s.key); err != nil {
			o.t.Fatal(err)
		}
	}
	o.write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	o.write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.X509.Raw}))
}

// md is the digest openssl is told to use: its default for RSA and ECDSA would do, for GOST it has none.
func (s signer) md() string {
	if key, ok := s.key.(*PrivateKey); ok {
		if key.pub.curve.Size() == Size512 {
			return "md_gost12_512"
		}
		return "md_gost12_256"
	}
	return "sha256"
}

func TestMessagesOfOpenSSLVerify(t *testing.T) {
	o := newOpenSSL(t)
	content := []byte(vectorV1)
	o.write("msg", content)
	for _, s := range signers() {
		o.give(s)
		for _, tt := range []struct {
			name                 string
			args                 []string
			attributes, attached bool
		}{
			{"smime -sign", []string{"smime", "-binary"}, true, false},
			{"cms -sign", []string{"cms", "-binary"}, true, false},
			{"without attributes", []string{"cms", "-binary", "-noattr"}, false, false},
			{"attached", []string{"cms", "-binary", "-nodetach"}, true, true},
			{"attached, without attributes", []string{"cms", "-binary", "-nodetach", "-noattr"}, false, true},
			{"streamed, of indefinite lengths", []string{"cms", "-binary", "-nodetach", "-stream"}, true, true},
			{"with the key identifier", []string{"cms", "-binary", "-keyid"}, true, false},
			{"PSS", []string{"cms", "-binary", "-keyopt", "rsa_padding_mode:pss"}, true, false},
			{"without the certificate", []string{"cms", "-binary", "-nocerts"}, true, false},
		} {
			if tt.name == "PSS" && s.name != "RSA" {
				continue
			}
			args := append(tt.args[:1:1], "-sign", "-in", "msg", "-signer", "cert.pem", "-inkey", "key.pem", "-md", s.md(), "-outform", "DER")
			der := o.run(append(args, tt.args[1:]...)...)
			msg, err := ParseSignedData(der)
			if err != nil {
				t.Errorf("%s, %s: %v", s.name, tt.name, err)
				continue
			}
			got, err := msg.Verify(content, s.cert)
			if err != nil {
				t.Errorf("%s, %s: %v", s.name, tt.name, err)
				continue
			}
			if !got[0].Certificate.Equal(s.cert) || got[0].Attributes != tt.attributes || (msg.Content != nil) != tt.attached {
				t.Errorf("%s, %s: got %+v", s.name, tt.name, got[0])
			}
			if tt.name == "streamed, of indefinite lengths" && !bytes.HasPrefix(der, []byte{0x30, 0x80}) {
				t.Errorf("%s: OpenSSL did not write indefinite lengths", s.name)
			}
		}
	}
}

// theyVerify lets openssl check a message; content nil means that it is attached.
func (o *openssl) theyVerify(der, content []byte) ([]byte, error) {
	o.t.Helper()
	o.write("sig.der", der)
	args := []string{"cms", "-verify", "-binary", "-noverify", "-inform", "DER", "-in", "sig.der"}
	if content != nil {
		o.write("msg", content)
		args = append(args, "-content", "msg")
	}
	return o.try(args...)
}

func TestOpenSSLVerifiesOurMessages(t *testing.T) {
	o := newOpenSSL(t)
	content := []byte(vectorV1)
	for _, s := range signers() {
		for form, opts := range forms(s) {
			der, err := Sign(content, s.cert, s.key, opts)
			if err != nil {
				t.Fatal(err)
			}
			given := content
			if opts.Attached {
				given = nil
			}
			if out, err := o.theyVerify(der, given); err != nil || !bytes.Equal(out, content) {
				t.Errorf("%s, %s: %v\n%s", s.name, form, err, out)
			}
			if !opts.Attached {
				if _, err := o.theyVerify(der, []byte("another text")); err == nil {
					t.Errorf("%s, %s: another text must not verify", s.name, form)
				}
			}
		}
	}
}

func TestRandomMessagesGoBothWaysWithOpenSSL(t *testing.T) {
	o := newOpenSSL(t)
	for i := range *rounds {
		s := signers()[i%2*2] // GOST of 256 and 512 bits
		o.give(s)
		content := make([]byte, 1+rand.IntN(2000))
		for i := range content {
			content[i] = byte(rand.Uint32())
		}
		opts := SignOptions{NoAttributes: i%3 == 0}
		der, err := Sign(content, s.cert, s.key, opts)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := o.theyVerify(der, content); err != nil {
			t.Errorf("%s, content %x: %v\n%s", s.name, content, err, out)
		}
		args := []string{"cms", "-sign", "-binary", "-in", "msg", "-signer", "cert.pem", "-inkey", "key.pem", "-md", s.md(), "-outform", "DER"}
		if opts.NoAttributes {
			args = append(args, "-noattr")
		}
		der = o.run(args...)
		msg, err := ParseSignedData(der)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := msg.Verify(content); err != nil {
			t.Errorf("%s: their message %x of %x: %v", s.name, der, content, err)
		}
	}
}
