package stand

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/notify"
)

// browser is a device that no account knows, with a login that it began.
type browser struct {
	t       *testing.T
	s       *Stand
	visitor authn.Visitor
	request idp.ID
	now     time.Time
}

func newBrowser(t *testing.T, s *Stand) browser {
	t.Helper()
	now := time.Now()
	b := browser{t: t, s: s, now: now, request: idp.NewID(now), visitor: authn.Visitor{Device: authn.Hash(idp.NewSecret()), Network: netip.MustParseAddr("192.0.2.7")}}
	err := s.Store.AddRequest(t.Context(), idp.AuthRequest{ID: b.request, DeviceHash: b.visitor.Device, Face: idp.FaceCabinet, ReturnTo: "/cabinet",
		MaxAge: -1, CreatedAt: now.Unix(), ExpiresAt: now.Unix() + idp.RequestLife})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b browser) password(login, password string) (authn.Proved, error) {
	b.t.Helper()
	r, err := b.s.Store.Request(b.t.Context(), b.request)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.s.Authn.ProvePassword(b.t.Context(), b.visitor, authn.PasswordProof{Request: r, Login: login, Password: password}, b.now)
}

// code proves the code of the step, which must be want.
func (b browser) code(want authn.Step, code func() string) (authn.Proved, error) {
	b.t.Helper()
	r, err := b.s.Store.Request(b.t.Context(), b.request)
	if err != nil {
		b.t.Fatal(err)
	}
	f, err := b.s.Authn.Flow(b.t.Context(), r, b.visitor, b.now)
	if err != nil {
		b.t.Fatal(err)
	}
	if step := authn.Next(f); step != want {
		b.t.Fatalf("step = %q, want %q", step, want)
	}
	return b.s.Authn.ProveCode(b.t.Context(), b.visitor, f, code(), b.now)
}

// deliver sends what waits in the queue, as the loop does.
func deliver(t *testing.T, s *Stand) {
	t.Helper()
	now := time.Now().Unix()
	buckets, err := s.Store.DueBuckets(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range buckets {
		jobs, err := s.Store.ClaimJobs(t.Context(), b, now, 60, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range jobs {
			m, err := s.Authn.OpenMessage(j)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Outbox.Send(t.Context(), m, notify.Rendered{Text: m.Code + " — код входа"}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (b browser) sent(to string) func() string {
	return func() string {
		deliver(b.t, b.s)
		for _, e := range read[[]notify.Entry](b.t, b.s.ask(b.t, "GET", "/dev/outbox?wait=1s&to="+to, ""), 200) {
			return e.Code
		}
		b.t.Fatalf("no message to %s", to)
		return ""
	}
}

func (b browser) app(secret string) func() string {
	return func() string {
		code, err := totp.GenerateCode(secret, b.now)
		if err != nil {
			b.t.Fatal(err)
		}
		return code
	}
}

// signIn signs a citizen in by what the record says, and nothing else.
func signIn(t *testing.T, s *Stand, c Citizen, login string) {
	t.Helper()
	b := newBrowser(t, s)
	p, err := b.password(login, c.Password)
	if c.Status == idp.Locked {
		var e *idp.Error
		if !errors.As(err, &e) || e.Code != "login.mismatch" {
			t.Errorf("%s by %s: err = %v, want login.mismatch", c.Name, login, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("%s by %s: %v", c.Name, login, err)
	}
	if (p.Cookie != "") != (c.SecondFactor == idp.NoFactor) {
		t.Fatalf("%s: second factor %s, cookie after the password %v", c.Name, c.SecondFactor, p.Cookie != "")
	}
	switch c.SecondFactor {
	case idp.SMSFactor:
		p, err = b.code(authn.Code, b.sent(string(c.Phone[1:]))) // the plus may be lost
	case idp.TOTPFactor:
		p, err = b.code(authn.TOTP, b.app(c.TOTPSecret))
	}
	if err != nil || p.Cookie == "" {
		t.Fatalf("%s by %s: %v, no session", c.Name, login, err)
	}
	if got := p.Session.Auth; got.Tier != c.Tier || got.TierMethod != c.TierMethod {
		t.Errorf("%s: signed in at %s %s", c.Name, got.Tier, got.TierMethod)
	}
}

func TestEveryCitizenSignsIn(t *testing.T) {
	s := testStand(t, "")
	all, err := s.Citizens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		login := string(c.Phone)
		if login == "" {
			login = string(c.Email)
		}
		t.Run(c.Name, func(t *testing.T) { signIn(t, s, c, login) })
	}
}

func TestEveryLoginOfARecordSignsIn(t *testing.T) {
	s := testStand(t, "")
	all, err := s.Citizens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, login := range []string{string(all[1].Phone), string(all[1].Email), all[1].SNILS, "8 (900) 000-00-02"} {
		signIn(t, s, all[1], login)
	}
}

func TestCreatedCitizensSignIn(t *testing.T) {
	s := testStand(t, "")
	for _, body := range []string{``, `{"second_factor": "sms"}`, `{"tier": "confirmed", "second_factor": "totp"}`, `{"status": "locked"}`} {
		c := read[Citizen](t, s.ask(t, "POST", "/dev/citizens", body), 201)
		signIn(t, s, c, string(c.Phone))
	}
}
