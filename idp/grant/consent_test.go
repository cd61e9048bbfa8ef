package grant_test

import (
	"errors"
	"fmt"
	"testing"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/grant"
)

func TestConsentIsAskedOnceAndGrows(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		s.register(`"purposes": {"snils": "найти обращение"}`)
		a := s.account(nil)
		v := s.visitor(a)
		step := func(change func(*grant.Ask)) authn.Step { return authn.Next(s.flow(v, s.begin(v, ask(change)).ID)) }
		if got := step(nil); got != authn.Consent {
			t.Errorf("first: %q", got)
		}
		s.code(v, ask(nil))
		if got := step(nil); got != authn.Done {
			t.Errorf("second: %q", got)
		}
		if got := step(func(in *grant.Ask) { in.Prompt = "consent" }); got != authn.Consent {
			t.Errorf("prompt=consent: %q", got)
		}
		if got := step(offline); got != authn.Consent {
			t.Errorf("while away: %q", got)
		}
		s.code(v, ask(offline))
		s.code(v, ask(func(in *grant.Ask) { in.Scope = "profile" }))
		c, err := s.Store.Consent(s.ctx, a.OID, "portal")
		s.must(err)
		if !c.Offline || fmt.Sprint(c.Attributes) != "[snils inn name birth_date gender]" || c.Purposes["snils"] != "найти обращение" {
			t.Errorf("consent %+v", c)
		}
		s.register(`"purposes": {"snils": "передать другим"}`)
		if got := step(nil); got != authn.Consent {
			t.Errorf("another purpose: %q", got)
		}
		s.pass(idp.ConsentLife)
		v = s.visitor(a)
		if got := step(func(in *grant.Ask) { in.Scope = "profile" }); got != authn.Consent {
			t.Errorf("after a year: %q", got)
		}
		if n := s.events(a.OID, idp.ConsentGiven); n != 3 {
			t.Errorf("%d events, want 3", n)
		}
	})
}

func TestThePageOfConsentIsAnsweredByThePersonAndTheBrowserItWasDrawnFor(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		s.register("")
		v, other := s.visitor(s.account(nil)), s.visitor(s.account(nil))
		r := s.begin(v, ask(nil))
		f := s.flow(v, r.ID)
		if err := s.Allow(s.ctx, v, f, other.Session.ID, s.now); !errors.Is(err, idp.Conflict) {
			t.Errorf("drawn for another session: %v", err)
		}
		if err := s.Allow(s.ctx, other, s.flow(other, r.ID), other.Session.ID, s.now); !errors.Is(err, idp.Denied) {
			t.Errorf("in another browser: %v", err)
		}
		if err := s.Refuse(s.ctx, other, r, s.now); !errors.Is(err, idp.Denied) {
			t.Errorf("refused in another browser: %v", err)
		}
		s.must(s.Allow(s.ctx, v, f, v.Session.ID, s.now))
		if err := s.Allow(s.ctx, v, s.flow(v, r.ID), v.Session.ID, s.now); !errors.Is(err, idp.Gone) {
			t.Errorf("answered twice: %v", err)
		}
	})
}

func TestARefusedRequestStaysRefused(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		s.register("")
		a := s.account(nil)
		v := s.visitor(a)
		r := s.begin(v, ask(nil))
		f := s.flow(v, r.ID)
		if won := race(20, func() error { return s.Refuse(s.ctx, v, r, s.now) }); won != 1 || s.events(a.OID, idp.ConsentDenied) != 1 {
			t.Errorf("%d refusals, %d events; want 1 and 1", won, s.events(a.OID, idp.ConsentDenied))
		}
		if err := s.Allow(s.ctx, v, f, v.Session.ID, s.now); !errors.Is(err, idp.Gone) {
			t.Errorf("allowed after that: %v", err)
		}
		if c, err := s.Store.Consent(s.ctx, a.OID, "portal"); c != nil || err != nil {
			t.Errorf("consent %v, %v", c, err)
		}
		f.Consent = &idp.Consent{}
		if _, err := s.Issue(s.ctx, f, s.now); !errors.Is(err, idp.Gone) {
			t.Errorf("a code after that: %v", err)
		}
	})
}

func TestARequestOfAStoppedClientGoesNowhere(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		s.register("")
		v := s.visitor(s.account(nil))
		r := s.begin(v, ask(nil))
		_, err := s.Store.DisableClient(s.ctx, "portal", t0)
		s.must(err)
		s.must(s.Reload(s.ctx, s.now))
		_, err = s.Flow(s.ctx, r, v, s.now)
		s.refused(err, "client_stopped")
	})
}

func TestWithdrawingTwiceLeavesOneEvent(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		s.register("")
		a := s.account(nil)
		v := s.visitor(a)
		s.tokens(v, ask(nil))
		s.must(s.Withdraw(s.ctx, v, "portal", s.now))
		s.must(s.Withdraw(s.ctx, v, "portal", s.now))
		if n := s.events(a.OID, idp.ConsentWithdrawn); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})
}

func TestWhoIsSignedInAndHasAllowedEverythingIsAnsweredAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		c := s.register("")
		v := s.visitor(s.account(nil))
		s.code(v, ask(nil))
		r, _, err := s.Begin(ask(nil), s.now) // never stored
		s.must(err)
		f, err := s.Flow(s.ctx, r, v, s.now)
		if s.must(err); authn.Next(f) != authn.Done {
			t.Fatalf("step = %q", authn.Next(f))
		}
		code, err := s.Issue(s.ctx, f, s.now)
		s.must(err)
		_, err = s.Redeem(s.ctx, c, use(code), s.now)
		s.must(err)
	})
}
