package account_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"propusk/idp"
	"propusk/idp/account"
	"propusk/idp/authn"
	"propusk/idp/notify"
	"propusk/keys"
	"propusk/store"
	"propusk/store/storetest"
)

const (
	t0       = int64(1_800_000_000)
	password = "Kofe-7utrom"
)

// stand is the service on a database, with a clock of its own.
type stand struct {
	*account.Service
	t   *testing.T
	ctx context.Context
	now time.Time
}

func each(t *testing.T, test func(t *testing.T, s *stand)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		master, _ := keys.NewMaster()
		a := &authn.Service{Store: db, Master: master, Pool: authn.NewHashPool(0, 100, time.Minute), Limits: authn.DefaultLimits}
		test(t, &stand{Service: &account.Service{Store: db, Authn: a, Policy: authn.PolicyState, TermsVersion: "2026-11"}, t: t, ctx: t.Context(),
			now: time.Unix(t0, 0)})
	})
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stand) pass(seconds int64) { s.now = s.now.Add(time.Duration(seconds) * time.Second) }

func visitor(name string) authn.Visitor {
	return authn.Visitor{Device: authn.Hash(name), Network: netip.MustParseAddr("192.0.2.1"), Agent: "Chrome, Windows", Lang: idp.Russian}
}

var ivan = account.Form{LastName: "Иванов", FirstName: "Иван", MiddleName: "Иванович"}

func form(phone, email string) account.Form {
	f := ivan
	f.Phone, f.Email = phone, email
	return f
}

func (s *stand) begin(v authn.Visitor, f account.Form) store.Registration {
	s.t.Helper()
	r, err := s.Begin(s.ctx, v, f, s.now)
	s.must(err)
	return r
}

func (s *stand) again(v authn.Visitor, r store.Registration) store.Registration {
	s.t.Helper()
	r, err := s.ForVisitor(s.ctx, v, r.ID, s.now)
	s.must(err)
	return r
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
			m, err := s.Authn.OpenMessage(j)
			s.must(err)
			s.must(s.Store.FinishJob(s.ctx, j))
			all = append(all, m)
		}
	}
	return all
}

func (s *stand) mail() notify.Message {
	s.t.Helper()
	all := s.outbox()
	if len(all) != 1 {
		s.t.Fatalf("%d messages were sent, want 1", len(all))
	}
	return all[0]
}

func token(m notify.Message) string { return strings.TrimPrefix(m.Link, "/confirm/") }

func another(code string) string {
	return strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, code)
}

func codeOf(err error) string {
	var many idp.Problems
	if errors.As(err, &many) {
		var all []string
		for _, e := range many {
			all = append(all, e.Code)
		}
		return strings.Join(all, " ")
	}
	var e *idp.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func (s *stand) refused(err error, want string) {
	s.t.Helper()
	if got := codeOf(err); got != want {
		s.t.Errorf("refused with %q, want %q", got, want)
	}
}

// proved is a registration of which the contact was proved by its code.
func (s *stand) proved(v authn.Visitor, f account.Form) store.Registration {
	s.t.Helper()
	r := s.begin(v, f)
	s.must(s.Prove(s.ctx, v, r, s.mail().Code, s.now))
	return s.again(v, r)
}

func (s *stand) finish(v authn.Visitor, r store.Registration) (account.Done, error) {
	return s.Finish(s.ctx, v, r, password, password, s.now)
}

func TestRegistrationByPhone(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		v := visitor("b")
		r := s.begin(v, form("8 912 345-67-89", ""))
		m := s.mail()
		if m.Kind != notify.Registration || m.Channel != notify.SMS || m.To != "+79123456789" || m.Link != "" || m.Until != t0+authn.SMSCodeLife {
			t.Errorf("message %+v to %s until %d", m, m.To, m.Until)
		}
		s.refused(s.Prove(s.ctx, v, r, another(m.Code), s.now), "code.wrong")
		_, err := s.finish(v, r)
		s.refused(err, "registration.unproved")
		s.must(s.Prove(s.ctx, v, r, m.Code, s.now))
		s.refused(s.Prove(s.ctx, v, r, m.Code, s.now), "code.expired") // the page that was left open: the code is gone
		r = s.again(v, r)
		s.must(s.Prove(s.ctx, v, r, m.Code, s.now)) // and now it knows
		s.refused(s.Again(s.ctx, v, r, s.now), "registration.proved")
		if taken, err := s.Taken(s.ctx, r); taken || err != nil {
			t.Errorf("taken %v, %v", taken, err)
		}
		_, err = s.Finish(s.ctx, v, r, "short", "short", s.now)
		if !errors.Is(err, idp.Invalid) {
			t.Errorf("a short password: %v", err)
		}
		s.pass(60)
		d, err := s.finish(v, r)
		s.must(err)
		got, err := s.Store.AccountBy(s.ctx, r.Phone.Identifier())
		s.must(err)
		want := idp.Account{OID: d.Account.OID, Status: idp.Active, Tier: idp.Simplified, TierAt: t0 + 60,
			Person: idp.Person{LastName: "Иванов", FirstName: "Иван", MiddleName: "Иванович"}, Phone: "+79123456789", PhoneVerifiedAt: t0 + 60,
			Language: idp.Russian, PasswordHash: got.PasswordHash, PasswordAt: t0 + 60, SecondFactor: idp.SMSFactor, NewDeviceCode: true, TOTPSecret: got.TOTPSecret,
			CreatedAt: t0 + 60, UpdatedAt: t0 + 60, Version: 1}
		if diff := cmp.Diff(want, got); diff != "" || d.Cookie != "" || d.EmailUntil != 0 {
			t.Errorf("done %+v, account (-want +got):\n%s", d, diff)
		}
		if right, _, err := s.Authn.Pool.Verify(s.ctx, got.PasswordHash, password); !right || err != nil {
			t.Errorf("the password: %v, %v", right, err)
		}
		_, err = s.finish(v, r)
		s.refused(err, "registration.done")
		_, err = s.ForVisitor(s.ctx, v, r.ID, s.now)
		s.refused(err, "registration.done")
		if events, err := s.Store.Events(s.ctx, got.OID, "", 10); err != nil || len(events) != 1 || events[0].What != idp.Registered || events[0].Details["by"] != "phone" {
			t.Errorf("events %+v, %v", events, err)
		}
	})
}

func TestRegistrationByEmailAndItsCode(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		v := visitor("b")
		r := s.begin(v, form("", "Ivan@Example.ru"))
		m := s.mail()
		if m.Channel != notify.Email || m.To != "ivan@example.ru" || m.Until != t0+authn.MailLinkLife || !strings.HasPrefix(m.Link, "/confirm/") {
			t.Errorf("message to %s until %d with %s", m.To, m.Until, m.Link)
		}
		s.pass(authn.MailLinkLife - 1)
		s.must(s.Prove(s.ctx, v, r, m.Code, s.now))
		_, err := s.FollowLink(s.ctx, visitor("phone"), token(m), s.now)
		s.refused(err, "link.used") // of link and code the first used wins
		d, err := s.finish(v, s.again(v, r))
		if s.must(err); d.Account.EmailVerifiedAt != t0+authn.MailLinkLife-1 || d.Account.SecondFactor != idp.NoFactor || d.Account.PhoneVerifiedAt != 0 {
			t.Errorf("account %+v", d.Account)
		}
		late := s.begin(v, form("", "late@example.ru"))
		m = s.mail()
		s.pass(authn.MailLinkLife)
		s.refused(s.Prove(s.ctx, v, late, m.Code, s.now), "registration.expired")
		_, err = s.OpenLink(s.ctx, token(m), s.now)
		s.refused(err, "link.expired")
	})
}

func TestWhoOpensTheLinkGoesOnAndTheFirstBrowserNoLongerCan(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		first, phone := visitor("first"), visitor("phone")
		r := s.begin(first, form("", "ivan@example.ru"))
		m := s.mail()
		for range 3 { // mail scanners open links
			letter, err := s.OpenLink(s.ctx, token(m), s.now)
			if s.must(err); letter.Second || letter.Registration.ID != r.ID {
				t.Errorf("letter %+v", letter)
			}
		}
		_, err := s.FollowLink(s.ctx, phone, token(m), s.now)
		s.must(err)
		s.refused(s.Prove(s.ctx, first, r, m.Code, s.now), "registration.proved") // a page that was read before
		_, err = s.ForVisitor(s.ctx, first, r.ID, s.now)
		s.refused(err, "request.other_browser")
		fresh, err := s.Store.Registration(s.ctx, r.ID)
		s.must(err)
		s.refused(s.Prove(s.ctx, first, fresh, m.Code, s.now), "request.other_browser")
		_, err = s.finish(first, fresh)
		s.refused(err, "request.other_browser")
		_, err = s.FollowLink(s.ctx, visitor("third"), token(m), s.now)
		s.refused(err, "link.used")
		_, err = s.finish(phone, s.again(phone, r))
		s.must(err)
		_, err = s.OpenLink(s.ctx, "unknown", s.now)
		s.refused(err, "link.unknown")
	})
}

func TestANewEmailEndsTheFormerOne(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		v := visitor("b")
		r := s.begin(v, form("", "ivan@example.ru"))
		old := s.mail()
		s.refused(s.Again(s.ctx, v, r, s.now), "code.wait")
		s.refused(s.Again(s.ctx, visitor("other"), r, s.now), "request.other_browser")
		s.pass(60)
		s.must(s.Again(s.ctx, v, r, s.now))
		fresh := s.mail()
		_, err := s.OpenLink(s.ctx, token(old), s.now)
		s.refused(err, "link.replaced")
		s.refused(s.Prove(s.ctx, v, r, old.Code, s.now), "code.replaced")
		_, err = s.FollowLink(s.ctx, v, token(fresh), s.now)
		s.must(err)
	})
}

func TestAfterThreeSpentCodesOnlyTheLinkIsLeft(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		v := visitor("b")
		r := s.begin(v, form("", "ivan@example.ru"))
		m := s.mail()
		for n, want := range []string{"code.spent", "code.spent", "email.code_closed"} {
			if n > 0 {
				s.pass(60)
				s.must(s.Again(s.ctx, v, r, s.now))
				m = s.mail()
			}
			for range 4 {
				s.refused(s.Prove(s.ctx, v, r, another(m.Code), s.now), "code.wrong")
			}
			s.refused(s.Prove(s.ctx, v, r, another(m.Code), s.now), want)
		}
		s.pass(60)
		s.refused(s.Again(s.ctx, v, r, s.now), "code.paused")
		s.refused(s.Prove(s.ctx, v, r, m.Code, s.now), "code.spent")
		_, err := s.FollowLink(s.ctx, v, token(m), s.now)
		s.must(err)
	})
}

func TestWhoSaysItWasNotThemEndsTheRegistration(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		v := visitor("b")
		r := s.begin(v, form("", "ivan@example.ru"))
		m := s.mail()
		s.must(s.Disown(s.ctx, token(m), s.now))
		_, err := s.ForVisitor(s.ctx, v, r.ID, s.now)
		s.refused(err, "registration.unknown")
		_, err = s.FollowLink(s.ctx, v, token(m), s.now)
		if !errors.Is(err, idp.Gone) {
			t.Errorf("the link after that: %v", err)
		}
		if err := s.Prove(s.ctx, v, r, m.Code, s.now); !errors.Is(err, idp.Gone) {
			t.Errorf("the code after that: %v", err)
		}
	})
}

func TestATakenContactIsToldOnlyToWhoHoldsIt(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		owner, stranger := visitor("owner"), visitor("stranger")
		first := s.proved(owner, form("+79123456789", ""))
		_, err := s.finish(owner, first)
		s.must(err)
		r := s.begin(stranger, form("+79123456789", "")) // answered alike
		s.must(s.Prove(s.ctx, stranger, r, s.mail().Code, s.now))
		r = s.again(stranger, r)
		if taken, err := s.Taken(s.ctx, r); !taken || err != nil {
			t.Errorf("taken %v, %v", taken, err)
		}
		_, err = s.finish(stranger, r)
		if s.refused(err, "contact.taken"); !errors.Is(err, idp.Conflict) {
			t.Errorf("kind of %v", err)
		}
		if _, err := s.ForVisitor(s.ctx, stranger, r.ID, s.now); err != nil {
			t.Errorf("the registration after that: %v; want it unfinished", err)
		}
	})
}

func TestTheSecondAddressIsProvedByItsLink(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		v := visitor("b")
		r := s.proved(v, form("+79123456789", "ivan@example.ru"))
		if len(s.outbox()) != 0 {
			t.Error("the e-mail was written to before the account is there")
		}
		d, err := s.finish(v, r)
		s.must(err)
		m := s.mail()
		if m.Kind != notify.NewContact || m.To != "ivan@example.ru" || d.EmailUntil != t0+authn.MailLinkLife || m.Until != d.EmailUntil || m.Code != "" {
			t.Errorf("message %+v to %s until %d", m, m.To, m.Until)
		}
		letter, err := s.OpenLink(s.ctx, token(m), s.now)
		if s.must(err); !letter.Second {
			t.Error("not told from a registration")
		}
		if _, err := s.Store.Holder(s.ctx, r.Email.Identifier()); !errors.Is(err, idp.NotFound) {
			t.Errorf("an address that was not proved leads to an account: %v", err)
		}
		s.pass(5)
		_, err = s.FollowLink(s.ctx, visitor("phone"), token(m), s.now)
		s.must(err)
		a, err := s.Store.AccountBy(s.ctx, r.Email.Identifier())
		if err != nil || a.OID != d.Account.OID || a.EmailVerifiedAt != t0+5 {
			t.Errorf("leads to %v, proved at %d, %v", a.OID, a.EmailVerifiedAt, err)
		}
		_, err = s.FollowLink(s.ctx, v, token(m), s.now)
		s.refused(err, "link.used")
	})
}

func TestASecondAddressThatAnotherProvedFirstStaysTheirs(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		v, other := visitor("b"), visitor("other")
		_, err := s.finish(v, s.proved(v, form("+79123456789", "shared@example.ru")))
		s.must(err)
		link := s.mail()
		d, err := s.finish(other, s.proved(other, form("", "shared@example.ru")))
		s.must(err)
		_, err = s.FollowLink(s.ctx, v, token(link), s.now)
		s.refused(err, "contact.taken")
		if oid, err := s.Store.Holder(s.ctx, idp.Email("shared@example.ru").Identifier()); err != nil || oid != d.Account.OID {
			t.Errorf("leads to %v, %v; want %v", oid, err, d.Account.OID)
		}
		s.must(s.Disown(s.ctx, token(link), s.now))
		_, err = s.OpenLink(s.ctx, token(link), s.now)
		s.refused(err, "link.used")
	})
}

// finishAll finishes all registrations at once and counts the answers.
func (s *stand) finishAll(v authn.Visitor, all []store.Registration) map[string]int {
	var wait sync.WaitGroup
	var mu sync.Mutex
	answers := map[string]int{}
	for _, r := range all {
		wait.Go(func() {
			_, err := s.finish(v, r)
			mu.Lock()
			defer mu.Unlock()
			answers[codeOf(err)]++
		})
	}
	wait.Wait()
	return answers
}

func TestAFormSentTwiceMakesOneAccount(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		v := visitor("b")
		r := s.proved(v, form("+79123456789", ""))
		if diff := cmp.Diff(map[string]int{"": 1, "registration.done": 3}, s.finishAll(v, []store.Registration{r, r, r, r})); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

func TestTwentyRegistrationsOfOnePhoneAtOnceMakeOneAccount(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		v := visitor("b")
		var all []store.Registration
		s.Authn.Limits.CodesPerHour, s.Authn.Limits.CodesPerDay = 20, 20 // a right code does not give the budget back
		for range 20 {
			all = append(all, s.proved(v, form("+79123456789", "")))
		}
		if diff := cmp.Diff(map[string]int{"": 1, "contact.taken": 19}, s.finishAll(v, all)); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

func TestTheLoginInWhichTheRegistrationBeganGoesOn(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		request := func(v authn.Visitor) idp.ID {
			r := idp.AuthRequest{ID: idp.NewID(s.now), DeviceHash: v.Device, Face: idp.FaceOIDC, ClientID: "portal", Prompts: []string{"create"}, MaxAge: -1,
				CreatedAt: t0, ExpiresAt: s.now.Unix() + idp.RequestLife}
			s.must(s.Store.AddRequest(s.ctx, r))
			return r.ID
		}
		v := visitor("b")
		f := form("+79123456789", "")
		f.Request = request(v)
		d, err := s.finish(v, s.proved(v, f))
		s.must(err)
		if d.Session == nil || strings.Join(d.Session.Auth.Methods, " ") != "pwd sms" || d.Session.OID != d.Account.OID {
			t.Fatalf("session %+v", d.Session)
		}
		v.Session, v.Account, err = s.Authn.ReadSession(s.ctx, d.Cookie, v.Device, s.now)
		s.must(err)
		r, err := s.Store.Request(s.ctx, f.Request)
		s.must(err)
		flow, err := s.Authn.Flow(s.ctx, r, v, s.now)
		if s.must(err); v.Session == nil || authn.Next(flow) != authn.Done {
			t.Errorf("step = %q with session %v, want done", authn.Next(flow), v.Session)
		}

		// The link was opened elsewhere: the account is made, and the person signs in where they began.
		first, phone := visitor("first"), visitor("phone")
		f = form("", "ivan@example.ru")
		f.Request = request(first)
		reg := s.begin(first, f)
		_, err = s.FollowLink(s.ctx, phone, token(s.mail()), s.now)
		s.must(err)
		d, err = s.finish(phone, s.again(phone, reg))
		if s.must(err); d.Cookie != "" {
			t.Error("a browser that did not begin the login was signed in to it")
		}

		// The login is over: the account is made all the same.
		f = form("", "petr@example.ru")
		f.Request = request(v)
		v.Session, v.Account = nil, nil
		reg = s.begin(v, f)
		code := s.mail().Code
		s.pass(idp.RequestLife)
		s.must(s.Prove(s.ctx, v, reg, code, s.now))
		d, err = s.finish(v, s.again(v, reg))
		if s.must(err); d.Cookie != "" || d.Account.OID == 0 {
			t.Errorf("done %+v", d)
		}
	})
}

func TestTheFormIsReadWhole(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		for want, f := range map[string]account.Form{
			"last_name.empty first_name.empty contact.empty": {},
			"name.mixed name.sign phone.digits email.at":     {LastName: "Иvанов", FirstName: "Иван1", Phone: "123", Email: "ivan"},
			"phone.landline": form("+7 495 123-45-67", ""),
			"name.long":      {LastName: strings.Repeat("а", 101), FirstName: "Иван", Phone: "+79123456789"},
		} {
			_, err := s.Begin(s.ctx, visitor("b"), f, s.now)
			s.refused(err, want)
		}
		if len(s.outbox()) != 0 {
			t.Error("something was sent")
		}
	})
}

func TestANameIsReadAsInTheDocument(t *testing.T) {
	for text, want := range map[string]string{
		"Иванов": "Иванов", " Салтыков — Щедрин ": "Салтыков - Щедрин", "О’Хара": "О'Хара", "Петров-Водкин": "Петров-Водкин", "Ёлкина": "Ёлкина",
		"Müller": "Müller", "-": "-", "де ля  Круа": "де ля Круа", "Иван И.": "Иван И.", "Nguyễn": "Nguyễn",
	} {
		if got, err := account.ReadName("last_name", text, true); got != want || err != nil {
			t.Errorf("ReadName(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "last_name.empty", "  ": "last_name.empty", "Иvанов": "name.mixed", "Иванов2": "name.sign", "Иван<b>": "name.sign", "...": "name.sign",
		"Иван\u202eов": "name.sign", "山田": "name.sign", "Иван\x00": "name.sign", "Иван\xff": "name.sign", strings.Repeat("я", 101): "name.long",
	} {
		if _, err := account.ReadName("last_name", text, true); codeOf(err) != want {
			t.Errorf("ReadName(%q): %q, want %q", text, codeOf(err), want)
		}
	}
	for _, text := range []string{"", "-", " — "} {
		if got, err := account.ReadName("middle_name", text, false); got != "" || err != nil {
			t.Errorf("no patronymic as %q: %q, %v", text, got, err)
		}
	}
}

func FuzzReadName(f *testing.F) {
	for _, s := range []string{"Иванов", "О’Хара", "Müller", "-", "а\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := account.ReadName("last_name", s, true)
		if err != nil {
			return
		}
		if again, err := account.ReadName("last_name", name, true); again != name || err != nil {
			t.Errorf("ReadName(%q) = %q, and that again %q, %v", s, name, again, err)
		}
	})
}
