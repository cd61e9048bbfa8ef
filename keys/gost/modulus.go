package gost

import (
	"crypto/subtle"
	"encoding/binary"
	"math/big"
	"math/bits"
)

// nat is a number of fixed width, lowest limb first. A modulus says how many limbs are in use; the others are zero.
type nat [8]uint64

// modulus computes with numbers below m in time that does not depend on them. Residues are kept in Montgomery form, x·2^(64n)
// mod m, unless m is 2^(64n)-c with a small c (the field of CryptoPro-A, XchA, tc26-256-A, tc26-512-A and C): there the plain
// number is kept and what overflows is folded back. Only enter and leave know the difference.
type modulus struct {
	n       int // limbs in use: 4 or 8
	m       nat
	mMinus2 nat
	one, rr nat    // 1 in the kept form; 2^(128n) mod m
	inv     uint64 // -1/m mod 2^64
	c       uint64 // 2^(64n) - m if it is small, else 0
	big     *big.Int
}

// newModulus prepares the odd number m of at most 512 bits.
func newModulus(m *big.Int) *modulus {
	r := &modulus{n: 4, big: m}
	if m.BitLen() > 256 {
		r.n = 8
	}
	r.m = natFromBig(m)
	r.mMinus2 = natFromBig(new(big.Int).Sub(m, big.NewInt(2)))
	r.inv = 1
	for range 6 { // Newton: the number of right bits doubles, from 1 to 64
		r.inv *= 2 - r.m[0]*r.inv
	}
	r.inv = -r.inv
	width := new(big.Int).Lsh(big.NewInt(1), uint(64*r.n))
	if c := new(big.Int).Sub(width, m); c.BitLen() <= 32 {
		r.c = c.Uint64()
		r.one = nat{1}
		return r
	}
	r.one = natFromBig(new(big.Int).Mod(width, m))
	r.rr = natFromBig(new(big.Int).Mod(new(big.Int).Mul(width, width), m))
	return r
}

// natFromBig is for public numbers only.
func natFromBig(x *big.Int) nat {
	var b [64]byte
	return natFromBytes(x.FillBytes(b[:]))
}

// natFromBytes reads big-endian bytes, at most 64.
func natFromBytes(b []byte) (z nat) {
	var wide [64]byte
	copy(wide[64-len(b):], b)
	for i := range z {
		z[i] = binary.BigEndian.Uint64(wide[56-8*i:])
	}
	return z
}

// bytes writes x as size big-endian bytes.
func (x *nat) bytes(size int) []byte {
	var wide [64]byte
	for i := range x {
		binary.BigEndian.PutUint64(wide[56-8*i:], x[i])
	}
	return append([]byte(nil), wide[64-size:]...)
}

// isZero reports 1 or 0.
func (x *nat) isZero() int {
	var or uint64
	for _, w := range x {
		or |= w
	}
	return int(1 ^ (or|-or)>>63)
}

func (x *nat) equal(y *nat) bool {
	var or uint64
	for i := range x {
		or |= x[i] ^ y[i]
	}
	return or == 0
}

// sub sets x to a-b and returns the borrow.
func (x *nat) sub(a, b *nat) uint64 {
	var borrow uint64
	for i := range x {
		x[i], borrow = bits.Sub64(a[i], b[i], borrow)
	}
	return borrow
}

// add sets x to a+b and returns the carry.
func (x *nat) add(a, b *nat) uint64 {
	var carry uint64
	for i := range x {
		x[i], carry = bits.Add64(a[i], b[i], carry)
	}
	return carry
}

// selectFrom keeps x if take is 0 and sets its first n limbs to those of y if take is 1.
func (x *nat) selectFrom(y *nat, take uint64, n int) {
	mask := -take
	for i := range x[:n] {
		x[i] ^= mask & (x[i] ^ y[i])
	}
}

// inRange reports whether 0 < x < m, telling nothing else about x.
func (m *modulus) inRange(x *nat) bool {
	var t nat
	below := t.sub(x, &m.m)
	return subtle.ConstantTimeSelect(x.isZero(), 0, int(below)) == 1
}

// enter brings any number of the width of m into the kept form, reduced.
func (m *modulus) enter(z, x *nat) {
	if m.c != 0 {
		t := *x
		m.finish(z, &t, 0)
		return
	}
	m.mul(z, x, &m.rr)
}

// leave brings a residue from the kept form to the plain number below m.
func (m *modulus) leave(z, x *nat) {
	if m.c != 0 {
		*z = *x
		return
	}
	m.mul(z, x, &nat{1})
}

// reduce sets z to x mod m, both plain.
func (m *modulus) reduce(z, x *nat) {
	m.enter(z, x)
	m.leave(z, z)
}

// mulPlain sets z to x·y mod m, all plain.
func (m *modulus) mulPlain(z, x, y *nat) {
	var t nat
	m.enter(&t, x)
	if m.c != 0 {
		m.enter(z, y)
		m.mul(z, z, &t)
		return
	}
	m.mul(z, &t, y)
}

// finish sets z to t + carry·2^(64n) if that is below m, else to it less m; t must be below 2m.
func (m *modulus) finish(z, t *nat, carry uint64) {
	if m.n == 4 {
		m.finish4(z, t[0], t[1], t[2], t[3], carry)
		return
	}
	var d nat
	borrow := d.sub(t, &m.m)
	_, borrow = bits.Sub64(carry, 0, borrow)
	d.selectFrom(t, borrow, 8)
	*z = d
}

// finish4 is finish for four limbs.
func (m *modulus) finish4(z *nat, t0, t1, t2, t3, carry uint64) {
	d0, borrow := bits.Sub64(t0, m.m[0], 0)
	d1, borrow := bits.Sub64(t1, m.m[1], borrow)
	d2, borrow := bits.Sub64(t2, m.m[2], borrow)
	d3, borrow := bits.Sub64(t3, m.m[3], borrow)
	_, borrow = bits.Sub64(carry, 0, borrow)
	mask := -borrow // all ones: keep t
	z[0] = d0 ^ mask&(d0^t0)
	z[1] = d1 ^ mask&(d1^t1)
	z[2] = d2 ^ mask&(d2^t2)
	z[3] = d3 ^ mask&(d3^t3)
}

// add sets z to x+y mod m.
func (m *modulus) add(z, x, y *nat) {
	if m.n == 4 {
		t0, carry := bits.Add64(x[0], y[0], 0)
		t1, carry := bits.Add64(x[1], y[1], carry)
		t2, carry := bits.Add64(x[2], y[2], carry)
		t3, carry := bits.Add64(x[3], y[3], carry)
		m.finish4(z, t0, t1, t2, t3, carry)
		return
	}
	var t nat
	carry := t.add(x, y)
	m.finish(z, &t, carry)
}

// sub sets z to x-y mod m.
func (m *modulus) sub(z, x, y *nat) {
	if m.n == 4 {
		t0, borrow := bits.Sub64(x[0], y[0], 0)
		t1, borrow := bits.Sub64(x[1], y[1], borrow)
		t2, borrow := bits.Sub64(x[2], y[2], borrow)
		t3, borrow := bits.Sub64(x[3], y[3], borrow)
		mask := -borrow
		var carry uint64
		z[0], carry = bits.Add64(t0, mask&m.m[0], 0)
		z[1], carry = bits.Add64(t1, mask&m.m[1], carry)
		z[2], carry = bits.Add64(t2, mask&m.m[2], carry)
		z[3], _ = bits.Add64(t3, mask&m.m[3], carry)
		return
	}
	mask := -z.sub(x, y)
	var carry uint64
	for i := range z {
		z[i], carry = bits.Add64(z[i], mask&m.m[i], carry)
	}
}

// invert sets z to 1/x mod m in the kept form, by Fermat: m must be prime. Zero gives zero.
func (m *modulus) invert(z, x *nat) {
	var table [16]nat
	table[0] = m.one
	for i := 1; i < 16; i++ {
		m.mul(&table[i], &table[i-1], x)
	}
	acc := m.one
	for i := 16*m.n - 1; i >= 0; i-- {
		for range 4 {
			m.sqr(&acc, &acc)
		}
		m.mul(&acc, &acc, &table[m.mMinus2[i/16]>>(i%16*4)&15]) // the exponent is public
	}
	*z = acc
}
