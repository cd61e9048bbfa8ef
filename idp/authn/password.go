package authn

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Passwords are kept as argon2id in the PHC string format,
//
//	$argon2id$v=19$m=19456,t=2,p=1$<salt, 16 bytes>$<hash, 32 bytes>
//
// with the parameters of the OWASP Password Storage Cheat Sheet; base64 without padding. A password is hashed as it was
// typed but for Unicode's NFC, so that two keyboards that compose letters differently give one password.

// hashParams are the costs of argon2id: passes, memory in KiB, lanes.
type hashParams struct {
	time, memory uint32
	lanes        uint8
}

// current are the parameters of new hashes. Changing them makes every password be hashed anew at its next sign-in.
var current = hashParams{time: 2, memory: 19 * 1024, lanes: 1}

const (
	saltLen = 16
	hashLen = 32
)

// Bounds of what is accepted from a stored hash, so that a damaged row cannot take the memory of the process.
var maxParams = hashParams{time: 10, memory: 256 * 1024, lanes: 16}

// storedHash is a PHC string taken apart.
type storedHash struct {
	params     hashParams
	salt, hash []byte
}

var errHash = errors.New("stored password hash is not an argon2id PHC string")

// decoy is what a password is compared with if there is no account: as costly as a real one, equal to no password.
var decoy = storedHash{params: current, salt: make([]byte, saltLen), hash: nil}

func newHash(password string) string {
	salt := make([]byte, saltLen)
	rand.Read(salt) // never fails (crypto/rand)
	s := storedHash{params: current, salt: salt}
	s.hash = s.derive(password, hashLen)
	return s.String()
}

func (s storedHash) derive(password string, n uint32) []byte {
	return argon2.IDKey(norm.NFC.Bytes([]byte(password)), s.salt, s.params.time, s.params.memory, s.params.lanes, n)
}

// matches takes the same time for right and wrong passwords, and for the decoy.
func (s storedHash) matches(password string) bool {
	got := s.derive(password, uint32(max(len(s.hash), hashLen)))
	return subtle.ConstantTimeCompare(got, s.hash) == 1
}

// outdated says whether the password should be hashed anew while it is at hand.
func (s storedHash) outdated() bool {
	return s.params != current || len(s.salt) < saltLen || len(s.hash) < hashLen
}

func (s storedHash) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		s.params.memory, s.params.time, s.params.lanes, enc.EncodeToString(s.salt), enc.EncodeToString(s.hash))
}

// parseHash reads a PHC string. Only argon2id, version 19, with costs and lengths in bounds.
func parseHash(phc string) (storedHash, error) {
	part := strings.Split(phc, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != "v="+strconv.Itoa(argon2.Version) {
		return storedHash{}, errHash
	}
	var s storedHash
	var err error
	if s.params, err = parseParams(part[3]); err != nil {
		return storedHash{}, err
	}
	enc := base64.RawStdEncoding.Strict()
	if s.salt, err = enc.DecodeString(part[4]); err != nil || len(s.salt) < 8 || len(s.salt) > 64 {
		return storedHash{}, errHash
	}
	if s.hash, err = enc.DecodeString(part[5]); err != nil || len(s.hash) < 16 || len(s.hash) > 64 {
		return storedHash{}, errHash
	}
	return s, nil
}

func parseParams(text string) (hashParams, error) {
	var value [3]uint64
	fields := strings.Split(text, ",")
	if len(fields) != 3 {
		return hashParams{}, errHash
	}
	limits := [3]uint64{uint64(maxParams.memory), uint64(maxParams.time), uint64(maxParams.lanes)}
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(fields[i], name)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || n < 1 || n > limits[i] {
			return hashParams{}, errHash
		}
		value[i] = n
	}
	p := hashParams{memory: uint32(value[0]), time: uint32(value[1]), lanes: uint8(value[2])}
	if p.memory < 8*uint32(p.lanes) { // RFC 9106, 3.1
		return hashParams{}, errHash
	}
	return p, nil
}
