package authn

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"time"

	"propusk/idp"
	"propusk/idp/notify"
	"propusk/keys"
	"propusk/store"
)

// Service proves who is there. It keeps no state of its own: everything is in the store, for all processes.
type Service struct {
	Store  *store.DB
	Master *keys.Master
	Pool   *HashPool
	Limits Limits
	Wake   func() // tells the loop that a job was queued; may be nil
}

// Limits are the budgets that one address or one contact has. DefaultLimits are those of DESIGN.md 2.11.
type Limits struct {
	NetworkTries int64 // tries of passwords, codes and registrations from one network in five minutes
	CodesPerHour int64 // codes sent to a contact
	CodesPerDay  int64
	CodeGap      int64 // seconds between two codes of one flow
}

// DefaultLimits are the limits of production.
var DefaultLimits = Limits{NetworkTries: 1000, CodesPerHour: 5, CodesPerDay: 10, CodeGap: 60}

// registrationShare: of the tries that a network has, this part may begin registrations or ask for their codes.
const registrationShare = 20

// Visitor is a browser at our pages: what its cookies and its connection say.
type Visitor struct {
	Device  []byte       // hash of the device cookie
	Session *idp.Session // alive; nil without one
	Account *idp.Account // of the session
	Network netip.Addr
	Agent   string // User-Agent as sent, bounded
	Named   string // the same in words, «Chrome, Windows»
	Lang    idp.Language
}

// KnownPerson tells whether the browser is signed in.
func (v Visitor) KnownPerson() bool { return v.Session != nil }

// Hash is how a random secret is stored.
func Hash(secret string) []byte { h := sha256.Sum256([]byte(secret)); return h[:] }

// sessionCookie is the value of the cookie: the key of the row and a secret, so that the read goes to one shard.
func sessionCookie(oid idp.OID, id idp.ID, secret string) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(oid))
	raw := id.Bytes()
	return base64.RawURLEncoding.EncodeToString(append(b, raw[:]...)) + "." + secret
}

// ReadSession finds the session of a cookie for the browser that sends it; false if there is none or it is over. It writes
// the time of use once a minute.
func (s *Service) ReadSession(ctx context.Context, cookie string, device []byte, now time.Time) (*idp.Session, *idp.Account, error) {
	const keyLength = 32 // base64url of 24 bytes
	if len(cookie) <= keyLength+1 || len(cookie) > 200 || cookie[keyLength] != '.' {
		return nil, nil, nil
	}
	key, err := base64.RawURLEncoding.DecodeString(cookie[:keyLength])
	if err != nil {
		return nil, nil, nil
	}
	id, _ := idp.IDFromBytes(key[8:])
	t := now.Unix()
	sess, account, err := s.Store.SessionWith(ctx, idp.OID(binary.BigEndian.Uint64(key)), id, t)
	if isNotFound(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	secretOK := subtle.ConstantTimeCompare(Hash(cookie[keyLength+1:]), sess.SecretHash) == 1
	deviceOK := subtle.ConstantTimeCompare(device, sess.DeviceHash) == 1
	if !secretOK || !deviceOK || account.Status != idp.Active {
		return nil, nil, nil
	}
	if sess.Stale(t) {
		if _, err := s.Store.TouchSession(ctx, sess.OID, sess.ID, t); err != nil {
			return nil, nil, err
		}
	}
	return &sess, &account, nil
}

// Flow gathers what decides the next step, but for consent, which is grant's. The request must be bound to the visitor's browser.
func (s *Service) Flow(ctx context.Context, r idp.AuthRequest, v Visitor, now time.Time) (Flow, error) {
	f := Flow{Request: r, Session: v.Session, Account: v.Account, Now: now.Unix()}
	pending := r.PasswordAt > 0 && (v.Session == nil || v.Session.ID != r.SessionID)
	if !pending {
		return f, nil
	}
	a, err := s.Store.Account(ctx, r.OID)
	if err != nil {
		return f, err
	}
	f.Account = &a
	if a.Status != idp.Active {
		f.Account = nil
		return f, nil
	}
	if a.NewDeviceCode {
		f.Known, err = s.Store.KnownDevice(ctx, a.OID, v.Device, f.Now-store.DeviceMemory)
	}
	return f, err
}

// Bound tells whether a request began in the visitor's browser.
func Bound(r idp.AuthRequest, v Visitor) bool {
	return SameDevice(r.DeviceHash, v)
}

// CountNetwork counts a try against the budget of the visitor's network: IPv4 addresses one by one, IPv6 by /64.
// Addresses of this machine are not counted: behind a proxy that nobody named in IDP_TRUSTED_PROXIES all citizens come from
// there, and one budget for all of them would lock them out together. The budgets of accounts and contacts hold all the same.
func (s *Service) CountNetwork(ctx context.Context, v Visitor, now int64) error {
	return s.countFrom(ctx, "net:", v, now)
}

// CountBeginning is the same for logins begun, apart from the tries: a page that begins them by the hundred in a visitor's
// browser must not use up what the visitor's neighbours sign in with.
func (s *Service) CountBeginning(ctx context.Context, v Visitor, now int64) error {
	return s.countFrom(ctx, "begin:", v, now)
}

// CountRegistration is the same for registrations, which send messages to contacts that nobody has proved.
func (s *Service) CountRegistration(ctx context.Context, v Visitor, now int64) error {
	return s.countFrom(ctx, "signup:", v, now)
}

func (s *Service) countFrom(ctx context.Context, what string, v Visitor, now int64) error {
	const window = 300
	limit := s.Limits.NetworkTries
	if what == "signup:" {
		limit /= registrationShare
	}
	if !v.Network.IsValid() || v.Network.IsLoopback() {
		return nil
	}
	a, ok, err := s.Store.Count(ctx, what+network(v.Network), limit, window, now)
	if err != nil || ok {
		return err
	}
	return &idp.Error{Kind: idp.TooMany, Code: "network.too_many", RetryAfter: time.Duration(a.StartedAt+window-now) * time.Second}
}

func network(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		p, _ := a.Prefix(64)
		return p.String()
	}
	return a.String()
}

// deviceKey names the bucket of tries of an account's door: each known browser has its own, all strangers share one. So a
// stranger cannot use up the tries of the owner.
func (s *Service) deviceKey(ctx context.Context, oid idp.OID, v Visitor, now int64) (string, error) {
	known, err := s.Store.KnownDevice(ctx, oid, v.Device, now-store.DeviceMemory)
	if known {
		return hex.EncodeToString(v.Device[:8]), err
	}
	return "new", err
}

// Queue writes a message as a job of the transaction; call Woken after it commits.
func (s *Service) Queue(ctx context.Context, tx *store.Tx, m notify.Message, now time.Time) error {
	id := idp.NewID(now)
	m.Reference, m.At = string(id), now.Unix()
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	sealed := s.Master.Seal(MessageJob, body, []byte(id))
	return tx.AddJob(ctx, store.Job{ID: id, Kind: MessageJob, Args: sealed, RunAt: m.At, CreatedAt: m.At})
}

// MessageJob is the kind of the jobs that send a message, and the purpose for which their args are sealed.
const MessageJob = "message"

// OpenMessage reads the message of a job.
func (s *Service) OpenMessage(j store.Job) (notify.Message, error) {
	var m notify.Message
	body, err := s.Master.Open(MessageJob, j.Args, []byte(j.ID))
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(body, &m)
}

// Woken tells the loop that there may be work.
func (s *Service) Woken() {
	if s.Wake != nil {
		s.Wake()
	}
}

func (s *Service) event(ctx context.Context, q store.Queries, v Visitor, e idp.Event, now time.Time) error {
	e.ID, e.At, e.Agent = idp.NewID(now), now.Unix(), v.Agent
	return q.AddEvent(ctx, e)
}

// SameDevice tells whether something kept for a browser is the visitor's.
func SameDevice(device []byte, v Visitor) bool {
	return len(v.Device) > 0 && subtle.ConstantTimeCompare(device, v.Device) == 1
}
