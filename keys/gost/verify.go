package gost

// What is in this file takes time that depends on its input: it sees signatures and public keys only.

// jacobian is a point (X/Z², Y/Z³); infinity has Z = 0.
type jacobian struct{ x, y, z nat }

// double sets r to 2r. Explicit-Formulas Database, shortw/jacobian-3, dbl-2001-b, and for other a the same with its alpha.
func (g *group) double(r *jacobian) {
	p := g.p
	var delta, gamma, beta, alpha, t, u nat
	p.sqr(&delta, &r.z)
	p.sqr(&gamma, &r.y)
	p.mul(&beta, &r.x, &gamma)
	if g.aIsM3 {
		p.sub(&t, &r.x, &delta)
		p.add(&u, &r.x, &delta)
		p.mul(&t, &t, &u)
	} else {
		p.sqr(&t, &r.x)
	}
	p.add(&alpha, &t, &t)
	p.add(&alpha, &alpha, &t)
	if !g.aIsM3 {
		p.sqr(&t, &delta)
		p.mul(&t, &t, &g.a)
		p.add(&alpha, &alpha, &t)
	}
	p.add(&t, &r.y, &r.z)
	p.sqr(&t, &t)
	p.sub(&t, &t, &gamma)
	p.sub(&r.z, &t, &delta)
	p.add(&beta, &beta, &beta)
	p.add(&beta, &beta, &beta) // 4·X·Y²
	p.sqr(&t, &alpha)
	p.sub(&t, &t, &beta)
	p.sub(&r.x, &t, &beta)
	p.sub(&t, &beta, &r.x)
	p.mul(&t, &t, &alpha)
	p.add(&gamma, &gamma, &gamma)
	p.sqr(&gamma, &gamma)
	p.add(&gamma, &gamma, &gamma) // 8·Y⁴
	p.sub(&r.y, &t, &gamma)
}

// addAffine sets r to r+a. Explicit-Formulas Database, shortw/jacobian, madd-2007-bl, with the exceptions it leaves out.
func (g *group) addAffine(r *jacobian, a *affine) {
	p := g.p
	if r.z.isZero() == 1 {
		*r = jacobian{a.x, a.y, p.one}
		return
	}
	var zz, h, hh, s, i, j, v, t nat
	p.sqr(&zz, &r.z)
	p.mul(&h, &a.x, &zz)
	p.sub(&h, &h, &r.x)
	p.mul(&s, &a.y, &r.z)
	p.mul(&s, &s, &zz)
	p.sub(&s, &s, &r.y)
	if h.isZero() == 1 {
		if s.isZero() == 1 {
			g.double(r)
		} else {
			*r = jacobian{}
		}
		return
	}
	p.add(&s, &s, &s)
	p.sqr(&hh, &h)
	p.add(&i, &hh, &hh)
	p.add(&i, &i, &i)
	p.mul(&j, &h, &i)
	p.mul(&v, &r.x, &i)
	p.add(&t, &r.z, &h)
	p.sqr(&t, &t)
	p.sub(&t, &t, &zz)
	p.sub(&r.z, &t, &hh)
	p.sqr(&t, &s)
	p.sub(&t, &t, &j)
	p.sub(&t, &t, &v)
	p.sub(&r.x, &t, &v)
	p.sub(&t, &v, &r.x)
	p.mul(&t, &t, &s)
	p.mul(&j, &j, &r.y)
	p.add(&j, &j, &j)
	p.sub(&r.y, &t, &j)
}

// oddMultiples returns 1a, 3a, 5a and so on, as many as digits of width w need. The point must have odd order, so that none is infinity.
func (g *group) oddMultiples(a *affine, w int) []affine {
	points := make([]point, 1<<(w-2))
	points[0] = g.fromAffine(a)
	var twice point
	g.add(&twice, &points[0], &points[0])
	for i := 1; i < len(points); i++ {
		g.add(&points[i], &points[i-1], &twice)
	}
	return g.toAffineAll(points)
}

// naf writes k as digits that are zero or odd and below 2^(w-1) in size, lowest first, at most one of any w neighbours not zero.
// Returned is the number of digits.
func (k *nat) naf(w int, digits *[520]int8) int {
	length := 0
	carry := 0
	for i := 0; i <= 512; {
		if k.bits(i, 1) == carry {
			i++
			continue
		}
		d := k.bits(i, w) + carry
		carry = d >> (w - 1)
		digits[i] = int8(d - carry<<w)
		length = i + 1
		i += w
	}
	return length
}

// bits returns the w bits of k that begin at bit i.
func (k *nat) bits(i, w int) int {
	if i >= 512 {
		return 0
	}
	v := k[i/64] >> (i % 64)
	if i%64+w > 64 && i/64 < 7 {
		v |= k[i/64+1] << (64 - i%64)
	}
	return int(v & (1<<w - 1))
}

// mulAdd returns u·G + v·Q, where odd holds the odd multiples of Q for digits of width w.
func (g *group) mulAdd(u, v *nat, odd []affine, w int) jacobian {
	var du, dv [520]int8
	n := max(u.naf(7, &du), v.naf(w, &dv))
	base := g.odd()
	var r jacobian
	for i := n - 1; i >= 0; i-- {
		if r.z.isZero() == 0 {
			g.double(&r)
		}
		g.addDigit(&r, base, du[i])
		g.addDigit(&r, odd, dv[i])
	}
	return r
}

// addDigit adds the multiple d of the point that odd belongs to.
func (g *group) addDigit(r *jacobian, odd []affine, d int8) {
	switch {
	case d > 0:
		g.addAffine(r, &odd[d/2])
	case d < 0:
		a := odd[-d/2]
		g.p.sub(&a.y, &nat{}, &a.y)
		g.addAffine(r, &a)
	}
}

// hasX reports whether the x of r, reduced modulo q, is the plain number want < q.
func (g *group) hasX(r *jacobian, want *nat) bool {
	if r.z.isZero() == 1 {
		return false
	}
	var zz, t, below nat // apart: what a subtraction leaves in limbs above the width must not meet a residue
	g.p.sqr(&zz, &r.z)
	for x := *want; below.sub(&x, &g.p.m) == 1; { // while x < p
		g.p.enter(&t, &x)
		g.p.mul(&t, &t, &zz)
		if t.equal(&r.x) {
			return true
		}
		if x.add(&x, &g.q.m) != 0 {
			return false
		}
	}
	return false
}
