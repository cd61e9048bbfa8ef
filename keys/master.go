package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
)

// ErrSealed is returned by [Master.Open] for a value that was not sealed under this master key, purpose and additional
// data, or was changed since. To a caller it is an internal error: wrong key file, wrong row or damage.
var ErrSealed = errors.New("sealed value does not open: other master key, other row or damage")

// sealVersion is the first byte of every sealed value and part of what is authenticated:
// version 1 = AES-256-GCM, 12-byte random nonce, ciphertext, 16-byte tag.
const sealVersion = 1

// SealOverhead is how many bytes a sealed value is longer than its plaintext.
const SealOverhead = 1 + 12 + 16

// Master is the key of which all others at rest are derived, each for one purpose (HKDF-SHA256, RFC 5869). It is
// safe for concurrent use and prints as a mask in every format.
type Master struct {
	root [32]byte

	aeads sync.Map // purpose string -> cipher.AEAD; purposes are constants of the program, so it stays small
	macs  sync.Map // purpose string -> []byte
}

// NewMaster makes a master key of 32 random bytes and returns it with its text, base64 and a newline, as
// [ParseMaster] reads it.
func NewMaster() (m *Master, text string) {
	m = new(Master)
	rand.Read(m.root[:]) // never fails (crypto/rand)
	return m, base64.StdEncoding.EncodeToString(m.root[:]) + "\n"
}

// ParseMaster reads the content of IDP_MASTER_KEY_FILE: 32 random bytes in standard base64, white space around it
// ignored. The error never repeats what was read.
func ParseMaster(text []byte) (*Master, error) {
	const hint = "master key: want 32 random bytes in base64, as `openssl rand -base64 32` writes them"
	raw, err := base64.StdEncoding.Strict().DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		return nil, errors.New(hint)
	}
	if len(raw) != 32 {
		return nil, fmt.Errorf("%s; got %d bytes", hint, len(raw))
	}
	if bytes.Count(raw, raw[:1]) == len(raw) {
		return nil, errors.New("master key: all bytes are the same, this is a placeholder and no key")
	}
	return &Master{root: [32]byte(raw)}, nil
}

// derive makes the 32-byte sub-key of a use and a purpose.
func (m *Master) derive(use, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, m.root[:], nil, "propusk/1/"+use+"/"+purpose, 32)
	if err != nil {
		panic(err) // only for lengths beyond 255 hashes
	}
	return key
}

func (m *Master) aead(purpose string) cipher.AEAD {
	if a, ok := m.aeads.Load(purpose); ok {
		return a.(cipher.AEAD)
	}
	block, err := aes.NewCipher(m.derive("seal", purpose))
	if err != nil {
		panic(err) // only for a wrong key length
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // only for a foreign block cipher
	}
	kept, _ := m.aeads.LoadOrStore(purpose, a)
	return kept.(cipher.AEAD)
}

// Seal encrypts and authenticates plaintext. The result, [SealOverhead] bytes longer, opens only with the same purpose
// ("totp", "outbox") and the same additional data, which should name the row, so that values cannot be swapped between
// rows. Nonces are random: at most 2^32 values may be sealed for one purpose (NIST SP 800-38D, 8.3).
func (m *Master) Seal(purpose string, plaintext, additional []byte) []byte {
	out := make([]byte, 1, SealOverhead+len(plaintext))
	out[0] = sealVersion
	return m.aead(purpose).Seal(out, nil, plaintext, sealContext(additional))
}

// Open returns what [Master.Seal] was given, or [ErrSealed].
func (m *Master) Open(purpose string, sealed, additional []byte) ([]byte, error) {
	if len(sealed) < SealOverhead || sealed[0] != sealVersion {
		return nil, ErrSealed
	}
	plain, err := m.aead(purpose).Open(nil, nil, sealed[1:], sealContext(additional))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func sealContext(additional []byte) []byte {
	return append([]byte{sealVersion}, additional...)
}

// MAC is HMAC-SHA256 of the data under the sub-key of the purpose. Each piece is framed by its length: ("ab", "c") and
// ("a", "bc") differ. Use it for what is looked up or shown to a browser and must not be guessed or forged.
func (m *Master) MAC(purpose string, data ...[]byte) [32]byte {
	key, ok := m.macs.Load(purpose)
	if !ok {
		key, _ = m.macs.LoadOrStore(purpose, m.derive("mac", purpose))
	}
	h := hmac.New(sha256.New, key.([]byte))
	var frame [8]byte
	for _, d := range data {
		binary.BigEndian.PutUint64(frame[:], uint64(len(d)))
		h.Write(frame[:])
		h.Write(d)
	}
	return [32]byte(h.Sum(nil))
}

// Equal compares two codes or hashes in a time that depends on their lengths only.
func Equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

const masked = "keys.Master(hidden)"

// String hides the key.
func (m *Master) String() string { return masked }

// Format hides the key from every verb of package fmt.
func (m *Master) Format(s fmt.State, _ rune) { io.WriteString(s, masked) }

// LogValue hides the key from package slog.
func (m *Master) LogValue() slog.Value { return slog.StringValue(masked) }
