package authn_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/notify"
)

// awaitingCode is a browser in which the password of an account with a code by SMS was proved.
func (s *stand) awaitingCode() (b *browser, id idp.ID, a idp.Account, code string) {
	s.t.Helper()
	a, b = s.account(withSMS), s.browser("b")
	id = b.request(nil)
	s.must(b.password(id, string(a.Phone), rightPassword))
	m := s.mail()
	if m.To != string(a.Phone) || m.Channel != notify.SMS || m.Until != s.now.Unix()+authn.SMSCodeLife || b.step(id) != authn.Code || b.cookie != "" {
		s.t.Fatalf("after the password: step %q, message to %q until %d", b.step(id), m.To, m.Until)
	}
	return b, id, a, m.Code
}

func TestTheCodeCompletesTheSignIn(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		b, id, a, code := s.awaitingCode()
		s.pass(60)
		s.must(b.code(id, code[:3]+" "+code[3:]))
		v := b.visitor()
		if v.Session == nil || v.Session.OID != a.OID || fmt.Sprint(v.Session.Auth.Methods) != "[pwd sms]" || v.Session.Auth.Time != now+60 {
			t.Errorf("session %+v", v.Session)
		}
		s.refused(b.code(id, code), "request.finished")
	})
}

func TestACodeHasFiveTries(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		b, id, _, code := s.awaitingCode()
		s.refused(b.code(id, "12345"), "code.empty") // what is no code is no try
		for _, left := range []string{"4", "3", "2", "1"} {
			if e := s.refused(b.code(id, another(code)), "code.wrong"); e.Args["left"] != left {
				t.Errorf("left = %s, want %s", e.Args["left"], left)
			}
		}
		s.refused(b.code(id, another(code)), "code.spent")
		s.refused(b.code(id, code), "code.spent")
		if b.cookie != "" {
			t.Error("a spent code signed in")
		}
	})
}

func TestOfFiftyWrongCodesAtOnceFiveAreJudged(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		b, id, _, code := s.awaitingCode()
		v, f := b.visitor(), b.flow(id)
		var all sync.WaitGroup
		var judged atomic.Int32
		for range 50 {
			all.Go(func() {
				_, err := s.ProveCode(s.ctx, v, f, another(code), s.now)
				if codeOf(err) == "code.wrong" {
					judged.Add(1)
				}
			})
		}
		all.Wait()
		if judged.Load() != 4 { // the fifth is told that the code is spent, and so are the others
			t.Errorf("%d were told that the code was wrong, want 4", judged.Load())
		}
	})
}

func TestTheRightCodeTwentyTimesAtOnceSignsInOnce(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		b, id, _, code := s.awaitingCode()
		v, f := b.visitor(), b.flow(id)
		if won := s.atOnce(func() error { _, err := s.ProveCode(s.ctx, v, f, code, s.now); return err }); won != 1 {
			t.Errorf("%d signed in by one code, want 1", won)
		}
	})
}

// atOnce runs a proof twenty times at once and counts the successes.
func (s *stand) atOnce(prove func() error) int32 {
	var all sync.WaitGroup
	var won atomic.Int32
	for range 20 {
		all.Go(func() {
			if prove() == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	return won.Load()
}

func TestACodeExpiresAndIsReplaced(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		b, id, _, first := s.awaitingCode()
		again := func() error { return s.SendAgain(s.ctx, b.visitor(), b.flow(id), s.now) }
		s.pass(20)
		if e := s.refused(again(), "code.wait"); e.Args["left"] != "0:40" || e.RetryAfter.Seconds() != 40 {
			t.Errorf("wait = %v, %v; want 0:40", e.Args, e.RetryAfter)
		}
		s.pass(40)
		s.must(again())
		second := s.mail().Code
		st, err := s.CodeState(s.ctx, b.flow(id), authn.Code)
		if err != nil || st.SentAt != now+60 || st.ExpiresAt != now+360 || st.NextAt != now+120 {
			t.Errorf("state %+v, %v", st, err)
		}
		s.refused(b.code(id, first), "code.replaced")
		s.pass(authn.SMSCodeLife)
		s.refused(b.code(id, second), "code.expired")
		s.must(again())
		s.must(b.code(id, s.mail().Code))
	})
}

func TestThreeSpentCodesPauseTheContactForFifteenMinutes(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		b, id, a, code := s.awaitingCode()
		again := func() error { return s.SendAgain(s.ctx, b.visitor(), b.flow(id), s.now) }
		for n := range 3 {
			if n > 0 {
				s.pass(400)
				s.must(again())
				code = s.mail().Code
			}
			for range 5 {
				_ = b.code(id, another(code))
			}
		}
		spentAt := s.now.Unix()
		s.pass(899)
		if e := s.refused(again(), "code.paused"); e.Args["until"] != fmt.Sprint(spentAt+900) {
			t.Errorf("paused until %s, want %d: 15 minutes from the third", e.Args["until"], spentAt+900)
		}
		other := s.browser("b")
		next := other.request(nil)
		s.must(other.password(next, string(a.Phone), rightPassword))
		if sent := s.outbox(); len(sent) != 0 {
			t.Error("another sign-in evades the pause")
		}
		if st, err := s.CodeState(s.ctx, other.flow(next), authn.Code); err != nil || st.SentAt != 0 || other.step(next) != authn.Code {
			t.Errorf("the page of the code shows %+v, %v; want that none was sent", st, err)
		}
		s.pass(1)
		s.must(again())
		s.must(b.code(id, s.mail().Code))
	})
}

func TestAContactGetsFiveCodesAnHourAndTenADay(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		b, id, a, _ := s.awaitingCode()
		again := func() error { return s.SendAgain(s.ctx, b.visitor(), b.flow(id), s.now) }
		for range 4 {
			s.pass(60)
			s.must(again())
		}
		s.pass(60)
		if e := s.refused(again(), "code.too_many"); e.Args["until"] != fmt.Sprint(now+3600) {
			t.Errorf("until %s, want an hour after the first", e.Args["until"])
		}
		s.pass(3600)
		id = b.request(nil)
		s.must(b.password(id, string(a.Phone), rightPassword))
		for range 4 {
			s.pass(60)
			s.must(again())
		}
		s.pass(3000)
		id = b.request(nil)
		s.must(b.password(id, string(a.Phone), rightPassword))
		s.pass(600)
		if e := s.refused(again(), "code.too_many"); e.Args["until"] != fmt.Sprint(now+86400) {
			t.Errorf("until %s, want a day after the first", e.Args["until"])
		}
		if sent := len(s.outbox()); sent != 9 {
			t.Errorf("%d codes were sent, want 9 after the first", sent)
		}
		// A known device has a budget of its own.
		s.must(s.Store.SeeDevice(s.ctx, a.OID, authn.Hash("own"), "", s.now.Unix()))
		own := s.browser("own")
		own.signIn(a)
	})
}

func TestARightCodeGivesTheBudgetBack(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(withSMS)
		for i := range 12 {
			s.browser(fmt.Sprint("b", i)).signIn(a)
		}
	})
}

func TestACodeCountsForItsFlowPurposeAndContactAlone(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		b, id, a, code := s.awaitingCode()
		other := b.request(nil)
		s.must(b.password(other, string(a.Phone), rightPassword))
		otherCode := s.mail().Code
		s.refused(b.code(other, code), "code.wrong")
		if c, err := s.TryCode(s.ctx, id, authn.ForNewDevice, code, s.now); codeOf(err) != "code.expired" || c.Tries != 0 {
			t.Errorf("for another purpose: %v, %v", c, err)
		}
		s.exec(`UPDATE account SET phone = '+79990001122' WHERE oid = $1`, int64(a.OID))
		s.refused(b.code(other, otherCode), "code.expired") // the number has changed since
		if b.cookie != "" {
			t.Error("it signed in")
		}
	})
}

func TestWhoComesAfterAnotherInOneRequestGetsTheirOwnCodeAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		b, id, _, code := s.awaitingCode()
		wife := s.account(withSMS)
		s.must(s.Forget(s.ctx, b.visitor(), b.flow(id).Request, s.now))
		if b.step(id) != authn.Login {
			t.Errorf("step = %q, want login", b.step(id))
		}
		s.must(b.password(id, string(wife.Phone), rightPassword))
		m := s.mail()
		if m.To != string(wife.Phone) {
			t.Errorf("the code went to %s, want %s", m.To, wife.Phone)
		}
		s.refused(b.code(id, code), "code.replaced")
		s.must(b.code(id, m.Code))
		if v := b.visitor(); v.Session == nil || v.Session.OID != wife.OID {
			t.Errorf("session %+v", v.Session)
		}
	})
}

func TestAnAppCodeCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(s.withTOTP)
		b := s.browser("b")
		id := b.request(nil)
		s.must(b.password(id, string(a.Phone), rightPassword))
		if b.step(id) != authn.TOTP {
			t.Fatalf("step = %q", b.step(id))
		}
		code, v, f := s.app(), b.visitor(), b.flow(id)
		s.refused(b.code(id, another(code)), "totp.wrong")
		if won := s.atOnce(func() error { p, err := s.ProveCode(s.ctx, v, f, code, s.now); return b.keepOne(p, err) }); won != 1 {
			t.Errorf("%d signed in by one code of the app, want 1", won)
		}
		if v := b.visitor(); v.Session == nil || fmt.Sprint(v.Session.Auth.Methods) != "[pwd otp]" {
			t.Errorf("session %+v", v.Session)
		}
		s.exec(`DELETE FROM attempt`) // the nineteen others may have begun a pause
		second := s.browser("b")
		id = second.request(nil)
		s.must(second.password(id, string(a.Phone), rightPassword))
		s.refused(second.code(id, code), "totp.used")
		s.pass(30)
		s.must(second.code(id, s.app()))
		third := s.browser("b")
		id = third.request(nil)
		s.must(third.password(id, string(a.Phone), rightPassword))
		earlier := s.app()
		s.pass(30)
		s.refused(third.code(id, earlier), "totp.used")
		late := s.app()
		s.pass(30)
		s.must(third.code(id, late)) // one step late
	})
}

var keeping sync.Mutex

func (b *browser) keepOne(p authn.Proved, err error) error {
	keeping.Lock()
	defer keeping.Unlock()
	return b.keep(p, err)
}

func TestWrongAppCodesPauseStrangersAndNotAKnownDevice(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(s.withTOTP)
		s.must(s.Store.SeeDevice(s.ctx, a.OID, authn.Hash("own"), "", now))
		b := s.browser("stranger")
		id := b.request(nil)
		s.must(b.password(id, string(a.Phone), rightPassword))
		for range 5 {
			s.refused(b.code(id, another(s.app())), "totp.wrong")
		}
		if e := s.refused(b.code(id, s.app()), "code.paused"); e.Args["until"] != fmt.Sprint(now+60) {
			t.Errorf("until %s", e.Args["until"])
		}
		s.browser("own").signIn(a)
	})
}

func TestAnotherFactorIsChosen(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(s.withTOTP)
		b := s.browser("b")
		id := b.request(nil)
		choose := func(m idp.Factor) error { return s.Choose(s.ctx, b.visitor(), b.flow(id), m, s.now) }
		s.refused(choose(idp.SMSFactor), "method.unknown") // nobody is known yet
		s.must(b.password(id, string(a.Phone), rightPassword))
		s.refused(choose(idp.NoFactor), "method.unknown")
		s.refused(choose(""), "method.unknown")
		s.must(choose(idp.SMSFactor))
		stale := b.flow(id)
		code := s.mail().Code
		s.must(choose(idp.TOTPFactor)) // in another tab, while the code of the first was being typed
		s.must(b.keep(s.ProveCode(s.ctx, b.visitor(), stale, code, s.now)))
		if v := b.visitor(); v.Session == nil || fmt.Sprint(v.Session.Auth.Methods) != "[pwd sms]" {
			t.Errorf("session %+v, want the method that was proved", v.Session)
		}
	})
}

func TestAStepUpAddsTheFactorAndKeepsNumberAndTime(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(nil)
		b := s.browser("b")
		b.signIn(a)
		first, cookie := b.visitor().Session, b.cookie
		s.pass(100)
		id := b.request(wantMFA)
		if b.step(id) != authn.ChooseMethod {
			t.Fatalf("step = %q", b.step(id))
		}
		s.must(s.Choose(s.ctx, b.visitor(), b.flow(id), idp.SMSFactor, s.now))
		s.must(b.code(id, s.mail().Code))
		got := b.visitor().Session
		if got == nil || got.ID != first.ID || got.Auth.Time != now || fmt.Sprint(got.Auth.Methods) != "[pwd sms]" || b.cookie == cookie || got.EndsAt != first.EndsAt {
			t.Errorf("session %+v, same cookie %v", got, b.cookie == cookie)
		}
		if b.step(id) != authn.Done {
			t.Errorf("step = %q, want done", b.step(id))
		}
	})
}

func TestAStepUpDoesNotBringASessionBackThatWasSignedOut(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(nil)
		b := s.browser("b")
		b.signIn(a)
		id := b.request(wantMFA)
		s.must(s.Choose(s.ctx, b.visitor(), b.flow(id), idp.SMSFactor, s.now))
		v, f, code := b.visitor(), b.flow(id), s.mail().Code
		s.must(s.SignOut(s.ctx, v, "", s.now))
		s.refused(b.keep(s.ProveCode(s.ctx, v, f, code, s.now)), "request.finished")
		if b.visitor().Session != nil {
			t.Error("the session is back")
		}
	})
}

func TestThePortalsDemandAsksForTheFactorThatIsSetUp(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(nil)
		b := s.browser("b")
		id := b.request(wantMFA)
		s.must(b.password(id, string(a.Phone), rightPassword))
		s.must(b.code(id, s.mail().Code))
		if v := b.visitor(); v.Session.Auth.ACR() != (idp.ACR{Tier: idp.Standard, Strength: idp.TwoFactors}) || b.step(id) != authn.Done {
			t.Errorf("acr %v, step %q", v.Session.Auth.ACR(), b.step(id))
		}
	})
}

func TestGoingOnAsThePersonOfTheSessionForgetsAnother(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a, other := s.account(nil), s.account(withSMS)
		b := s.browser("b")
		b.signIn(a)
		id := b.request(func(r *idp.AuthRequest) { r.Prompts = []string{"select_account"} })
		s.must(b.password(id, string(other.Phone), rightPassword))
		stale, code := b.flow(id), s.mail().Code
		s.must(s.Continue(s.ctx, b.visitor(), b.flow(id).Request, s.now))
		if b.step(id) != authn.Done {
			t.Errorf("step = %q, want done", b.step(id))
		}
		s.refused(b.keep(s.ProveCode(s.ctx, b.visitor(), stale, code, s.now)), "request.finished")
		s.must(s.Forget(s.ctx, b.visitor(), b.flow(id).Request, s.now))
		if b.step(id) != authn.Login {
			t.Errorf("step of somebody else = %q, want login", b.step(id))
		}
	})
}

func TestADeviceThatBecameKnownInAnotherTabDoesNotBorrowASession(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a, other := s.account(func(a *idp.Account) { a.NewDeviceCode = true }), s.account(nil)
		b := s.browser("b")
		first := b.request(nil)
		s.must(b.password(first, string(a.Phone), rightPassword))
		s.outbox()
		b.signIn(a)
		b.signIn(other)
		if step := b.step(first); step != authn.Login {
			t.Errorf("step = %q, want login", step)
		}
		s.must(s.SignOut(s.ctx, b.visitor(), "", s.now))
		if step := b.step(first); step != authn.Login {
			t.Errorf("signed out: step = %q, want login", step)
		}
	})
}

func TestACodeIsReadAsPeopleTypeIt(t *testing.T) {
	for text, want := range map[string]string{
		"123456": "123456", " 123 456 ": "123456", "123-456": "123456", "123\u00a0456": "123456", "１２３４５６": "123456", "12–34–56": "123456",
		"Код: 482913. Никому не говорите": "482913", "482913 и ещё раз 482913": "482913",
		"": "", "12345": "", "1234567": "", "abcdef": "", "111111 222222": "", "١٢٣٤٥٦": "",
	} {
		if got, err := authn.ReadCode(text); got != want || (err == nil) != (want != "") {
			t.Errorf("ReadCode(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

func FuzzReadCode(f *testing.F) {
	for _, s := range []string{"123456", "123 456", "Код: 482913", "１２３４５６", "12\u200b3456"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		code, err := authn.ReadCode(s)
		if err != nil {
			return
		}
		if again, err := authn.ReadCode(code); len(code) != 6 || again != code || err != nil {
			t.Errorf("ReadCode(%q) = %q, and that again %q, %v", s, code, again, err)
		}
	})
}
