package gost

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"testing/cryptotest"
)

var _ crypto.Signer = (*PrivateKey)(nil)

func decode64(t testing.TB, s string) []byte {
	t.Helper()
	s = strings.NewReplacer("\n", "", "-", "+", "_", "/", "=", "").Replace(s)
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hexNum reads a number whose leading zeros the RFC leaves out.
func hexNum(t testing.TB, s string) nat {
	t.Helper()
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		t.Fatalf("bad number %q", s)
	}
	return natFromBig(n)
}

func TestSignatureGivesThePublishedValues(t *testing.T) {
	for _, tt := range []struct{ name, curve, d, e, k, x, y, r, s string }{
		{"RFC 7091 7.1", "test-256",
			"7A929ADE789BB9BE10ED359DD39A72C11B60961F49397EEE1D19CE9891EC3B28",
			"2DFBC1B372D89A1188C09C52E0EEC61FCE52032AB1022E8E67ECE6672B043EE5",
			"77105C9B20BCD3122823C8CF6FCC7B956DE33814E95B7FE64FED924594DCEAB3",
			"7F2B49E270DB6D90D8595BEC458B50C58585BA1D4E9B788F6689DBD8E56FD80B",
			"26F1B489D6701DD185C8413A977B3CBBAF64D1C593D26627DFFB101A87FF77DA",
			"41AA28D2F1AB148280CD9ED56FEDA41974053554A42767B83AD043FD39DC0493",
			"01456C64BA4642A1653C235A98A60249BCD6D3F746B631DF928014F6C5BF9C40"},
		{"RFC 7091 7.2", "tc26-512-test",
			"BA6048AADAE241BA40936D47756D7C93091A0E8514669700EE7508E508B102072E8123B2200A0563322DAD2827E2714A2636B7BFD18AADFC62967821FA18DD4",
			"3754F3CFACC9E0615C4F4A7C4D8DAB531B09B6F9C170C533A71D147035B0C5917184EE536593F4414339976C647C5D5A407ADEDB1D560C4FC6777D2972075B8C",
			"359E7F4B1410FEACC570456C6801496946312120B39D019D455986E364F365886748ED7A44B3E794434006011842286212273A6D14CF70EA3AF71BB1AE679F1",
			"115DC5BC96760C7B48598D8AB9E740D4C4A85A65BE33C1815B5C320C854621DD5A515856D13314AF69BC5B924C8B4DDFF75C45415C1D9DD9DD33612CD530EFE1",
			"37C7C90CD40B0F5621DC3AC1B751CFA0E2634FA0503B3D52639F5D7FB72AFD61EA199441D943FFE7F0C70A2759A3CDB84C114E1F9339FDF27F35ECA93677BEEC",
			"2F86FA60A081091A23DD795E1E3C689EE512A3C82EE0DCC2643C78EEA8FCACD35492558486B20F1C9EC197C90699850260C93BCBCD9C5C3317E19344E173AE36",
			"1081B394696FFE8E6585E7A9362D26B6325F56778AADBC081C0BFBE933D52FF5823CE288E8C4F362526080DF7F70CE406A6EEB1F56919CB92A9853BDE73E5B4A"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := CurveByName(tt.curve)
			size := c.Size()
			num := func(s string) nat { return hexNum(t, s) }
			d, e := num(tt.d), num(tt.e)
			key := newPrivateKey(c, d)
			x, y := num(tt.x), num(tt.y)
			pub, err := NewPublicKey(c, append(Reversed(x.bytes(size)), Reversed(y.bytes(size))...))
			if err != nil || !pub.Equal(key.PublicKey()) {
				t.Fatalf("public key differs: %v", err)
			}
			r, s := num(tt.r), num(tt.s)
			want := append(s.bytes(size), r.bytes(size)...)
			if got := key.signWith(num(tt.k), &e); !bytes.Equal(got, want) {
				t.Errorf("signature = %x, want %x", got, want)
			}
			if !pub.Verify(Reversed(e.bytes(size)), want) {
				t.Error("the published signature must verify")
			}
		})
	}
}

// The vectors of esia-protocol.md, appendix A.
const (
	vectorD   = "C6A843B1FB5C472E6798EF17D75D3A46EB0F7FA0095312786D1CBA08C8528003"
	vectorX   = "623CA5B1F72B8819FE0DA231A1A91D1F2ABFCBB603AAA87AF3221EB1FD2F64A5"
	vectorY   = "13DBF52ED429C122632EB526EF714E7589C245B7BEFBC5484D6D2DA44A96EC2A"
	vectorMsg = "TESTISopenid fullname2026.01.02 03:04:05 +00005f1c0f6e-1f5b-4a0e-9d57-3f2b7a1c9e10http://localhost/cb"
	vectorSig = "WSCFcmlzNN72b4pNcENx3UIo5Kb9bdookjDlQBsTDvQ91PiKIsIETx_AQ1GefgwzhaiW0KfX63yyiWWj8a8Faw"
)

func vectorKey(t testing.TB) *PrivateKey {
	t.Helper()
	key, err := NewPrivateKey(CurveByName("CryptoPro-A"), Reversed(unhex(t, vectorD)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestTheSignatureOfAppendixAVerifiesInOneOrderOnly(t *testing.T) {
	pub := vectorKey(t).PublicKey()
	if want := append(Reversed(unhex(t, vectorX)), Reversed(unhex(t, vectorY))...); !bytes.Equal(pub.Bytes(), want) {
		t.Fatalf("public key = %x, want %x", pub.Bytes(), want)
	}
	sig := decode64(t, vectorSig)
	if !VerifyMessage(pub, []byte(vectorMsg), sig) || !VerifyJWT(pub, AlgGOST256, []byte(vectorMsg), sig) {
		t.Error("the published signature must verify")
	}
	if VerifyJWT(pub, AlgGOST512, []byte(vectorMsg), sig) || VerifyJWT(pub, "none", []byte(vectorMsg), sig) {
		t.Error("the algorithm must belong to the key")
	}
	for name, bad := range map[string][]byte{
		"reversed": Reversed(sig), "r and s": SwapHalves(sig), "short": sig[:63], "long": append(sig[:64:64], 0), "empty": nil,
		"zero": make([]byte, 64), "r zero": append(sig[:32:32], make([]byte, 32)...), "all ones": bytes.Repeat([]byte{255}, 64),
	} {
		if VerifyMessage(pub, []byte(vectorMsg), bad) {
			t.Errorf("%s: must not verify", name)
		}
	}
}

func TestWhatAKeySignsItVerifiesAndNothingElse(t *testing.T) {
	for _, c := range Curves() {
		t.Run(c.Name(), func(t *testing.T) {
			for i := range 5 {
				key := GenerateKey(c)
				msg := fmt.Appendf(nil, "message %d", i)
				sig := SignMessage(key, msg)
				if !VerifyMessage(key.PublicKey(), msg, sig) {
					t.Fatal("own signature must verify")
				}
				if VerifyMessage(key.PublicKey(), append(msg, 'x'), sig) {
					t.Error("another message must not verify")
				}
				if VerifyMessage(GenerateKey(c).PublicKey(), msg, sig) {
					t.Error("another key must not verify")
				}
				for _, at := range []int{0, c.Size(), 2*c.Size() - 1} {
					bad := bytes.Clone(sig)
					bad[at] ^= 1
					if VerifyMessage(key.PublicKey(), msg, bad) {
						t.Errorf("byte %d changed: must not verify", at)
					}
				}
				again, err := NewPrivateKey(c, key.Bytes())
				if err != nil || !again.Equal(key) {
					t.Errorf("key does not survive its own bytes: %v", err)
				}
			}
		})
	}
}

func TestAZeroDigestIsSignedAsOne(t *testing.T) {
	key := vectorKey(t)
	zero, one := make([]byte, 32), make([]byte, 32)
	one[0] = 1
	sig, err := key.Sign(nil, zero, nil)
	if err != nil || !key.PublicKey().Verify(zero, sig) || !key.PublicKey().Verify(one, sig) {
		t.Errorf("RFC 7091, 6.1, step 2: zero stands for one; %v", err)
	}
	if _, err := key.Sign(nil, zero[:31], nil); err == nil {
		t.Error("a short digest must be refused")
	}
}

func TestAPublicKeyMustBeAPointOfTheGroup(t *testing.T) {
	for name, g := range groups() {
		c := CurveByName(name)
		good := GenerateKey(c).PublicKey().Bytes()
		if _, err := NewPublicKey(c, good); err != nil {
			t.Errorf("%s: a good key: %v", name, err)
		}
		off := bytes.Clone(good)
		off[0] ^= 1
		big := append(Reversed(g.p.m.bytes(g.size)), good[g.size:]...)
		for what, bad := range map[string][]byte{"off the curve": off, "coordinate p": big, "short": good[1:], "empty": nil, "zeros": make([]byte, len(good))} {
			if _, err := NewPublicKey(c, bad); err == nil {
				t.Errorf("%s: %s must be refused", name, what)
			}
		}
		if g.cofactor {
			if _, err := NewPublicKey(c, outsideGroup(t, g)); err == nil || !strings.Contains(err.Error(), "outside") {
				t.Errorf("%s: a point of another order: %v", name, err)
			}
		}
	}
}

// outsideGroup finds a point on the curve whose order is not q.
func outsideGroup(t *testing.T, g *group) []byte {
	p := g.p.big
	a, b := plain(g, g.a), plain(g, g.b)
	for x := big.NewInt(2); ; x.Add(x, big.NewInt(1)) {
		y := new(big.Int).Mul(x, x)
		y.Add(y, a).Mul(y, x).Add(y, b).Mod(y, p)
		if y.ModSqrt(y, p) == nil {
			continue
		}
		af := affine{natFromBig(x), natFromBig(y)}
		raw := append(Reversed(af.x.bytes(g.size)), Reversed(af.y.bytes(g.size))...)
		g.p.enter(&af.x, &af.x)
		g.p.enter(&af.y, &af.y)
		if !g.onCurve(&af) {
			t.Fatal("square root is wrong")
		}
		if !g.hasOrderQ(&af) {
			return raw
		}
	}
}

func TestAPrivateKeyMustBeInRange(t *testing.T) {
	c := CurveByName("tc26-256-A")
	q := c.group().q
	last := q.m
	last[0]--
	for _, tt := range []struct {
		name string
		raw  []byte
		ok   bool
	}{
		{"q-1 is the last key", Reversed(last.bytes(32)), true},
		{"q is too large", Reversed(q.m.bytes(32)), false},
		{"zero is no key", make([]byte, 32), false},
		{"31 bytes are too few", make([]byte, 31), false},
	} {
		if _, err := NewPrivateKey(c, tt.raw); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestPrintingAPrivateKeyDoesNotShowIt(t *testing.T) {
	key := vectorKey(t)
	for _, f := range []string{"%v", "%+v", "%s", "%#v"} {
		if got := fmt.Sprintf(f, key); got != "gost.PrivateKey(CryptoPro-A)" {
			t.Errorf("%s: %s", f, got)
		}
	}
}

func TestNoncesComeFromTheRandomnessOfTheProcess(t *testing.T) {
	key := vectorKey(t)
	cryptotest.SetGlobalRandom(t, 7)
	a, b := SignMessage(key, []byte("m")), SignMessage(key, []byte("m"))
	if bytes.Equal(a, b) {
		t.Error("a nonce was used twice")
	}
	cryptotest.SetGlobalRandom(t, 7)
	if c := SignMessage(key, []byte("m")); !bytes.Equal(a, c) {
		t.Error("the nonce does not come from crypto/rand")
	}
}

func BenchmarkSign(b *testing.B) {
	for _, name := range []string{"CryptoPro-A", "CryptoPro-C", "tc26-256-A", "tc26-512-A", "tc26-512-C"} {
		key := GenerateKey(CurveByName(name))
		digest := key.PublicKey().Curve().Digest([]byte("m"))
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				key.Sign(nil, digest, nil)
			}
		})
	}
	b.Run("ECDSA-P256", func(b *testing.B) {
		key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		digest := sha256.Sum256([]byte("m"))
		for b.Loop() {
			ecdsa.SignASN1(rand.Reader, key, digest[:])
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, name := range []string{"CryptoPro-A", "CryptoPro-C", "tc26-256-A", "tc26-512-A", "tc26-512-C"} {
		key := GenerateKey(CurveByName(name))
		digest := key.PublicKey().Curve().Digest([]byte("m"))
		sig, _ := key.Sign(nil, digest, nil)
		raw := key.PublicKey().Bytes()
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				key.PublicKey().Verify(digest, sig)
			}
		})
		b.Run(name+"/new key each time", func(b *testing.B) {
			for b.Loop() {
				pub, _ := NewPublicKey(key.PublicKey().Curve(), raw)
				pub.Verify(digest, sig)
			}
		})
	}
	b.Run("ECDSA-P256", func(b *testing.B) {
		key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		digest := sha256.Sum256([]byte("m"))
		sig, _ := ecdsa.SignASN1(rand.Reader, key, digest[:])
		for b.Loop() {
			ecdsa.VerifyASN1(&key.PublicKey, digest[:], sig)
		}
	})
}
