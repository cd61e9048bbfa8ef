package authn_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/notify"
	"propusk/keys"
	"propusk/store/storetest"
)

// stand is a service on a database, with a clock of its own and the messages that it asked to be sent.
type stand struct {
	*authn.Service
	t      testing.TB
	ctx    context.Context
	now    time.Time
	phones int
	raw    *sql.DB // to change what no statement of the product changes yet
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, s *stand)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newStand(t, storetest.SQLiteURL(t))) })
	t.Run("postgres", func(t *testing.T) { test(t, newStand(t, storetest.PostgresURL(t))) })
}

func newStand(tb testing.TB, address string) *stand {
	tb.Helper()
	authn.CheapHashes(tb)
	driver, name := "pgx", address
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		driver, name = "sqlite", path
	}
	raw, err := sql.Open(driver, name)
	if err != nil {
		tb.Fatal(err)
	}
	master, _ := keys.NewMaster()
	db := storetest.Open(tb, address)
	tb.Cleanup(func() { _ = raw.Close() })
	s := &authn.Service{Store: db, Master: master, Pool: authn.NewHashPool(1, 1000, time.Minute), Limits: authn.DefaultLimits}
	return &stand{Service: s, t: tb, ctx: tb.Context(), raw: raw, now: time.Unix(now, 0)}
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// pass lets time go by.
func (s *stand) pass(seconds int64) { s.now = s.now.Add(time.Duration(seconds) * time.Second) }

const (
	rightPassword = "Kofe-7utrom"
	totpSecret    = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
)

// account makes an account with a phone, an e-mail and the right password.
func (s *stand) account(change func(*idp.Account)) idp.Account {
	s.t.Helper()
	hash, err := s.Pool.Hash(s.ctx, rightPassword)
	s.must(err)
	s.phones++
	a := idp.Account{OID: idp.NewOID(), Status: idp.Active, Tier: idp.Standard, TierAt: now - 1000, Phone: idp.Phone(fmt.Sprintf("+7%d", 9123456700+s.phones)),
		PhoneVerifiedAt: now - 1000, Email: idp.Email(fmt.Sprintf("a%02d@example.ru", s.phones)), EmailVerifiedAt: now - 1000, Language: idp.Russian,
		PasswordHash: hash, PasswordAt: now - 1000, SecondFactor: idp.NoFactor, CreatedAt: now - 1000, UpdatedAt: now - 1000}
	if change != nil {
		change(&a)
	}
	_, err = s.Store.AddAccount(s.ctx, a, "1")
	s.must(err)
	for _, id := range []idp.Identifier{a.Phone.Identifier(), a.Email.Identifier()} {
		_, err = s.Store.AddIdentifier(s.ctx, id, a.OID, now)
		s.must(err)
	}
	a, err = s.Store.Account(s.ctx, a.OID)
	s.must(err)
	return a
}

func withSMS(a *idp.Account) { a.SecondFactor = idp.SMSFactor }

func (s *stand) withTOTP(a *idp.Account) {
	a.SecondFactor, a.TOTPSecret = idp.TOTPFactor, s.SealTOTP(a.OID, totpSecret)
}

// exec changes a row as another part of the product would.
func (s *stand) exec(query string, args ...any) {
	s.t.Helper()
	if _, err := s.raw.ExecContext(s.ctx, query, args...); err != nil {
		s.t.Fatal(err)
	}
}

// browser is a device cookie and a session cookie.
type browser struct {
	s      *stand
	name   string
	cookie string
	agent  string
}

func (s *stand) browser(name string) *browser {
	return &browser{s: s, name: name, agent: "Chrome, Windows"}
}

// visitor is what the browser's cookies say now.
func (b *browser) visitor() authn.Visitor {
	b.s.t.Helper()
	v := authn.Visitor{Device: authn.Hash(b.name), Network: netip.MustParseAddr("192.0.2.1"), Agent: b.agent, Lang: idp.Russian}
	var err error
	v.Session, v.Account, err = b.s.ReadSession(b.s.ctx, b.cookie, v.Device, b.s.now)
	b.s.must(err)
	return v
}

// request stores a request that began in the browser.
func (b *browser) request(change func(*idp.AuthRequest)) idp.ID {
	b.s.t.Helper()
	r := idp.AuthRequest{ID: idp.NewID(b.s.now), DeviceHash: authn.Hash(b.name), Face: idp.FaceOIDC, ClientID: "portal", MaxAge: -1,
		CreatedAt: b.s.now.Unix(), ExpiresAt: b.s.now.Unix() + idp.RequestLife}
	if change != nil {
		change(&r)
	}
	b.s.must(b.s.Store.AddRequest(b.s.ctx, r))
	return r.ID
}

func wantMFA(r *idp.AuthRequest) { r.ACRs = []idp.ACR{{Tier: idp.Standard, Strength: idp.TwoFactors}} }

// flow gathers what decides the next step of a request.
func (b *browser) flow(id idp.ID) authn.Flow {
	b.s.t.Helper()
	r, err := b.s.Store.Request(b.s.ctx, id)
	b.s.must(err)
	f, err := b.s.Flow(b.s.ctx, r, b.visitor(), b.s.now)
	b.s.must(err)
	return f
}

func (b *browser) step(id idp.ID) authn.Step { b.s.t.Helper(); return authn.Next(b.flow(id)) }

// password posts the sign-in page; the cookie is kept as a browser would.
func (b *browser) password(id idp.ID, login, password string) error {
	b.s.t.Helper()
	r, err := b.s.Store.Request(b.s.ctx, id)
	b.s.must(err)
	return b.keep(b.s.ProvePassword(b.s.ctx, b.visitor(), authn.PasswordProof{Request: r, Login: login, Password: password}, b.s.now))
}

func (b *browser) code(id idp.ID, code string) error {
	b.s.t.Helper()
	return b.keep(b.s.ProveCode(b.s.ctx, b.visitor(), b.flow(id), code, b.s.now))
}

func (b *browser) keep(p authn.Proved, err error) error {
	if p.Cookie != "" {
		b.cookie = p.Cookie
	}
	return err
}

// signIn signs in by whatever the account has on.
func (b *browser) signIn(a idp.Account) {
	b.s.t.Helper()
	id := b.request(nil)
	b.s.must(b.password(id, string(a.Phone), rightPassword))
	switch b.step(id) {
	case authn.Code, authn.EmailCode:
		b.s.must(b.code(id, b.s.mail().Code))
	case authn.TOTP:
		b.s.must(b.code(id, b.s.app()))
	}
	if v := b.visitor(); v.Session == nil || v.Session.OID != a.OID {
		b.s.t.Fatalf("signing in as %v led to %v", a.OID, v.Session)
	}
}

// app is the code that the app shows now.
func (s *stand) app() string {
	s.t.Helper()
	code, err := totp.GenerateCode(totpSecret, s.now)
	s.must(err)
	return code
}

// outbox takes the messages that were queued.
func (s *stand) outbox() []notify.Message {
	s.t.Helper()
	var all []notify.Message
	buckets, err := s.Store.DueBuckets(s.ctx, s.now.Unix())
	s.must(err)
	for _, b := range buckets {
		jobs, err := s.Store.ClaimJobs(s.ctx, b, s.now.Unix(), 60, 1000)
		s.must(err)
		for _, j := range jobs {
			m, err := s.OpenMessage(j)
			s.must(err)
			s.must(s.Store.FinishJob(s.ctx, j))
			all = append(all, m)
		}
	}
	return all
}

// mail takes the one message that must be there.
func (s *stand) mail() notify.Message {
	s.t.Helper()
	all := s.outbox()
	if len(all) != 1 {
		s.t.Fatalf("%d messages were sent, want 1", len(all))
	}
	return all[0]
}

// another is a code of six digits that differs from the given one.
func another(code string) string {
	return strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, code)
}

// codeOf is the stable code of an error, empty without one.
func codeOf(err error) string {
	var e *idp.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// refused fails the test unless an error has the code.
func (s *stand) refused(err error, code string) *idp.Error {
	s.t.Helper()
	if got := codeOf(err); got != code {
		s.t.Errorf("refused with %q, want %q", got, code)
		return &idp.Error{}
	}
	var e *idp.Error
	errors.As(err, &e)
	return e
}
