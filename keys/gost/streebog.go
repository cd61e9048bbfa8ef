package gost

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

// Sizes of Streebog in bytes (RFC 6986, 6).
const (
	Size256   = 32 // digest of Streebog-256
	Size512   = 64 // digest of Streebog-512
	BlockSize = 64 // block of both
)

// streebog is the state of a computation. A 512-bit string is kept as eight words, the first one holding its lowest bits,
// which is the order of the bytes of the message (RFC 6986, 4.2: the first byte is the lowest).
type streebog struct {
	h, sigma [8]uint64
	bits     uint64 // hashed so far; the N of RFC 6986, 7, of which no message we could hold needs more
	buf      [BlockSize]byte
	n        int // bytes waiting in buf
	size     int
}

// New256 returns a hash.Hash of GOST R 34.11-2012 with 256 bits (RFC 6986).
func New256() hash.Hash { return newStreebog(Size256) }

// New512 returns a hash.Hash of GOST R 34.11-2012 with 512 bits (RFC 6986).
func New512() hash.Hash { return newStreebog(Size512) }

// Sum256 is the GOST R 34.11-2012 (256) digest of data: of a certificate in DER it is ESIA's client_certificate_hash.
func Sum256(data []byte) [Size256]byte {
	s := newStreebog(Size256)
	s.Write(data)
	out := s.sum()
	return [Size256]byte(out[Size512-Size256:])
}

// Sum512 is the GOST R 34.11-2012 (512) digest of data.
func Sum512(data []byte) [Size512]byte {
	s := newStreebog(Size512)
	s.Write(data)
	return s.sum()
}

func newStreebog(size int) *streebog {
	s := &streebog{size: size}
	s.Reset()
	return s
}

// Reset implements hash.Hash. RFC 6986, 6.1: the initial value is zero for 512 bits and bytes 0x01 for 256.
func (s *streebog) Reset() {
	*s = streebog{size: s.size}
	if s.size == Size256 {
		for i := range s.h {
			s.h[i] = 0x0101010101010101
		}
	}
}

// Size implements hash.Hash.
func (s *streebog) Size() int { return s.size }

// BlockSize implements hash.Hash.
func (s *streebog) BlockSize() int { return BlockSize }

// Write implements hash.Hash; it never fails.
func (s *streebog) Write(p []byte) (int, error) {
	written := len(p)
	if s.n > 0 {
		n := copy(s.buf[s.n:], p)
		s.n += n
		p = p[n:]
		if s.n < BlockSize {
			return written, nil
		}
		s.block(&s.buf, BlockSize*8)
		s.n = 0
	}
	for len(p) >= BlockSize {
		s.block((*[BlockSize]byte)(p), BlockSize*8)
		p = p[BlockSize:]
	}
	s.n = copy(s.buf[:], p)
	return written, nil
}

// Sum implements hash.Hash.
func (s *streebog) Sum(in []byte) []byte {
	end := *s
	out := end.sum()
	return append(in, out[Size512-s.size:]...)
}

// sum finishes the computation (RFC 6986, 7, stage 3) and returns all 512 bits: the shorter digest is their upper half.
func (s *streebog) sum() [Size512]byte {
	clear(s.buf[s.n:])
	s.buf[s.n] = 1
	s.block(&s.buf, uint64(s.n)*8)
	compress(&s.h, 0, &[8]uint64{s.bits})
	compress(&s.h, 0, &s.sigma)
	var out [Size512]byte
	for i, w := range s.h {
		binary.LittleEndian.PutUint64(out[8*i:], w)
	}
	return out
}

// block hashes one block that carries n bits of the message (RFC 6986, 7, stage 2).
func (s *streebog) block(p *[BlockSize]byte, n uint64) {
	var m [8]uint64
	for i := range m {
		m[i] = binary.LittleEndian.Uint64(p[8*i:])
	}
	compress(&s.h, s.bits, &m)
	s.bits += n
	var carry uint64
	for i := range m {
		s.sigma[i], carry = bits.Add64(s.sigma[i], m[i], carry)
	}
}

// compress is the function g_N of RFC 6986, 6.6: h becomes E(LPS(h^N), m) ^ h ^ m.
func compress(h *[8]uint64, n uint64, m *[8]uint64) {
	key, text := *h, *m
	key[0] ^= n
	lps(&key)
	for i := range streebogC {
		c := &streebogC[i]
		for j := range text {
			text[j] ^= key[j]
			key[j] ^= c[j]
		}
		lps(&text)
		lps(&key)
	}
	for j := range h {
		h[j] ^= text[j] ^ key[j] ^ m[j]
	}
}

// lps applies S, P and L of RFC 6986, 6.2 to 6.4. P makes byte j of word i byte i of word j, so a word of the result is the
// sum of one table entry for each word of the input.
func lps(s *[8]uint64) {
	a, b, c, d, e, f, g, h := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
	for i := range s {
		s[i] = lpsTable[0][byte(a)] ^ lpsTable[1][byte(b)] ^ lpsTable[2][byte(c)] ^ lpsTable[3][byte(d)] ^
			lpsTable[4][byte(e)] ^ lpsTable[5][byte(f)] ^ lpsTable[6][byte(g)] ^ lpsTable[7][byte(h)]
		a, b, c, d, e, f, g, h = a>>8, b>>8, c>>8, d>>8, e>>8, f>>8, g>>8, h>>8
	}
}

// lpsTable[i][v] is L applied to the word whose byte i is S(v) and whose other bytes are zero.
var lpsTable = func() (t [8][256]uint64) {
	for i := range t {
		for v := range t[i] {
			s := streebogPi[v]
			for bit := range 8 {
				if s>>bit&1 != 0 {
					t[i][v] ^= streebogA[63-8*i-bit]
				}
			}
		}
	}
	return t
}()
