package gost

import (
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/big"
	"slices"
	"sync"
)

// PublicKey is a valid point of a curve, other than infinity and of order q. It may be used by many goroutines. The first
// verification makes a small table, so a key that is used again should be kept.
type PublicKey struct {
	curve *Curve
	q     affine
	odd   func() []affine
}

// keyWindow is the width of the digits for multiples of a public key.
const keyWindow = 6

// NewPublicKey reads a key as certificates carry it: X then Y, each of the size of the curve with the lowest byte first (RFC 9215, 4.3).
// It refuses what is not a point of the subgroup of order q.
func NewPublicKey(c *Curve, raw []byte) (*PublicKey, error) {
	g := c.group()
	if len(raw) != 2*g.size {
		return nil, fmt.Errorf("public key of %s has %d bytes, not %d", c.name, len(raw), 2*g.size)
	}
	var a affine
	for i, z := range []*nat{&a.x, &a.y} {
		*z = natFromBytes(Reversed(raw[i*g.size : (i+1)*g.size]))
		if new(nat).sub(z, &g.p.m) == 0 {
			return nil, errors.New("public key has a coordinate out of range")
		}
		g.p.enter(z, z)
	}
	if !g.onCurve(&a) {
		return nil, fmt.Errorf("public key is not a point of the curve %s", c.name)
	}
	if g.cofactor && !g.hasOrderQ(&a) {
		return nil, fmt.Errorf("public key is outside the group of the curve %s", c.name)
	}
	return newPublicKey(c, a), nil
}

func newPublicKey(c *Curve, a affine) *PublicKey {
	k := &PublicKey{curve: c, q: a}
	k.odd = sync.OnceValue(func() []affine { return c.group().oddMultiples(&k.q, keyWindow) })
	return k
}

// hasOrderQ reports whether q·a is infinity.
func (g *group) hasOrderQ(a *affine) bool {
	var r jacobian
	for i := g.q.big.BitLen() - 1; i >= 0; i-- {
		g.double(&r)
		if g.q.big.Bit(i) == 1 {
			g.addAffine(&r, a)
		}
	}
	return r.z.isZero() == 1
}

// Curve is the parameter set of the key.
func (k *PublicKey) Curve() *Curve { return k.curve }

// Bytes is the form that NewPublicKey reads.
func (k *PublicKey) Bytes() []byte {
	g := k.curve.group()
	var out []byte
	for _, z := range []nat{k.q.x, k.q.y} {
		g.p.leave(&z, &z)
		out = append(out, Reversed(z.bytes(g.size))...)
	}
	return out
}

// Equal reports whether x is the same point of the same curve. Parameter sets that name one curve (CryptoPro-A and XchA) make no difference.
func (k *PublicKey) Equal(x crypto.PublicKey) bool {
	o, ok := x.(*PublicKey)
	return ok && k.curve.group() == o.curve.group() && k.q.x.equal(&o.q.x) && k.q.y.equal(&o.q.y)
}

// Verify reports whether sig is a signature of the digest (GOST R 34.10-2012, RFC 7091, 6.2). The digest is Streebog's of the size of
// the curve, in the order in which it is computed; sig is s and r, highest byte first (RFC 9215, 3). Anything else is false.
// Its time depends on the input, which is public.
func (k *PublicKey) Verify(digest, sig []byte) bool {
	g := k.curve.group()
	if len(digest) != g.size || len(sig) != 2*g.size {
		return false
	}
	s, r := natFromBytes(sig[:g.size]), natFromBytes(sig[g.size:])
	if !g.q.inRange(&r) || !g.q.inRange(&s) {
		return false
	}
	e := g.hashToScalar(digest)
	v := natFromBig(new(big.Int).ModInverse(new(big.Int).SetBytes(e.bytes(g.size)), g.q.big))
	var z1, z2 nat
	g.q.mulPlain(&z1, &s, &v)
	g.q.mulPlain(&z2, &r, &v)
	g.q.sub(&z2, &nat{}, &z2)
	c := g.mulAdd(&z1, &z2, k.odd(), keyWindow)
	return g.hasX(&c, &r)
}

// hashToScalar is step 2 of RFC 7091, 6.1: the first byte of the digest is the lowest, and 1 stands for zero.
func (g *group) hashToScalar(digest []byte) nat {
	e := natFromBytes(Reversed(digest))
	g.q.reduce(&e, &e)
	e.selectFrom(&nat{1}, uint64(e.isZero()), g.q.n)
	return e
}

// PrivateKey is a number 0 < d < q with its public key. It is a crypto.Signer; printing it shows the curve only.
type PrivateKey struct {
	pub *PublicKey
	d   nat
}

// GenerateKey makes a key from crypto/rand.
func GenerateKey(c *Curve) *PrivateKey {
	return newPrivateKey(c, randomScalar(c.group().q))
}

// NewPrivateKey reads a key as PKCS#8 carries it: of the size of the curve, lowest byte first.
func NewPrivateKey(c *Curve, raw []byte) (*PrivateKey, error) {
	if len(raw) != c.Size() {
		return nil, fmt.Errorf("private key of %s has %d bytes, not %d", c.name, len(raw), c.Size())
	}
	d := natFromBytes(Reversed(raw))
	if !c.group().q.inRange(&d) {
		return nil, errors.New("private key is out of range")
	}
	return newPrivateKey(c, d), nil
}

func newPrivateKey(c *Curve, d nat) *PrivateKey {
	g := c.group()
	p := g.mulBase(&d)
	return &PrivateKey{pub: newPublicKey(c, g.toAffine(&p)), d: d}
}

// randomScalar draws a number 0 < k < m from crypto/rand, every one alike. Refused draws say nothing of the one taken.
func randomScalar(m *modulus) nat {
	buf := make([]byte, 8*m.n)
	for {
		rand.Read(buf) // never fails: the program stops instead
		k := natFromBytes(buf)
		top := m.big.BitLen() - 1
		k[top/64] &= ^uint64(0) >> (63 - top%64)
		if m.inRange(&k) {
			return k
		}
	}
}

// PublicKey is the public half.
func (k *PrivateKey) PublicKey() *PublicKey { return k.pub }

// Public implements crypto.Signer; the result is a *PublicKey.
func (k *PrivateKey) Public() crypto.PublicKey { return k.pub }

// Bytes is the form that NewPrivateKey reads. It is secret.
func (k *PrivateKey) Bytes() []byte { return Reversed(k.d.bytes(k.pub.curve.Size())) }

// Equal reports whether x is the same private key.
func (k *PrivateKey) Equal(x crypto.PrivateKey) bool {
	o, ok := x.(*PrivateKey)
	return ok && k.pub.Equal(o.pub)
}

// String hides the key.
func (k *PrivateKey) String() string { return "gost.PrivateKey(" + k.pub.curve.name + ")" }

// GoString hides the key.
func (k *PrivateKey) GoString() string { return k.String() }

// Sign implements crypto.Signer (GOST R 34.10-2012, RFC 7091, 6.1): it signs a Streebog digest of the size of the curve and returns
// s and r, highest byte first. The nonce comes from crypto/rand whatever the first argument is; the last one is not used.
func (k *PrivateKey) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	g := k.pub.curve.group()
	if len(digest) != g.size {
		return nil, fmt.Errorf("digest has %d bytes, %s signs %d", len(digest), k.pub.curve.name, g.size)
	}
	e := g.hashToScalar(digest)
	for {
		if sig := k.signWith(randomScalar(g.q), &e); sig != nil {
			return sig, nil
		}
	}
}

// signWith is steps 4 to 7 of RFC 7091, 6.1 with the nonce given; nil means that another nonce is needed.
func (k *PrivateKey) signWith(nonce nat, e *nat) []byte {
	g := k.pub.curve.group()
	c := g.mulBase(&nonce)
	a := g.toAffine(&c)
	var r, s, t nat
	g.p.leave(&r, &a.x)
	g.q.reduce(&r, &r)
	g.q.mulPlain(&s, &r, &k.d)
	g.q.mulPlain(&t, &nonce, e)
	g.q.add(&s, &s, &t)
	if r.isZero()|s.isZero() == 1 {
		return nil
	}
	return append(s.bytes(g.size), r.bytes(g.size)...)
}

// NewHash returns Streebog of the size that keys of this curve sign.
func (c *Curve) NewHash() hash.Hash {
	if c.Size() == Size512 {
		return New512()
	}
	return New256()
}

// Digest is Streebog of the message, of the size that keys of this curve sign.
func (c *Curve) Digest(message []byte) []byte {
	h := c.NewHash()
	h.Write(message)
	return h.Sum(nil)
}

// SignMessage signs the Streebog digest of the message: what a client sends as client_secret in v2 and v3 of ESIA's protocol, and
// the signature of a JWT over "header.payload".
func SignMessage(key *PrivateKey, message []byte) []byte {
	sig, _ := key.Sign(nil, key.pub.curve.Digest(message), nil) // a digest of the right size is always signed
	return sig
}

// VerifyMessage reports whether sig is what SignMessage gives for the message.
func VerifyMessage(key *PublicKey, message, sig []byte) bool {
	return key.Verify(key.curve.Digest(message), sig)
}

// Names of the algorithms in the header of a JWT of ESIA.
const (
	AlgGOST256 = "GOST3410_2012_256"
	AlgGOST512 = "GOST3410_2012_512"
)

// Alg is the name in a JWT header of signatures made by keys of this curve.
func (c *Curve) Alg() string {
	if c.Size() == Size512 {
		return AlgGOST512
	}
	return AlgGOST256
}

// VerifyJWT reports whether sig signs the ASCII text "header.payload" by the algorithm that the header names. A key of another
// size than the name says is refused, so that a header cannot choose how a key is used.
func VerifyJWT(key *PublicKey, alg string, signingInput, sig []byte) bool {
	return alg == key.curve.Alg() && VerifyMessage(key, signingInput, sig)
}

// Reversed returns the bytes in the opposite order: what csptest of CryptoPro prints is the signature reversed.
func Reversed(b []byte) []byte {
	r := slices.Clone(b)
	slices.Reverse(r)
	return r
}

// SwapHalves turns s and r into r and s, and back.
func SwapHalves(sig []byte) []byte {
	n := len(sig) / 2
	return slices.Concat(sig[n:], sig[:n])
}
