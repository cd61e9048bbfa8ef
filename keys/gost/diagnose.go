package gost

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Mistake is a way to make a signature wrongly, by which one at hand was made. Empty fields mean that this part was right.
type Mistake struct {
	Signature string // what happened to the bytes of the signature
	Digest    string // what was signed instead of the digest
}

// String is the mistake in English, for the log of an integrator.
func (m Mistake) String() string {
	switch {
	case m == Mistake{}:
		return "the signature is right"
	case m.Digest == "":
		return m.Signature
	case m.Signature == "":
		return m.Digest
	}
	return m.Signature + "; " + m.Digest
}

// signatureMistakes undo what was done to s and r; nil means that it cannot have been done. The first is no mistake.
var signatureMistakes = []struct {
	name string
	undo func(sig []byte, size int) []byte
}{
	{"", func(sig []byte, _ int) []byte { return sig }},
	{"all bytes are reversed (CryptoPro csptest prints them so)", func(sig []byte, _ int) []byte { return Reversed(sig) }},
	{"r stands before s", func(sig []byte, _ int) []byte { return SwapHalves(sig) }},
	{"s and r each have their bytes reversed", func(sig []byte, _ int) []byte { return SwapHalves(Reversed(sig)) }},
	{"r and s are wrapped in an ASN.1 SEQUENCE, as for ECDSA", unwrapSequence},
	{"the signature is hexadecimal text", func(sig []byte, _ int) []byte {
		b, _ := hex.DecodeString(strings.TrimSpace(string(sig)))
		return b
	}},
}

// digestMistakes give what was signed instead; right is the digest that should have been. The first is no mistake.
var digestMistakes = []struct {
	name string
	make func(message, right []byte) []byte
}{
	{"", func(_, right []byte) []byte { return right }},
	{"the digest is reversed", func(_, right []byte) []byte { return Reversed(right) }},
	{"the digest is of the other size", func(m, right []byte) []byte { return otherSize(m, right) }},
	{"the digest is of the other size, cut to its first half", func(m, right []byte) []byte { return firstHalf(otherSize(m, right)) }},
	{"the digest is of the other size, cut to its second half", func(m, right []byte) []byte { return secondHalf(otherSize(m, right)) }},
	{"the digest is SHA-256", func(m, _ []byte) []byte { d := sha256.Sum256(m); return d[:] }},
	{"the digest is SHA-256, reversed", func(m, _ []byte) []byte { d := sha256.Sum256(m); return Reversed(d[:]) }},
	{"the digest was hashed again", func(_, right []byte) []byte { return sameSize(right, right) }},
	{"the digest was hashed again as hexadecimal text", func(_, right []byte) []byte { return sameSize([]byte(hex.EncodeToString(right)), right) }},
	{"the digest was hashed again as upper-case hexadecimal text", func(_, right []byte) []byte {
		return sameSize([]byte(strings.ToUpper(hex.EncodeToString(right))), right)
	}},
	{"a line feed follows the text", func(m, right []byte) []byte { return sameSize(append(m[:len(m):len(m)], '\n'), right) }},
	{"carriage return and line feed follow the text", func(m, right []byte) []byte { return sameSize(append(m[:len(m):len(m)], "\r\n"...), right) }},
}

// Diagnose lists the known mistakes by which sig comes from the message and the key, the right way (a zero Mistake) first. It lists
// nothing if none is known: another text, another key, or no signature. It costs some seventy verifications and proves nothing: it
// is for explaining a refusal, never for accepting.
func Diagnose(key *PublicKey, message, sig []byte) []Mistake {
	g := key.curve.group()
	right := key.curve.Digest(message)
	var found []Mistake
	for _, s := range signatureMistakes {
		fixed := s.undo(sig, g.size)
		if len(fixed) != 2*g.size {
			continue
		}
		for _, d := range digestMistakes {
			if key.Verify(g.asDigest(d.make(message, right)), fixed) {
				found = append(found, Mistake{s.name, d.name})
			}
		}
	}
	return found
}

// asDigest brings a digest of any size to the size of the curve, keeping the number it stands for modulo q.
func (g *group) asDigest(d []byte) []byte {
	e := new(big.Int).SetBytes(Reversed(d))
	return Reversed(e.Mod(e, g.q.big).FillBytes(make([]byte, g.size)))
}

func sameSize(message, digest []byte) []byte {
	if len(digest) == Size512 {
		d := Sum512(message)
		return d[:]
	}
	d := Sum256(message)
	return d[:]
}

func otherSize(message, digest []byte) []byte {
	if len(digest) == Size256 {
		d := Sum512(message)
		return d[:]
	}
	d := Sum256(message)
	return d[:]
}

func firstHalf(b []byte) []byte  { return b[:len(b)/2] }
func secondHalf(b []byte) []byte { return b[len(b)/2:] }

// unwrapSequence reads SEQUENCE { r, s } and writes s and r.
func unwrapSequence(sig []byte, size int) []byte {
	in := cryptobyte.String(sig)
	var seq cryptobyte.String
	r, s := new(big.Int), new(big.Int)
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1Integer(r) || !seq.ReadASN1Integer(s) || !seq.Empty() ||
		r.Sign() < 0 || s.Sign() < 0 || r.BitLen() > 8*size || s.BitLen() > 8*size {
		return nil
	}
	return append(s.FillBytes(make([]byte, size)), r.FillBytes(make([]byte, size))...)
}
