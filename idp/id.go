package idp

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"time"
)

// OID is the number of an account: `sub` of the standard face, `urn:esia:sbj:oid` of ESIA's. It is made in Go (no
// sequence, so that a sharded database needs none) and stays below 2^53, because ESIA's tokens carry it as a JSON number.
type OID int64

const (
	oidLow  = 1_000_000_000         // the smallest: ESIA's are ten digits and more
	oidHigh = 9_007_199_254_740_991 // 2^53-1
)

// NewOID draws a random OID. The caller inserts it and draws again on the (improbable) conflict.
func NewOID() OID {
	var b [8]byte
	rand.Read(b[:])
	return OID(oidLow + binary.BigEndian.Uint64(b[:])%(oidHigh-oidLow))
}

// ParseOID reads a decimal OID.
func ParseOID(s string) (OID, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > oidHigh || strconv.FormatInt(n, 10) != s {
		return 0, Wrong("oid", "oid.shape")
	}
	return OID(n), nil
}

func (o OID) String() string { return strconv.FormatInt(int64(o), 10) }

// ID is a UUID version 7 (RFC 9562, 5.7) in its canonical text: unique, made in Go, sorting by time.
type ID string

// NewID makes an ID whose first 48 bits are now in milliseconds.
func NewID(now time.Time) ID {
	var b [16]byte
	rand.Read(b[6:])
	ms := uint64(now.UnixMilli())
	b[0], b[1], b[2], b[3], b[4], b[5] = byte(ms>>40), byte(ms>>32), byte(ms>>24), byte(ms>>16), byte(ms>>8), byte(ms)
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return idFromBytes(b)
}

// Bytes is the 16-byte form of the ID; zero for a text that is no UUID.
func (id ID) Bytes() (b [16]byte) {
	if len(id) != 36 {
		return b
	}
	packed := string(id[:8]) + string(id[9:13]) + string(id[14:18]) + string(id[19:23]) + string(id[24:])
	if n, err := hex.Decode(b[:], []byte(packed)); err != nil || n != 16 {
		return [16]byte{}
	}
	return b
}

// IDFromBytes is the inverse of Bytes; false unless there are 16 of them.
func IDFromBytes(b []byte) (ID, bool) {
	if len(b) != 16 {
		return "", false
	}
	return idFromBytes([16]byte(b)), true
}

func idFromBytes(b [16]byte) ID {
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return ID(out[:])
}

// NewSecret returns 32 random bytes in base64url: cookies, codes, link tokens.
func NewSecret() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewReference makes a reference code: 40 random bits in Crockford's base32, as E7K2-41QD. Every refusal carries one
// (DESIGN.md 7.2); it stands on the page, in the header X-Reference and in the log line.
func NewReference() string {
	var b [8]byte
	rand.Read(b[3:])
	bits := binary.BigEndian.Uint64(b[:])
	var out [9]byte
	for i, at := range [8]int{0, 1, 2, 3, 5, 6, 7, 8} {
		out[at] = crockford[bits>>(35-5*i)&31]
	}
	out[4] = '-'
	return string(out[:])
}
