package gost

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

func (x *nat) big() *big.Int { return new(big.Int).SetBytes(x.bytes(64)) }

// groups lists every curve once.
func groups() map[string]*group {
	m := make(map[string]*group)
	seen := make(map[*group]bool)
	for _, c := range curves {
		if g := c.group(); !seen[g] {
			seen[g] = true
			m[c.name] = g
		}
	}
	return m
}

// samples returns numbers of the width of m: the edges, those that make carries run, and random ones.
func samples(m *modulus, n int) []nat {
	rnd := rand.New(rand.NewPCG(3, 4))
	full := nat{}
	for i := range m.n {
		full[i] = ^uint64(0)
	}
	below := m.m
	below[0]--
	above := m.m
	above[0]++ // no carry: m is odd and never all ones here
	out := []nat{{}, {1}, {2}, m.m, below, above, full, m.one, m.rr, {^uint64(0)}}
	for range n {
		var x nat
		for i := range m.n {
			x[i] = rnd.Uint64() >> (rnd.IntN(3) * 32)
			if rnd.IntN(4) == 0 {
				x[i] = -(x[i] & 1)
			}
		}
		out = append(out, x)
	}
	return out
}

func TestModularArithmeticAgreesWithMathBig(t *testing.T) {
	for name, g := range groups() {
		for _, m := range []*modulus{g.p, g.q} {
			list := samples(m, 20)
			for _, x := range list {
				var z nat
				m.reduce(&z, &x)
				if want := new(big.Int).Mod(x.big(), m.big); z.big().Cmp(want) != 0 {
					t.Fatalf("%s: %x mod m = %x, want %x", name, x.big(), z.big(), want)
				}
				checkInverse(t, name, m, z)
				for _, y := range list {
					checkPair(t, name, m, x, y)
				}
			}
		}
	}
}

func checkInverse(t *testing.T, name string, m *modulus, x nat) {
	t.Helper()
	var z nat
	m.enter(&z, &x)
	m.invert(&z, &z)
	m.leave(&z, &z)
	want := new(big.Int)
	if x.isZero() == 0 {
		want.ModInverse(x.big(), m.big)
	}
	if z.big().Cmp(want) != 0 {
		t.Fatalf("%s: 1/%x = %x, want %x", name, x.big(), z.big(), want)
	}
}

// checkPair takes numbers that need not be reduced.
func checkPair(t *testing.T, name string, m *modulus, x, y nat) {
	t.Helper()
	var kx, ky nat
	m.enter(&kx, &x)
	m.enter(&ky, &y)
	ops := []struct {
		name string
		do   func(z *nat)
		want func(z *big.Int) *big.Int
	}{
		{"+", func(z *nat) { m.add(z, &kx, &ky) }, func(z *big.Int) *big.Int { return z.Add(x.big(), y.big()) }},
		{"-", func(z *nat) { m.sub(z, &kx, &ky) }, func(z *big.Int) *big.Int { return z.Sub(x.big(), y.big()) }},
		{"*", func(z *nat) { m.mul(z, &kx, &ky) }, func(z *big.Int) *big.Int { return z.Mul(x.big(), y.big()) }},
		{"²", func(z *nat) { m.sqr(z, &kx) }, func(z *big.Int) *big.Int { return z.Mul(x.big(), x.big()) }},
		{"* in place", func(z *nat) { *z = kx; m.mul(z, z, &ky) }, func(z *big.Int) *big.Int { return z.Mul(x.big(), y.big()) }},
		{"- in place", func(z *nat) { *z = ky; m.sub(z, &kx, z) }, func(z *big.Int) *big.Int { return z.Sub(x.big(), y.big()) }},
		{"plain *", func(z *nat) { m.mulPlain(z, &x, &y); m.enter(z, z) }, func(z *big.Int) *big.Int { return z.Mul(x.big(), y.big()) }},
	}
	for _, op := range ops {
		var z nat
		op.do(&z)
		if z.big().Cmp(m.big) >= 0 {
			t.Fatalf("%s: %x %s %x is not reduced", name, x.big(), op.name, y.big())
		}
		m.leave(&z, &z)
		want := op.want(new(big.Int))
		if want.Mod(want, m.big); z.big().Cmp(want) != 0 {
			t.Fatalf("%s: %x %s %x = %x, want %x", name, x.big(), op.name, y.big(), z.big(), want)
		}
	}
}

func TestEveryCurveIsWhatItMustBe(t *testing.T) {
	for name, g := range groups() {
		t.Run(name, func(t *testing.T) {
			if !g.p.big.ProbablyPrime(20) || !g.q.big.ProbablyPrime(20) {
				t.Fatal("p and q must be prime")
			}
			if !g.onCurve(&g.g) {
				t.Fatal("the generator must lie on the curve")
			}
			if p := slowMul(g, g.q.big, &g.g); p.z.isZero() != 1 {
				t.Fatal("the order of the generator must be q")
			}
			// Hasse: the number of points is within 2√p of p+1, and a multiple of q.
			lo := new(big.Int).Sqrt(g.p.big)
			lo.Lsh(lo.Add(lo, big.NewInt(1)), 1)
			hi := new(big.Int).Add(g.p.big, lo)
			lo.Sub(g.p.big, lo)
			h := new(big.Int).Div(hi, g.q.big)
			if n := new(big.Int).Mul(h, g.q.big); n.Cmp(lo) < 0 || (h.Int64() != 1) != g.cofactor {
				t.Fatalf("cofactor %v, cofactor flag %v", h, g.cofactor)
			}
			if !g.cofactor && h.Int64() != 1 {
				t.Fatal("complete addition needs points of odd order")
			}
		})
	}
}

// slowMul is double and add with the complete addition.
func slowMul(g *group, k *big.Int, a *affine) point {
	acc, base := g.infinity(), g.fromAffine(a)
	for i := k.BitLen() - 1; i >= 0; i-- {
		g.add(&acc, &acc, &acc)
		if k.Bit(i) == 1 {
			g.add(&acc, &acc, &base)
		}
	}
	return acc
}

// bigAdd adds affine points by the schoolbook rule; nil is infinity.
func bigAdd(g *group, a, b *[2]*big.Int) *[2]*big.Int {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	p := g.p.big
	l := new(big.Int)
	if a[0].Cmp(b[0]) == 0 {
		if sum := new(big.Int).Add(a[1], b[1]); sum.Mod(sum, p).Sign() == 0 {
			return nil
		}
		l.Mul(a[0], a[0]).Mul(l, big.NewInt(3)).Add(l, plain(g, g.a))
		l.Mul(l, new(big.Int).ModInverse(new(big.Int).Lsh(a[1], 1), p))
	} else {
		d := new(big.Int).Sub(b[0], a[0])
		l.Sub(b[1], a[1]).Mul(l, d.ModInverse(d.Mod(d, p), p))
	}
	x := new(big.Int).Mul(l, l)
	x.Sub(x, a[0]).Sub(x, b[0]).Mod(x, p)
	y := new(big.Int).Sub(a[0], x)
	y.Mul(y, l).Sub(y, a[1]).Mod(y, p)
	return &[2]*big.Int{x, y}
}

func plain(g *group, x nat) *big.Int {
	g.p.leave(&x, &x)
	return x.big()
}

func toBig(g *group, a point) *[2]*big.Int {
	if a.z.isZero() == 1 {
		return nil
	}
	r := g.toAffine(&a)
	return &[2]*big.Int{plain(g, r.x), plain(g, r.y)}
}

func samePoint(a, b *[2]*big.Int) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a[0].Cmp(b[0]) == 0 && a[1].Cmp(b[1]) == 0
}

func TestPointArithmeticAgreesWithTheSchoolbook(t *testing.T) {
	for name, g := range groups() {
		t.Run(name, func(t *testing.T) {
			// Multiples -8..8 of G: sums of all pairs meet doubling, infinity and opposites.
			var want [17]*[2]*big.Int
			base := toBig(g, g.fromAffine(&g.g))
			minus := &[2]*big.Int{base[0], new(big.Int).Sub(g.p.big, base[1])}
			for i := 1; i <= 8; i++ {
				want[8+i] = bigAdd(g, want[7+i], base)
				want[8-i] = bigAdd(g, want[9-i], minus)
			}
			var pts [17]point
			for i := range pts {
				k := new(big.Int).Add(g.q.big, big.NewInt(int64(i-8)))
				n := natFromBig(k.Mod(k, g.q.big))
				pts[i] = g.mulBase(&n)
				if !samePoint(toBig(g, pts[i]), want[i]) {
					t.Fatalf("%d·G from the table is wrong", i-8)
				}
			}
			for i := range pts {
				for j := range pts {
					sum := bigAdd(g, want[i], want[j])
					var got point
					g.add(&got, &pts[i], &pts[j])
					if !samePoint(toBig(g, got), sum) {
						t.Errorf("%d·G + %d·G is wrong", i-8, j-8)
					}
					checkMixedAdd(t, g, &pts[i], &pts[j], sum)
				}
			}
		})
	}
}

func checkMixedAdd(t *testing.T, g *group, a, b *point, want *[2]*big.Int) {
	t.Helper()
	if b.z.isZero() == 1 {
		return
	}
	r := jacobian{}
	if a.z.isZero() == 0 { // scale, so that Z is not 1
		af, z := g.toAffine(a), g.b
		if z.isZero() == 1 {
			z = g.p.one
		}
		var zz nat
		g.p.sqr(&zz, &z)
		r.z = z
		g.p.mul(&r.x, &af.x, &zz)
		g.p.mul(&zz, &zz, &z)
		g.p.mul(&r.y, &af.y, &zz)
	}
	bf := g.toAffine(b)
	g.addAffine(&r, &bf)
	if got := jacobianToBig(g, r); !samePoint(got, want) {
		t.Errorf("mixed addition: got %v, want %v", got, want)
	}
}

func jacobianToBig(g *group, r jacobian) *[2]*big.Int {
	if r.z.isZero() == 1 {
		return nil
	}
	p := point{r.x, r.y, nat{}}
	g.p.mul(&p.x, &r.x, &r.z) // (X/Z², Y/Z³) = (XZ/Z³, Y/Z³)
	g.p.sqr(&p.z, &r.z)
	g.p.mul(&p.z, &p.z, &r.z)
	return toBig(g, p)
}

func TestScalarMultiplicationAgreesWithDoubleAndAdd(t *testing.T) {
	for name, g := range groups() {
		t.Run(name, func(t *testing.T) {
			seven := toAffineOf(g, big.NewInt(7))
			odd := g.oddMultiples(&seven, 6)
			list := samples(g.q, 6)
			for i, u := range list {
				for _, v := range []nat{list[(i+1)%len(list)], list[(i*5+3)%len(list)], {}, {1}} {
					g.q.reduce(&u, &u)
					g.q.reduce(&v, &v)
					k := new(big.Int).Mul(v.big(), big.NewInt(7))
					k.Add(k, u.big()).Mod(k, g.q.big)
					want := toBig(g, slowMul(g, k, &g.g))
					if got := jacobianToBig(g, g.mulAdd(&u, &v, odd, 6)); !samePoint(got, want) {
						t.Fatalf("%x·G + %x·7G is wrong", u.big(), v.big())
					}
				}
				want := toBig(g, slowMul(g, u.big(), &g.g))
				if got := toBig(g, g.mulBase(&u)); !samePoint(got, want) {
					t.Fatalf("%x·G is wrong", u.big())
				}
			}
		})
	}
}

func toAffineOf(g *group, k *big.Int) affine {
	p := slowMul(g, k, &g.g)
	return g.toAffine(&p)
}

func BenchmarkFieldMultiplication(b *testing.B) {
	for _, name := range []string{"CryptoPro-A", "CryptoPro-C", "tc26-512-A", "tc26-512-B"} {
		g := CurveByName(name).group()
		b.Run(name, func(b *testing.B) {
			x, y := g.g.x, g.g.y
			for b.Loop() {
				g.p.mul(&x, &x, &y)
			}
		})
	}
}
