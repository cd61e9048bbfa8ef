package gost

import "math/bits"

// mac returns the two words of a + x·y + c, which cannot overflow.
func mac(a, x, y, c uint64) (lo, hi uint64) {
	hi, lo = bits.Mul64(x, y)
	var carry uint64
	lo, carry = bits.Add64(lo, a, 0)
	hi += carry
	lo, carry = bits.Add64(lo, c, 0)
	return lo, hi + carry
}

// mul sets z to the product of x and y in the kept form: x·y mod m, or x·y/2^(64n) mod m in Montgomery form.
// One of the two may be any number of the width of m, the other must be below m.
func (m *modulus) mul(z, x, y *nat) {
	if m.n == 4 {
		var t [8]uint64
		product4(&t, x, y)
		if m.c != 0 {
			m.fold4(z, &t)
		} else {
			m.redc4(z, &t)
		}
		return
	}
	var t [16]uint64
	product8(&t, x, y)
	if m.c != 0 {
		m.fold8(z, &t)
	} else {
		m.redc8(z, &t)
	}
}

// sqr sets z to the square of x, as mul does.
func (m *modulus) sqr(z, x *nat) {
	if m.n == 4 {
		var t [8]uint64
		square4(&t, x)
		if m.c != 0 {
			m.fold4(z, &t)
		} else {
			m.redc4(z, &t)
		}
		return
	}
	m.mul(z, x, x)
}

func product4(t *[8]uint64, x, y *nat) {
	var c, t0, t1, t2, t3, t4, t5, t6, t7 uint64
	y0, y1, y2, y3 := y[0], y[1], y[2], y[3]
	v := x[0]
	c, t0 = bits.Mul64(v, y0)
	t1, c = mac(0, v, y1, c)
	t2, c = mac(0, v, y2, c)
	t3, t4 = mac(0, v, y3, c)
	v = x[1]
	t1, c = mac(t1, v, y0, 0)
	t2, c = mac(t2, v, y1, c)
	t3, c = mac(t3, v, y2, c)
	t4, t5 = mac(t4, v, y3, c)
	v = x[2]
	t2, c = mac(t2, v, y0, 0)
	t3, c = mac(t3, v, y1, c)
	t4, c = mac(t4, v, y2, c)
	t5, t6 = mac(t5, v, y3, c)
	v = x[3]
	t3, c = mac(t3, v, y0, 0)
	t4, c = mac(t4, v, y1, c)
	t5, c = mac(t5, v, y2, c)
	t6, t7 = mac(t6, v, y3, c)
	*t = [8]uint64{t0, t1, t2, t3, t4, t5, t6, t7}
}

func square4(t *[8]uint64, x *nat) {
	var c, t1, t2, t3, t4, t5, t6, t7 uint64
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	c, t1 = bits.Mul64(x0, x1)
	t2, c = mac(0, x0, x2, c)
	t3, t4 = mac(0, x0, x3, c)
	t3, c = mac(t3, x1, x2, 0)
	t4, t5 = mac(t4, x1, x3, c)
	t5, t6 = mac(t5, x2, x3, 0)
	t7 = t6 >> 63
	t6 = t6<<1 | t5>>63
	t5 = t5<<1 | t4>>63
	t4 = t4<<1 | t3>>63
	t3 = t3<<1 | t2>>63
	t2 = t2<<1 | t1>>63
	t1 <<= 1
	h0, l0 := bits.Mul64(x0, x0)
	h1, l1 := bits.Mul64(x1, x1)
	h2, l2 := bits.Mul64(x2, x2)
	h3, l3 := bits.Mul64(x3, x3)
	t[0] = l0
	t[1], c = bits.Add64(t1, h0, 0)
	t[2], c = bits.Add64(t2, l1, c)
	t[3], c = bits.Add64(t3, h1, c)
	t[4], c = bits.Add64(t4, l2, c)
	t[5], c = bits.Add64(t5, h2, c)
	t[6], c = bits.Add64(t6, l3, c)
	t[7], _ = bits.Add64(t7, h3, c)
}

// fold4 reduces t modulo 2^256-c: the upper half counts c times.
func (m *modulus) fold4(z *nat, t *[8]uint64) {
	c := m.c
	r0, k := mac(t[0], t[4], c, 0)
	r1, k := mac(t[1], t[5], c, k)
	r2, k := mac(t[2], t[6], c, k)
	r3, top := mac(t[3], t[7], c, k)
	r0, k = bits.Add64(r0, top*c, 0) // top is at most c, and c has at most 32 bits
	r1, k = bits.Add64(r1, 0, k)
	r2, k = bits.Add64(r2, 0, k)
	r3, k = bits.Add64(r3, 0, k)
	r0 += k * c // after an overflow the rest is below top·c: no carry
	m.finish4(z, r0, r1, r2, r3, 0)
}

// redc4 is Montgomery's reduction of t, which must be below m·2^256.
func (m *modulus) redc4(z *nat, t *[8]uint64) {
	var k, c, c4, c5, c6, c7 uint64
	t0, t1, t2, t3 := t[0], t[1], t[2], t[3]
	m0, m1, m2, m3 := m.m[0], m.m[1], m.m[2], m.m[3]
	k = t0 * m.inv
	_, c = mac(t0, k, m0, 0)
	t1, c = mac(t1, k, m1, c)
	t2, c = mac(t2, k, m2, c)
	t3, c4 = mac(t3, k, m3, c)
	k = t1 * m.inv
	_, c = mac(t1, k, m0, 0)
	t2, c = mac(t2, k, m1, c)
	t3, c = mac(t3, k, m2, c)
	c4, c5 = mac(c4, k, m3, c)
	k = t2 * m.inv
	_, c = mac(t2, k, m0, 0)
	t3, c = mac(t3, k, m1, c)
	c4, c = mac(c4, k, m2, c)
	c5, c6 = mac(c5, k, m3, c)
	k = t3 * m.inv
	_, c = mac(t3, k, m0, 0)
	c4, c = mac(c4, k, m1, c)
	c5, c = mac(c5, k, m2, c)
	c6, c7 = mac(c6, k, m3, c)
	c4, c = bits.Add64(t[4], c4, 0)
	c5, c = bits.Add64(t[5], c5, c)
	c6, c = bits.Add64(t[6], c6, c)
	c7, c = bits.Add64(t[7], c7, c)
	m.finish4(z, c4, c5, c6, c7, c)
}

// addMul8 adds k·x to the eight words at t and returns the carry out of them.
func addMul8(t *[8]uint64, x *nat, k uint64) (c uint64) {
	t[0], c = mac(t[0], k, x[0], 0)
	t[1], c = mac(t[1], k, x[1], c)
	t[2], c = mac(t[2], k, x[2], c)
	t[3], c = mac(t[3], k, x[3], c)
	t[4], c = mac(t[4], k, x[4], c)
	t[5], c = mac(t[5], k, x[5], c)
	t[6], c = mac(t[6], k, x[6], c)
	t[7], c = mac(t[7], k, x[7], c)
	return c
}

func product8(t *[16]uint64, x, y *nat) {
	for i, k := range x {
		t[i+8] = addMul8((*[8]uint64)(t[i:i+8]), y, k)
	}
}

// fold8 reduces t modulo 2^512-c, as fold4.
func (m *modulus) fold8(z *nat, t *[16]uint64) {
	r := nat(t[:8])
	top := addMul8((*[8]uint64)(&r), (*nat)(t[8:]), m.c)
	var k uint64
	r[0], k = bits.Add64(r[0], top*m.c, 0)
	for i := 1; i < 8; i++ {
		r[i], k = bits.Add64(r[i], 0, k)
	}
	r[0] += k * m.c
	m.finish(z, &r, 0)
}

// redc8 is Montgomery's reduction of t, which must be below m·2^512.
func (m *modulus) redc8(z *nat, t *[16]uint64) {
	var carry uint64
	for i := range 8 {
		c := addMul8((*[8]uint64)(t[i:i+8]), &m.m, t[i]*m.inv)
		t[i+8], carry = bits.Add64(t[i+8], c, carry)
	}
	m.finish(z, (*nat)(t[8:]), carry)
}
