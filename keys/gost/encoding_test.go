package gost

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

const vectorPKCS8 = "MEYCAQAwHwYIKoUDBwEBAQEwEwYHKoUDAgIjAQYIKoUDBwEBAgIEIAOAUsgIuhxteBJTCaB/D+tGOl3XF++YZy5HXPuxQ6jG"

// vectorFile reads a value of esia-protocol.md, appendix A, from testdata: base64 of any kind.
func vectorFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return decode64(t, string(b))
}

func vectorCert(t testing.TB) *Certificate {
	t.Helper()
	c, err := ParseCertificate(vectorFile(t, "testis.cer.b64"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheKeyAndCertificateOfAppendixAAreRead(t *testing.T) {
	der := decode64(t, vectorPKCS8)
	key, err := ParsePrivateKey(der)
	if err != nil || !key.Equal(vectorKey(t)) {
		t.Fatalf("private key: %v", err)
	}
	if got := MarshalPrivateKey(key); !bytes.Equal(got, der) {
		t.Errorf("PKCS#8 = %x, want %x", got, der)
	}
	cert := vectorCert(t)
	if !key.PublicKey().Equal(cert.Key) {
		t.Error("the certificate must hold the key")
	}
	if got := MarshalPublicKey(key.PublicKey()); !bytes.Equal(got, cert.X509.RawSubjectPublicKeyInfo) {
		t.Errorf("SPKI = %x, want %x", got, cert.X509.RawSubjectPublicKeyInfo)
	}
	if err := cert.CheckSignatureFrom(cert); err != nil {
		t.Errorf("self-signature: %v", err)
	}
	if got := cert.Hash(); got != "24C72D5403C993F5734E0F56283C993BA65787809CC629A9028E361C2022485A" {
		t.Errorf("hash = %s", got)
	}
}

func TestPrivateKeysAreReadInEveryForm(t *testing.T) {
	key := vectorKey(t)
	plainKey, curve := key.Bytes(), key.pub.curve
	q := curve.group().q.big
	// A mask is a random number; the masked key is the key times its inverse.
	mask := GenerateKey(curve).Bytes()
	inv := new(big.Int).ModInverse(new(big.Int).SetBytes(Reversed(mask)), q)
	masked := inv.Mul(inv, new(big.Int).SetBytes(Reversed(plainKey))).Mod(inv, q)
	wrap := func(inside []byte) []byte {
		var alg struct{ Raw asn1.RawValue }
		rest := decode64(t, vectorPKCS8)[5:]
		if _, err := asn1.Unmarshal(rest, &alg.Raw); err != nil {
			t.Fatal(err)
		}
		der, err := asn1.Marshal(struct {
			Version int
			Alg     asn1.RawValue
			Key     []byte
		}{0, alg.Raw, inside})
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	for _, tt := range []struct {
		name   string
		inside []byte
		ok     bool
	}{
		{"plain bytes", plainKey, true},
		{"an octet string", append([]byte{4, 32}, plainKey...), true},
		{"an integer", append([]byte{2, 33, 0}, Reversed(plainKey)...), true},
		{"masked once", append(Reversed(masked.FillBytes(make([]byte, 32))), mask...), true},
		{"nothing", nil, false},
		{"33 bytes", append(plainKey, 0), false},
		{"a short octet string", append([]byte{4, 31}, plainKey[1:]...), false},
		{"a negative integer", append([]byte{2, 33, 0xff}, plainKey...), false},
		{"masked with zero", make([]byte, 64), false},
	} {
		got, err := ParsePrivateKey(wrap(tt.inside))
		if (err == nil) != tt.ok || tt.ok && !got.Equal(key) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	o := newOpenSSL(t)
	o.write("masked.der", wrap(append(Reversed(masked.FillBytes(make([]byte, 32))), mask...)))
	if got := o.run("pkey", "-inform", "DER", "-in", "masked.der", "-outform", "DER"); !bytes.Equal(got, decode64(t, vectorPKCS8)) {
		t.Errorf("OpenSSL reads the masked key as %x", got)
	}
}

func TestKeysOfOtherAlgorithmsAreRefusedByName(t *testing.T) {
	good := MarshalPublicKey(vectorKey(t).PublicKey())
	swap := func(from, to string) []byte {
		return bytes.Replace(good, unhex(t, from), unhex(t, to), 1)
	}
	for _, tt := range []struct {
		name, text string
		der        []byte
	}{
		{"an unknown curve", "curve 1.2.643.2.2.35.9", swap("06072a850302022301", "06072a850302022309")},
		{"the other size", "does not go with", swap("2a85030701010101", "2a85030701010102")},
		{"no key algorithm of ours", "unsupported", swap("2a85030701010101", "2a85030701010105")},
		{"bytes after the end", "malformed", append(bytes.Clone(good), 0)},
		{"unused bits", "malformed", swap("03430004", "03430104")},
		{"nothing", "malformed", nil},
	} {
		if _, err := ParsePublicKey(tt.der); err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: got %v, want %q in it", tt.name, err, tt.text)
		}
	}
	if err := unsupported("key", oidOldKey); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "2001") {
		t.Errorf("old key: %v", err)
	}
}

// paramsets are the names the engine knows the curves by.
var paramsets = map[string]string{
	"CryptoPro-A": "A", "CryptoPro-B": "B", "CryptoPro-C": "C", "CryptoPro-XchA": "XA", "CryptoPro-XchB": "XB",
	"tc26-256-A": "TCA", "tc26-256-B": "TCB", "tc26-256-C": "TCC", "tc26-256-D": "TCD",
	"tc26-512-A": "A", "tc26-512-B": "B", "tc26-512-C": "C",
}

func TestKeysAndSignaturesGoBothWaysWithOpenSSL(t *testing.T) {
	o := newOpenSSL(t)
	for _, c := range Curves() {
		set, ok := paramsets[c.Name()]
		if !ok {
			continue // the engine has the test curves for itself only
		}
		alg := fmt.Sprintf("gost2012_%d", 8*c.Size())
		o.run("genpkey", "-algorithm", alg, "-pkeyopt", "paramset:"+set, "-outform", "DER", "-out", "theirs.der")
		theirs, err := ParsePrivateKey(o.read("theirs.der"))
		if err != nil || theirs.pub.curve != c {
			t.Fatalf("%s: their key: %v", c.Name(), err)
		}
		if got := MarshalPrivateKey(theirs); !bytes.Equal(got, o.read("theirs.der")) {
			t.Errorf("%s: PKCS#8 = %x, want %x", c.Name(), got, o.read("theirs.der"))
		}
		spki := o.run("pkey", "-inform", "DER", "-in", "theirs.der", "-pubout", "-outform", "DER")
		if got := MarshalPublicKey(theirs.pub); !bytes.Equal(got, spki) {
			t.Errorf("%s: SPKI = %x, want %x", c.Name(), got, spki)
		}
		if pub, err := ParsePublicKey(spki); err != nil || !pub.Equal(theirs.pub) {
			t.Errorf("%s: their public key: %v", c.Name(), err)
		}
		exchange(t, o, GenerateKey(c), 1+*rounds/20)
	}
}

// exchange signs random messages with the key here and there, and verifies them there and here.
func exchange(t *testing.T, o *openssl, key *PrivateKey, n int) {
	t.Helper()
	md := fmt.Sprintf("-md_gost12_%d", 8*key.pub.curve.Size())
	o.write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: MarshalPrivateKey(key)}))
	o.write("pub.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: MarshalPublicKey(key.pub)}))
	for range n {
		msg := make([]byte, rand.IntN(300))
		for i := range msg {
			msg[i] = byte(rand.Uint32())
		}
		o.write("msg", msg)
		o.write("sig", SignMessage(key, msg))
		o.run("dgst", md, "-verify", "pub.pem", "-signature", "sig", "msg")
		if sig := o.run("dgst", md, "-sign", "key.pem", "msg"); !VerifyMessage(key.pub, msg, sig) {
			t.Errorf("%s: key %x: their signature %x of %x does not verify", key.pub.curve.name, key.Bytes(), sig, msg)
		}
	}
}

func TestRandomSignaturesGoBothWaysWithOpenSSL(t *testing.T) {
	o := newOpenSSL(t)
	for range (*rounds + 9) / 10 { // ten messages for each key
		exchange(t, o, GenerateKey(CurveByName("CryptoPro-XchA")), 10)
	}
}

func TestStreebogAgreesWithOpenSSL(t *testing.T) {
	o := newOpenSSL(t)
	for range *rounds {
		msg := make([]byte, rand.IntN(1000))
		for i := range msg {
			msg[i] = byte(rand.Uint32())
		}
		o.write("msg", msg)
		got := o.run("dgst", "-md_gost12_256", "-r", "msg")
		if want := Sum256(msg); !bytes.HasPrefix(got, []byte(hex.EncodeToString(want[:]))) {
			t.Errorf("%x: OpenSSL %s, here %x", msg, got, want)
		}
		got = o.run("dgst", "-md_gost12_512", "-r", "msg")
		if want := Sum512(msg); !bytes.HasPrefix(got, []byte(hex.EncodeToString(want[:]))) {
			t.Errorf("%x: OpenSSL %s, here %x", msg, got, want)
		}
	}
}

// selfSigned makes a certificate of a new key.
func selfSigned(t testing.TB, curve string) (*PrivateKey, *Certificate) {
	t.Helper()
	key := GenerateKey(CurveByName(curve))
	der, err := SelfSigned(key, pkix.Name{CommonName: "ИС «Проба»", Organization: []string{"Ведомство"}},
		time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2056, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

func TestSelfSignedCertificatesAreAccepted(t *testing.T) {
	for _, curve := range []string{"CryptoPro-A", "CryptoPro-XchA", "tc26-256-A", "tc26-512-A", "tc26-512-C"} {
		t.Run(curve, func(t *testing.T) {
			key, cert := selfSigned(t, curve)
			if !key.pub.Equal(cert.Key) || cert.X509.Subject.CommonName != "ИС «Проба»" || cert.X509.NotAfter.Year() != 2056 {
				t.Errorf("got %v until %v", cert.X509.Subject, cert.X509.NotAfter)
			}
			if err := cert.CheckSignatureFrom(cert); err != nil {
				t.Error(err)
			}
			_, other := selfSigned(t, curve)
			if err := cert.CheckSignatureFrom(other); err == nil || cert.Equal(other) || !cert.Equal(cert) {
				t.Error("another certificate must not pass for the parent")
			}
			o := newOpenSSL(t)
			o.write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.X509.Raw}))
			o.run("verify", "-check_ss_sig", "-partial_chain", "-CAfile", "cert.pem", "cert.pem")
		})
	}
}

func TestCertificatesOfOpenSSLAreVerified(t *testing.T) {
	o := newOpenSSL(t)
	for _, curve := range []string{"CryptoPro-A", "tc26-256-A", "tc26-512-A", "tc26-512-C"} {
		size := CurveByName(curve).Size()
		alg := fmt.Sprintf("gost2012_%d", 8*size)
		o.run("req", "-x509", "-newkey", alg, "-pkeyopt", "paramset:"+paramsets[curve], "-nodes", "-keyout", "key.pem",
			"-utf8", "-subj", "/CN=ИС/O=Ведомство/INN=007700000000/OGRN=1027700000000/SNILS=00000000000", "-outform", "DER", "-out", "cert.der")
		cert, err := ParseCertificate(o.read("cert.der"))
		if err != nil {
			t.Fatal(err)
		}
		if err := cert.CheckSignatureFrom(cert); err != nil {
			t.Errorf("%s: %v", curve, err)
		}
		if got := cert.X509.Subject.String(); !strings.Contains(got, "ИС") || len(cert.X509.Subject.Names) != 5 {
			t.Errorf("%s: subject = %s", curve, got) // INN, OGRN and SNILS are NumericString
		}
	}
}

func TestCertificatesWithOrdinaryKeysAreVerifiedToo(t *testing.T) {
	o := newOpenSSL(t)
	for _, alg := range []string{"rsa:2048", "ec"} {
		args := []string{"req", "-x509", "-newkey", alg, "-nodes", "-keyout", "key.pem", "-subj", "/CN=T", "-outform", "DER", "-out", "cert.der"}
		if alg == "ec" {
			args = append(args, "-pkeyopt", "ec_paramgen_curve:P-256")
		}
		o.run(args...)
		cert, err := ParseCertificate(o.read("cert.der"))
		if err != nil {
			t.Fatal(err)
		}
		if err := cert.CheckSignatureFrom(cert); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

func FuzzParsePublicKey(f *testing.F) {
	for _, c := range Curves() {
		f.Add(MarshalPublicKey(GenerateKey(c).PublicKey()))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		key, err := ParsePublicKey(der)
		if err != nil {
			return
		}
		again, err := ParsePublicKey(MarshalPublicKey(key))
		if err != nil || !again.Equal(key) {
			t.Errorf("key does not survive writing: %v", err)
		}
		key.Verify(make([]byte, key.Curve().Size()), make([]byte, 2*key.Curve().Size()))
	})
}

func FuzzParsePrivateKey(f *testing.F) {
	for _, c := range Curves() {
		f.Add(MarshalPrivateKey(GenerateKey(c)))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		key, err := ParsePrivateKey(der)
		if err != nil {
			return
		}
		again, err := ParsePrivateKey(MarshalPrivateKey(key))
		if err != nil || !again.Equal(key) {
			t.Errorf("key does not survive writing: %v", err)
		}
	})
}

func FuzzParseCertificate(f *testing.F) {
	f.Add(vectorFile(f, "testis.cer.b64"))
	for _, curve := range []string{"CryptoPro-XchA", "tc26-512-A"} {
		_, cert := selfSigned(f, curve)
		f.Add(cert.X509.Raw)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if cert, err := ParseCertificate(der); err == nil {
			cert.CheckSignatureFrom(cert) // must not panic
			cert.Hash()
		}
	})
}
