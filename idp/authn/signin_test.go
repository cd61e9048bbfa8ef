package authn_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"propusk/idp"
	"propusk/idp/authn"
)

func TestTheRightPasswordSignsInByEachNameOfTheAccount(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(func(a *idp.Account) { a.TierMethod, a.RecoveredAt = idp.ByBank, now-60 })
		_, err := s.Store.AddIdentifier(s.ctx, idp.SNILS("11223344595").Identifier(), a.OID, now)
		s.must(err)
		for _, login := range []string{string(a.Phone), " 8 (912) 345-67-01 ", "A01@EXAMPLE.ru", "112-233-445 95"} {
			b := s.browser("b" + login)
			s.must(b.password(b.request(nil), login, rightPassword))
			v := b.visitor()
			want := idp.Authentication{Time: now, Methods: []string{"pwd"}, Tier: idp.Standard, TierAt: a.TierAt, TierMethod: idp.ByBank, RecoveredAt: now - 60}
			if v.Session == nil || v.Session.OID != a.OID || cmp.Diff(want, v.Session.Auth) != "" {
				t.Errorf("by %q: session %+v", login, v.Session)
			}
		}
		b := s.browser("b")
		s.refused(b.password(b.request(nil), "", rightPassword), "login.empty")
		s.refused(b.password(b.request(nil), string(a.Phone), ""), "password.empty")
	})
}

func TestWhoIsUnknownLockedOrWrongIsAnsweredAlike(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		known := s.account(nil)
		locked := s.account(func(a *idp.Account) { a.Status = idp.Locked })
		closed := s.account(func(a *idp.Account) { a.Status = idp.Closed })
		bare := s.account(func(a *idp.Account) { a.PasswordHash = "" })
		sequence := func(login, password string) (answers []string) {
			b := s.browser("stranger of " + login)
			for range 7 {
				answers = append(answers, codeOf(b.password(b.request(nil), login, password)))
			}
			s.pass(60)
			answers = append(answers, codeOf(b.password(b.request(nil), login, password)))
			s.pass(299)
			answers = append(answers, codeOf(b.password(b.request(nil), login, password)))
			s.pass(1)
			return append(answers, codeOf(b.password(b.request(nil), login, password)))
		}
		want := []string{"login.mismatch", "login.mismatch", "login.mismatch", "login.mismatch", "password.paused", "password.paused", "password.paused",
			"password.paused", "password.paused", "password.paused"}
		for name, c := range map[string]struct{ login, password string }{
			"wrong":              {string(known.Phone), "Wrong-1password"},
			"unknown phone":      {"+79990000000", rightPassword},
			"unknown e-mail":     {"nobody@example.ru", rightPassword},
			"locked, right":      {string(locked.Phone), rightPassword},
			"closed, right":      {string(closed.Email), rightPassword},
			"without a password": {string(bare.Phone), rightPassword},
		} {
			if diff := cmp.Diff(want, sequence(c.login, c.password)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestFiveWrongPasswordsPauseStrangersAndNotAKnownDevice(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(nil)
		own, stranger, other := s.browser("own"), s.browser("stranger"), s.browser("another stranger")
		own.signIn(a)
		own.cookie = ""
		for range 5 {
			_ = stranger.password(stranger.request(nil), string(a.Phone), "Wrong-1password")
		}
		for _, b := range []*browser{stranger, other} {
			e := s.refused(b.password(b.request(nil), string(a.Email), rightPassword), "password.paused")
			if e.Args["until"] != "1800000060" || e.RetryAfter.Seconds() != 60 || e.Kind != idp.TooMany {
				t.Errorf("%s: %+v", b.name, e)
			}
		}
		s.must(own.password(own.request(nil), string(a.Phone), rightPassword))
		s.pass(60)
		s.must(other.password(other.request(nil), string(a.Phone), rightPassword))
		for i, want := range []string{"login.mismatch", "login.mismatch", "login.mismatch", "login.mismatch", "password.paused"} {
			if got := codeOf(stranger.password(stranger.request(nil), string(a.Phone), "Wrong-1password")); got != want {
				t.Errorf("after a right one, wrong number %d: %q, want %q", i+1, got, want)
			}
		}
		events, err := s.Store.Events(s.ctx, a.OID, "", 100)
		s.must(err)
		wrong := 0
		for _, e := range events {
			if e.What == idp.PasswordWrong {
				wrong++
			}
		}
		if wrong != 10 {
			t.Errorf("%d wrong passwords in the journal, want 10", wrong)
		}
	})
}

func TestOfFiftyPasswordsAtOnceFiveAreJudged(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(nil)
		b := s.browser("stranger")
		v, id := b.visitor(), b.request(nil)
		r, err := s.Store.Request(s.ctx, id)
		s.must(err)
		var all sync.WaitGroup
		var judged atomic.Int32
		for range 50 {
			all.Go(func() {
				_, err := s.ProvePassword(s.ctx, v, authn.PasswordProof{Request: r, Login: string(a.Phone), Password: "Wrong-1password"}, s.now)
				if codeOf(err) == "login.mismatch" {
					judged.Add(1)
				}
			})
		}
		all.Wait()
		events, err := s.Store.Events(s.ctx, a.OID, "", 100)
		if s.must(err); judged.Load() != 4 || len(events) != 5 { // the fifth is told that the pause begins
			t.Errorf("%d mismatches and %d events, want 4 and 5", judged.Load(), len(events))
		}
	})
}

func TestANetworkHasABudget(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		s.Limits.NetworkTries = 3
		b := s.browser("b")
		for range 3 {
			s.refused(b.password(b.request(nil), "+79990000000", "x"), "login.mismatch")
		}
		s.pass(100)
		if e := s.refused(b.password(b.request(nil), "+79990000000", "x"), "network.too_many"); e.RetryAfter.Seconds() != 200 {
			t.Errorf("retry after %v, want 200 s", e.RetryAfter)
		}
		s.pass(200)
		s.refused(b.password(b.request(nil), "+79990000000", "x"), "login.mismatch")
	})
}

func TestAPasswordWithOldParametersIsHashedAnew(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(nil)
		authn.HashMemory(16)
		b := s.browser("b")
		s.must(b.password(b.request(nil), string(a.Phone), rightPassword))
		got, err := s.Store.Account(s.ctx, a.OID)
		if err != nil || got.PasswordHash == a.PasswordHash || !strings.Contains(got.PasswordHash, "m=16,") {
			t.Errorf("hash = %q, %v; want a new one", got.PasswordHash, err)
		}
		s.must(b.password(b.request(nil), string(a.Phone), rightPassword))
		if again, err := s.Store.Account(s.ctx, a.OID); err != nil || again.PasswordHash != got.PasswordHash {
			t.Errorf("hashed anew again: %v", err)
		}
	})
}

func TestARequestOfAnotherBrowserOrOneThatIsOverTakesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(withSMS)
		mine, theirs := s.browser("mine"), s.browser("theirs")
		id := mine.request(nil)
		s.must(mine.password(id, string(a.Phone), rightPassword))
		code := s.mail().Code
		acts := map[string]func(b *browser) error{
			"password": func(b *browser) error { return b.password(id, string(a.Phone), rightPassword) },
			"code":     func(b *browser) error { return b.code(id, code) },
			"choose":   func(b *browser) error { return s.Choose(s.ctx, b.visitor(), b.flow(id), idp.SMSFactor, s.now) },
			"again":    func(b *browser) error { return s.SendAgain(s.ctx, b.visitor(), b.flow(id), s.now) },
			"forget":   func(b *browser) error { return s.Forget(s.ctx, b.visitor(), b.flow(id).Request, s.now) },
			"continue": func(b *browser) error { return s.Continue(s.ctx, b.visitor(), b.flow(id).Request, s.now) },
		}
		s.pass(120)
		for name, act := range acts {
			if got := codeOf(act(theirs)); got != "request.other_browser" {
				t.Errorf("%s in another browser: %q", name, got)
			}
		}
		if sent := s.outbox(); len(sent) != 0 || theirs.cookie != "" {
			t.Errorf("another browser had %d messages sent", len(sent))
		}
		_, err := s.Store.RequestRefused(s.ctx, id, s.now.Unix())
		s.must(err)
		for name, act := range acts {
			if got := codeOf(act(mine)); got != "request.finished" {
				t.Errorf("%s on a refused request: %q", name, got)
			}
		}
		old := mine.request(func(r *idp.AuthRequest) { r.ExpiresAt = s.now.Unix() })
		s.refused(mine.password(old, string(a.Phone), rightPassword), "request.finished")
	})
}

func TestTheCookieChangesAtEverySignInAndTheSessionKeepsItsNumber(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a, other := s.account(nil), s.account(nil)
		b := s.browser("b")
		b.signIn(a)
		first, cookie := b.visitor().Session, b.cookie
		s.pass(100)
		id := b.request(func(r *idp.AuthRequest) { r.Prompts = []string{"login"} })
		if got := b.step(id); got != authn.Reauth {
			t.Fatalf("step = %q, want reauth", got)
		}
		s.must(b.password(id, "", rightPassword))
		second := b.visitor().Session
		if second == nil || second.ID != first.ID || second.Auth.Time != now+100 || b.cookie == cookie || second.CreatedAt != now {
			t.Errorf("signed in again: %+v, same cookie %v", second, b.cookie == cookie)
		}
		if got := b.step(id); got != authn.Done {
			t.Errorf("step = %q, want done", got)
		}
		b.cookie, cookie = cookie, b.cookie
		if v := b.visitor(); v.Session != nil {
			t.Error("the former cookie still counts")
		}
		b.cookie = cookie
		b.signIn(other)
		if alive, err := s.Store.SessionAlive(s.ctx, a.OID, first.ID, s.now.Unix()); alive || err != nil {
			t.Errorf("the session of the person before is alive: %v, %v", alive, err)
		}
	})
}

func TestASessionCountsInItsBrowserAndOnlyWhileTheAccountMayBeUsed(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(nil)
		b, thief := s.browser("b"), s.browser("thief")
		b.signIn(a)
		thief.cookie = b.cookie
		if thief.visitor().Session != nil {
			t.Error("the cookie counts in another browser")
		}
		for _, cookie := range []string{"", "x", b.cookie[:len(b.cookie)-1], b.cookie + "A", "B" + b.cookie[1:], b.cookie[:32] + "!" + b.cookie[33:]} {
			wrong := &browser{s: s, name: "b", cookie: cookie}
			if wrong.visitor().Session != nil {
				t.Errorf("the cookie %q counts", cookie)
			}
		}
		for range 23 {
			s.pass(idp.SessionIdle - 1) // used within each half hour
			if b.visitor().Session == nil {
				t.Fatal("a used session ended early")
			}
		}
		s.pass(60 * 60)
		if b.visitor().Session != nil {
			t.Error("an idle session counts")
		}
		b.signIn(a)
		s.exec(`UPDATE account SET status = 'locked' WHERE oid = $1`, int64(a.OID))
		if b.visitor().Session != nil {
			t.Error("the session of a locked account counts")
		}
	})
}

func TestSignOutEndsTheSessionAndLeavesAnEvent(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(nil)
		b := s.browser("b")
		b.signIn(a)
		v := b.visitor()
		s.must(s.SignOut(s.ctx, v, "portal", s.now))
		s.must(s.SignOut(s.ctx, v, "portal", s.now)) // twice is once
		s.must(s.SignOut(s.ctx, b.visitor(), "portal", s.now))
		if b.visitor().Session != nil {
			t.Error("the session is still there")
		}
		events, err := s.Store.Events(s.ctx, a.OID, "", 10)
		s.must(err)
		if len(events) != 2 {
			t.Errorf("%d events, want signed_in and signed_out", len(events))
		}
	})
}

func TestANewDeviceProvesTheEmailOnceUnlessTheDeviceIsSomebodyElses(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		a := s.account(func(a *idp.Account) { a.NewDeviceCode = true })
		b := s.browser("b")
		id := b.request(nil)
		s.must(b.password(id, string(a.Phone), rightPassword))
		m := s.mail()
		if b.cookie != "" || b.step(id) != authn.EmailCode || m.To != string(a.Email) || m.Until != now+authn.DeviceCodeLife {
			t.Errorf("step %q, message to %q until %d", b.step(id), m.To, m.Until)
		}
		s.pass(authn.DeviceCodeLife - 1)
		s.must(b.code(id, m.Code))
		b.cookie = ""
		again := b.request(nil)
		s.must(b.password(again, string(a.Phone), rightPassword))
		if b.cookie == "" {
			t.Error("a known device was asked again")
		}
		s.pass(400 * 86400)
		b.cookie = ""
		s.must(b.password(b.request(nil), string(a.Phone), rightPassword))
		if b.cookie != "" {
			t.Error("a device is known for longer than 400 days")
		}

		s.outbox()
		library := s.browser("library")
		for range 2 {
			r, err := s.Store.Request(s.ctx, library.request(nil))
			s.must(err)
			s.must(library.keep(s.ProvePassword(s.ctx, library.visitor(), authn.PasswordProof{Request: r, Login: string(a.Phone), Password: rightPassword, Public: true}, s.now)))
			if library.step(r.ID) != authn.EmailCode {
				t.Error("somebody else's device is remembered")
			}
			s.must(library.code(r.ID, s.mail().Code))
			library.cookie = ""
			s.pass(61)
		}
	})
}
