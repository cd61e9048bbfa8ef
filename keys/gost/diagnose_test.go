package gost

import (
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"
)

func TestDiagnoseNamesTheMistake(t *testing.T) {
	msg := []byte(vectorMsg)
	for _, curve := range []string{"CryptoPro-A", "tc26-512-A"} {
		key := GenerateKey(CurveByName(curve))
		digest := key.PublicKey().Curve().Digest(msg)
		size := len(digest)
		right := SignMessage(key, msg)
		sign := func(d []byte) []byte {
			s, err := key.Sign(nil, key.pub.curve.group().asDigest(d), nil)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		seq, err := asn1.Marshal([]*big.Int{new(big.Int).SetBytes(right[size:]), new(big.Int).SetBytes(right[:size])})
		if err != nil {
			t.Fatal(err)
		}
		sha := sha256.Sum256(msg)
		for _, tt := range []struct {
			name string
			sig  []byte
			want Mistake
		}{
			{"nothing is wrong", right, Mistake{}},
			{"csptest", Reversed(right), Mistake{Signature: signatureMistakes[1].name}},
			{"halves", SwapHalves(right), Mistake{Signature: signatureMistakes[2].name}},
			{"little-endian halves", SwapHalves(Reversed(right)), Mistake{Signature: signatureMistakes[3].name}},
			{"ASN.1", seq, Mistake{Signature: signatureMistakes[4].name}},
			{"hexadecimal", []byte(hex.EncodeToString(right) + "\n"), Mistake{Signature: signatureMistakes[5].name}},
			{"digest reversed", sign(Reversed(digest)), Mistake{Digest: digestMistakes[1].name}},
			{"other size", sign(otherSize(msg, digest)), Mistake{Digest: digestMistakes[2].name}},
			{"other size, first half", sign(firstHalf(otherSize(msg, digest))), Mistake{Digest: digestMistakes[3].name}},
			{"other size, second half", sign(secondHalf(otherSize(msg, digest))), Mistake{Digest: digestMistakes[4].name}},
			{"SHA-256", sign(sha[:]), Mistake{Digest: digestMistakes[5].name}},
			{"hashed twice", SignMessage(key, digest), Mistake{Digest: digestMistakes[7].name}},
			{"line feed", SignMessage(key, []byte(vectorMsg+"\n")), Mistake{Digest: digestMistakes[10].name}},
			{"two at once", Reversed(sign(Reversed(digest))), Mistake{signatureMistakes[1].name, digestMistakes[1].name}},
		} {
			got := Diagnose(key.PublicKey(), msg, tt.sig)
			if !slices.Equal(got, []Mistake{tt.want}) {
				t.Errorf("%s, %s: got %q, want %q", curve, tt.name, got, tt.want)
			}
		}
		if got := Diagnose(key.PublicKey(), msg, SignMessage(key, []byte("another text"))); got != nil {
			t.Errorf("%s: another text: got %q, want nothing", curve, got)
		}
	}
}

func FuzzDiagnose(f *testing.F) {
	key := vectorKey(f).PublicKey()
	f.Add([]byte(vectorMsg), decode64(f, vectorSig))
	f.Fuzz(func(t *testing.T, msg, sig []byte) {
		if len(sig) > 200 {
			return
		}
		right := VerifyMessage(key, msg, sig)
		if got := Diagnose(key, msg, sig); slices.Contains(got, Mistake{}) != right {
			t.Errorf("Diagnose = %q, but Verify = %v", got, right)
		}
	})
}
