package grant

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"propusk/idp"
	"propusk/keys"
	"propusk/store"
)

var b64 = base64.RawURLEncoding

const (
	keyBytes   = 24 // masked number of the account, and the grant's ID
	keyChars   = 32
	macBytes   = 16
	jtiRandom  = 9
	secretSize = 32
)

// keyOf writes the key of a grant with the account's number masked by a pad that only this grant has.
func (s *Service) keyOf(k store.GrantKey) []byte {
	id := k.ID.Bytes()
	pad := s.Master.MAC("shard", id[:])
	return append(binary.BigEndian.AppendUint64(nil, uint64(k.OID)^binary.BigEndian.Uint64(pad[:])), id[:]...)
}

// grantKey is the inverse of keyOf. A forged key finds no row.
func (s *Service) grantKey(raw []byte) (store.GrantKey, bool) {
	if len(raw) != keyBytes {
		return store.GrantKey{}, false
	}
	id, _ := idp.IDFromBytes(raw[8:])
	pad := s.Master.MAC("shard", raw[8:])
	oid := idp.OID(binary.BigEndian.Uint64(raw) ^ binary.BigEndian.Uint64(pad[:]))
	return store.GrantKey{OID: oid, ID: id}, oid > 0
}

func key(g idp.Grant) store.GrantKey { return store.GrantKey{OID: g.OID, ID: g.ID} }

// newCode makes an authorization code and the hashes of it and of the refresh secret that will come from it.
func (s *Service) newCode(k store.GrantKey) (code string, codeHash, refreshHash []byte) {
	secret := make([]byte, secretSize)
	rand.Read(secret)
	code = b64.EncodeToString(append(s.keyOf(k), secret...))
	return code, hash(secret), hash(s.refreshSecret(k, secret))
}

func (s *Service) readCode(code string) (store.GrantKey, []byte, bool) {
	raw, err := b64.Strict().DecodeString(code)
	if err != nil || len(raw) != keyBytes+secretSize {
		return store.GrantKey{}, nil, false
	}
	k, ok := s.grantKey(raw[:keyBytes])
	return k, raw[keyBytes:], ok
}

// refreshSecret is the secret of a family, which only the holder of the code (and of our master key) can make.
func (s *Service) refreshSecret(k store.GrantKey, codeSecret []byte) []byte {
	id := k.ID.Bytes()
	m := s.Master.MAC("refresh-secret", id[:], codeSecret)
	return m[:]
}

// refreshToken writes the token of a generation. It is the same each time: a repeated refresh gets the same answer.
func (s *Service) refreshToken(k store.GrantKey, secret []byte, generation int64) string {
	raw := binary.BigEndian.AppendUint32(s.keyOf(k), uint32(generation))
	raw = append(raw, secret...)
	m := s.Master.MAC("refresh", raw)
	return b64.EncodeToString(append(raw, m[:macBytes]...))
}

func (s *Service) readRefresh(token string) (k store.GrantKey, secret []byte, generation int64, ok bool) {
	raw, err := b64.Strict().DecodeString(token)
	if err != nil || len(raw) != keyBytes+4+secretSize+macBytes {
		return k, nil, 0, false
	}
	body := raw[:len(raw)-macBytes]
	m := s.Master.MAC("refresh", body)
	if !keys.Equal(m[:macBytes], raw[len(body):]) {
		return k, nil, 0, false
	}
	k, ok = s.grantKey(raw[:keyBytes])
	return k, body[keyBytes+4:], int64(binary.BigEndian.Uint32(body[keyBytes:])), ok
}

// newJTI makes the `jti` of an access token of a grant: the key, and what makes this token different from the next.
func (s *Service) newJTI(k store.GrantKey) string {
	return b64.EncodeToString(append(s.keyOf(k), random(jtiRandom)...))
}

func (s *Service) readJTI(jti string) (store.GrantKey, bool) {
	raw, err := b64.Strict().DecodeString(jti)
	if err != nil || len(raw) != keyBytes+jtiRandom {
		return store.GrantKey{}, false
	}
	return s.grantKey(raw[:keyBytes])
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func hash(b []byte) []byte { h := sha256.Sum256(b); return h[:] }

// Subject is the `sub` of an account for a client: its number, or a pairwise identifier, which is the number encrypted under
// a key of the sector (OpenID Connect Core, 8.1): the same for all clients of a sector, meaningless elsewhere.
func (s *Service) Subject(c *idp.Client, oid idp.OID) string {
	if c == nil || !c.Pairwise {
		return oid.String()
	}
	var block [aes.BlockSize]byte
	binary.BigEndian.PutUint64(block[:], uint64(oid))
	s.sectorCipher(c).Encrypt(block[:], block[:])
	return b64.EncodeToString(block[:])
}

// account is the inverse of Subject; false for a subject that is not of this client's sector.
func (s *Service) account(c *idp.Client, subject string) (idp.OID, bool) {
	if !c.Pairwise {
		oid, err := idp.ParseOID(subject)
		return oid, err == nil
	}
	block, err := b64.Strict().DecodeString(subject)
	if err != nil || len(block) != aes.BlockSize {
		return 0, false
	}
	s.sectorCipher(c).Decrypt(block, block)
	oid := idp.OID(binary.BigEndian.Uint64(block))
	return oid, oid > 0 && binary.BigEndian.Uint64(block[8:]) == 0
}

func (s *Service) sectorCipher(c *idp.Client) cipher.Block {
	k := s.Master.MAC("pairwise", []byte(c.SectorID))
	block, err := aes.NewCipher(k[:])
	if err != nil {
		panic(err) // 32 bytes are a key of AES-256
	}
	return block
}

// SessionID is the `sid` of a session for a client: another value for each pairwise sector.
func (s *Service) SessionID(c *idp.Client, id idp.ID) string {
	if c == nil || !c.Pairwise || id == "" {
		return string(id)
	}
	m := s.Master.MAC("pairwise-sid", []byte(c.SectorID), []byte(id))
	return b64.EncodeToString(m[:16])
}
