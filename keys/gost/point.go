package gost

import "crypto/subtle"

// affine is a point other than infinity; coordinates are in the kept form of the field.
type affine struct{ x, y nat }

// point is a point in homogeneous coordinates, (X/Z, Y/Z); infinity is (0:1:0).
type point struct{ x, y, z nat }

func (g *group) infinity() point { return point{y: g.p.one} }

func (g *group) fromAffine(a *affine) point { return point{a.x, a.y, g.p.one} }

// onCurve reports whether y² = x³ + ax + b.
func (g *group) onCurve(a *affine) bool {
	p := g.p
	var l, r nat
	p.sqr(&l, &a.y)
	p.sqr(&r, &a.x)
	p.add(&r, &r, &g.a)
	p.mul(&r, &r, &a.x)
	p.add(&r, &r, &g.b)
	return l.equal(&r)
}

// add sets r to a+b: the addition law without exceptions for points of odd order, so the same steps serve doubling and infinity.
// Renes, Costello, Batina, "Complete addition formulas for prime order elliptic curves", 2016, algorithm 1.
func (g *group) add(r, a, b *point) {
	p := g.p
	var t0, t1, t2, t3, t4, t5, x, y, z nat
	p.mul(&t0, &a.x, &b.x)
	p.mul(&t1, &a.y, &b.y)
	p.mul(&t2, &a.z, &b.z)
	g.cross(&t3, &a.x, &a.y, &b.x, &b.y, &t0, &t1)
	g.cross(&t4, &a.x, &a.z, &b.x, &b.z, &t0, &t2)
	g.cross(&t5, &a.y, &a.z, &b.y, &b.z, &t1, &t2)
	p.mul(&z, &g.a, &t4)
	p.mul(&x, &g.b3, &t2)
	p.add(&z, &x, &z)
	p.sub(&x, &t1, &z)
	p.add(&z, &t1, &z)
	p.mul(&y, &x, &z)
	p.add(&t1, &t0, &t0)
	p.add(&t1, &t1, &t0)
	p.mul(&t2, &g.a, &t2)
	p.mul(&t4, &g.b3, &t4)
	p.add(&t1, &t1, &t2)
	p.sub(&t2, &t0, &t2)
	p.mul(&t2, &g.a, &t2)
	p.add(&t4, &t4, &t2)
	p.mul(&t0, &t1, &t4)
	p.add(&y, &y, &t0)
	p.mul(&t0, &t5, &t4)
	p.mul(&x, &t3, &x)
	p.sub(&x, &x, &t0)
	p.mul(&t0, &t3, &t1)
	p.mul(&z, &t5, &z)
	p.add(&z, &z, &t0)
	r.x, r.y, r.z = x, y, z
}

// cross sets z to u1·v2 + v1·u2, given uu = u1·u2 and vv = v1·v2.
func (g *group) cross(z, u1, v1, u2, v2, uu, vv *nat) {
	var s, t nat
	g.p.add(&s, u1, v1)
	g.p.add(&t, u2, v2)
	g.p.mul(z, &s, &t)
	g.p.sub(z, z, uu)
	g.p.sub(z, z, vv)
}

// toAffine converts a point that is not infinity, in constant time.
func (g *group) toAffine(a *point) affine {
	var i nat
	var r affine
	g.p.invert(&i, &a.z)
	g.p.mul(&r.x, &a.x, &i)
	g.p.mul(&r.y, &a.y, &i)
	return r
}

// toAffineAll converts points of which none is infinity, with one inversion.
func (g *group) toAffineAll(points []point) []affine {
	out := make([]affine, len(points))
	acc := g.p.one
	for i := range points {
		out[i].x = acc // the product of all z before this one
		g.p.mul(&acc, &acc, &points[i].z)
	}
	g.p.invert(&acc, &acc)
	for i := len(points) - 1; i >= 0; i-- {
		var inv nat
		g.p.mul(&inv, &acc, &out[i].x)
		g.p.mul(&acc, &acc, &points[i].z)
		g.p.mul(&out[i].x, &points[i].x, &inv)
		g.p.mul(&out[i].y, &points[i].y, &inv)
	}
	return out
}

// fixedTable holds, for every four bits of a scalar, the multiples 1 to 15 of the generator at that place.
type fixedTable [][15]affine

// newFixedTable takes any time it likes: the generator is public.
func newFixedTable(g *group) *fixedTable {
	places := 2 * g.size
	all := make([]point, 0, places*15)
	base := g.fromAffine(&g.g)
	for range places {
		row := base
		for range 15 {
			all = append(all, row)
			g.add(&row, &row, &base)
		}
		base = row
	}
	flat := g.toAffineAll(all)
	t := make(fixedTable, places)
	for i := range t {
		t[i] = [15]affine(flat[15*i:])
	}
	return &t
}

// mulBase returns k·G for any k of the width of q. The sequence of operations and of memory addresses does not depend on k:
// every entry of a row is read, and the complete addition has no special cases.
func (g *group) mulBase(k *nat) point {
	acc := g.infinity()
	table := *g.fixed()
	for i := range table {
		digit := int(k[i/16] >> (i % 16 * 4) & 15)
		entry := g.infinity()
		for j := range table[i] {
			take := uint64(subtle.ConstantTimeEq(int32(digit), int32(j+1)))
			entry.x.selectFrom(&table[i][j].x, take, g.p.n)
			entry.y.selectFrom(&table[i][j].y, take, g.p.n)
		}
		entry.z.selectFrom(&g.p.one, uint64(1^subtle.ConstantTimeEq(int32(digit), 0)), g.p.n)
		g.add(&acc, &acc, &entry)
	}
	return acc
}
