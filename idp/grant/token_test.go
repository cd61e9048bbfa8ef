package grant_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/grant"
	"propusk/store"
)

func TestACodeGivesWhatThePersonAllowed(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		s.register("")
		a := s.account(func(a *idp.Account) { a.Tier, a.TierMethod = idp.Confirmed, idp.ByCentre })
		out := s.tokens(s.visitor(a), ask(func(in *grant.Ask) { offline(in); in.Resource = "https://api.example.ru" }))
		if out.Account.OID != a.OID || !out.IDToken || out.Refresh == "" || out.Opaque != "" || out.ExpiresAt != t0+idp.AccessLife || out.Grant.Nonce != "nonce" {
			t.Errorf("issued %+v", out)
		}
		if diff := cmp.Diff([]string{"https://api.example.ru", issuer}, out.Audience); diff != "" {
			t.Errorf("audience (-want +got):\n%s", diff)
		}
		live, err := s.Check(s.ctx, access(out), s.now)
		s.must(err)
		release, err := s.Release(s.ctx, live)
		if err != nil || release.SNILS != a.SNILS || release.INN != a.INN || release.Person.LastName != "" || !live.ForPerson() {
			t.Errorf("released %+v, %v", release, err)
		}
		s.pass(idp.AccessLife)
		if s.alive(access(out)) {
			t.Error("the access token counts after its end")
		}
	})
}

func TestACodeIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		c := s.register("")
		other := s.register(`"client_id": "other"`)
		s.register(`"client_id": "bare", "require_pkce": false`)
		a := s.account(nil)
		plain := ask(func(in *grant.Ask) { in.ClientID, in.CodeChallenge, in.CodeChallengeMethod = "bare", "", "" })
		for name, k := range map[string]struct {
			change func(*grant.CodeUse)
			as     *idp.Client
			in     grant.Ask
			wait   int64
			want   string
		}{
			"in time":                          {nil, c, ask(nil), 59, ""},
			"too late":                         {nil, c, ask(nil), 60, "code_expired"},
			"of another client":                {nil, other, ask(nil), 0, "code_unknown"},
			"cut off":                          {func(u *grant.CodeUse) { u.Code = u.Code[1:] }, c, ask(nil), 0, "code_unknown"},
			"changed":                          {func(u *grant.CodeUse) { u.Code = u.Code[:70] + flip(u.Code[70:71]) + u.Code[71:] }, c, ask(nil), 0, "code_unknown"},
			"of another row":                   {func(u *grant.CodeUse) { u.Code = u.Code[:20] + flip(u.Code[20:21]) + u.Code[21:] }, c, ask(nil), 0, "code_unknown"},
			"empty":                            {func(u *grant.CodeUse) { u.Code = "" }, c, ask(nil), 0, "code_unknown"},
			"without its verifier":             {func(u *grant.CodeUse) { u.Verifier = "" }, c, ask(nil), 0, "pkce_verifier"},
			"with another verifier":            {func(u *grant.CodeUse) { u.Verifier = strings.Repeat("v", 43) }, c, ask(nil), 0, "pkce_verifier"},
			"with the challenge as verifier":   {func(u *grant.CodeUse) { u.Verifier = challenge(verifier) }, c, ask(nil), 0, "pkce_verifier"},
			"with another redirect":            {func(u *grant.CodeUse) { u.RedirectURI += "/" }, c, ask(nil), 0, "redirect_uri_differs"},
			"without the redirect":             {func(u *grant.CodeUse) { u.RedirectURI = "" }, c, ask(nil), 0, "redirect_uri_differs"},
			"without a challenge, as it began": {func(u *grant.CodeUse) { u.Verifier = "" }, s.Client("bare"), plain, 0, ""},
			"with a verifier nobody asked for": {nil, s.Client("bare"), plain, 0, "pkce_unasked"},
			"for another resource":             {func(u *grant.CodeUse) { u.Resource = "https://b.example.ru" }, c, ask(func(in *grant.Ask) { in.Resource = "https://a.example.ru" }), 0, "resource_differs"},
			"for a resource named late":        {func(u *grant.CodeUse) { u.Resource = "https://b.example.ru" }, c, ask(nil), 0, ""},
			"for a resource that is none":      {func(u *grant.CodeUse) { u.Resource = "b" }, c, ask(nil), 0, "resource"},
		} {
			u := use(s.code(s.visitor(a), k.in))
			right := u
			if k.change != nil {
				k.change(&u)
			}
			s.pass(k.wait)
			_, err := s.Redeem(s.ctx, k.as, u, s.now)
			if got := reason(err); got != k.want {
				t.Errorf("a code %s: %q, want %q", name, got, k.want)
			}
			if k.want == "redirect_uri_differs" || k.want == "pkce_verifier" { // whoever has it without its binding is not its owner
				if _, err := s.Redeem(s.ctx, k.as, right, s.now); err == nil {
					t.Errorf("a code %s: it can still be redeemed", name)
				}
			}
			if k.want == "code_unknown" {
				if _, err := s.Redeem(s.ctx, c, right, s.now); err != nil {
					t.Errorf("a code %s: the owner lost it: %v", name, err)
				}
			}
		}
	})
}

// flip changes a letter of base64url to another.
func flip(letter string) string {
	if letter == "A" {
		return "B"
	}
	return "A"
}

func TestACodeThatComesTwiceEndsWhatItGave(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		c, a := s.register(""), s.account(nil)
		u := use(s.code(s.visitor(a), ask(offline)))
		out, err := s.Redeem(s.ctx, c, u, s.now)
		s.must(err)
		for range 2 {
			_, err = s.Redeem(s.ctx, c, u, s.now)
			s.refused(err, "code_reused")
		}
		if s.alive(access(out)) {
			t.Error("the access token counts")
		}
		_, err = s.refresh(c, out.Refresh)
		s.refused(err, "grant_ended")
		if n := s.events(a.OID, idp.CodeReused); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		u = use(s.code(s.visitor(a), ask(nil)))
		if won := race(20, func() error { _, err := s.Redeem(s.ctx, c, u, s.now); return err }); won > 1 {
			t.Errorf("%d redeemed one code, want 1 at most", won)
		}
	})
}

func TestRefreshTokensRotateAndAnOldOneEndsTheFamily(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		c, other, a := s.register(""), s.register(`"client_id": "other"`), s.account(nil)
		first := s.tokens(s.visitor(a), ask(offline))
		s.pass(100)
		_, err := s.refresh(other, first.Refresh)
		s.refused(err, "refresh_unknown")
		_, err = s.refresh(c, first.Refresh[1:])
		s.refused(err, "refresh_unknown")
		second, err := s.refresh(c, first.Refresh)
		if s.must(err); second.Refresh == first.Refresh || second.JTI == first.JTI || second.ExpiresAt != t0+100+idp.AccessLife {
			t.Errorf("refreshed: %+v", second)
		}
		s.pass(idp.RefreshGrace)
		again, err := s.refresh(c, first.Refresh) // the answer was lost
		if err != nil || again.Refresh != second.Refresh {
			t.Errorf("repeated within the grace: same %v, %v", again.Refresh == second.Refresh, err)
		}
		third, err := s.refresh(c, second.Refresh)
		s.must(err)
		_, err = s.refresh(c, first.Refresh)
		s.refused(err, "refresh_reused")
		for _, token := range []string{first.Refresh, second.Refresh, third.Refresh} {
			_, err = s.refresh(c, token)
			s.refused(err, "grant_ended")
		}
		if s.alive(access(third)) || s.events(a.OID, idp.RefreshReused) != 1 {
			t.Errorf("the access token counts, or %d events", s.events(a.OID, idp.RefreshReused))
		}

		late := s.tokens(s.visitor(a), ask(offline))
		_, err = s.refresh(c, late.Refresh)
		s.must(err)
		s.pass(idp.RefreshGrace + 1)
		_, err = s.refresh(c, late.Refresh)
		s.refused(err, "refresh_reused")

		old := s.tokens(s.visitor(a), ask(offline))
		s.pass(idp.RefreshLife - 1)
		_, err = s.refresh(c, old.Refresh)
		s.must(err)
		s.pass(1)
		_, err = s.refresh(c, old.Refresh)
		s.refused(err, "grant_ended")
	})
}

func TestTwentyRefreshesAtOnceGetOneTokenAndNobodyLosesIt(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		c := s.register("")
		out := s.tokens(s.visitor(s.account(nil)), ask(offline))
		got := make(chan string, 20)
		if n := race(20, func() error { o, err := s.refresh(c, out.Refresh); got <- o.Refresh; return err }); n != 20 {
			t.Errorf("%d of 20 refreshed", n)
		}
		next := <-got
		for range 19 {
			if r := <-got; r != next {
				t.Fatal("two different refresh tokens of one generation")
			}
		}
		if _, err := s.refresh(c, next); err != nil {
			t.Error(err)
		}
	})
}

func TestARefreshNarrowsAndAWishThatIsTooWideCostsNothing(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		c := s.register("")
		out := s.tokens(s.visitor(s.account(nil)), ask(offline))
		wish := func(scope, resource string) (grant.Issued, error) {
			return s.Refresh(s.ctx, c, grant.RefreshUse{Token: out.Refresh, Scope: scope, Resource: resource}, s.now)
		}
		_, err := wish("snils profile", "")
		s.refused(err, "scope_wider")
		_, err = wish("", "no address")
		s.refused(err, "resource")
		s.pass(60)
		out, err = wish("snils", "https://api.example.ru")
		s.must(err)
		if fmt.Sprint(out.Scopes, out.Audience, out.IDToken) != "[snils] [https://api.example.ru] false" {
			t.Errorf("narrowed: %v %v %v", out.Scopes, out.Audience, out.IDToken)
		}
		live, err := s.Check(s.ctx, access(out), s.now)
		s.must(err)
		if got := live.Attributes(); fmt.Sprint(got) != "[snils]" {
			t.Errorf("the narrowed token opens %v", got)
		}
		s.pass(60)
		if out, err = wish("", ""); err != nil || len(out.Scopes) != 4 {
			t.Errorf("what was granted came back as %v, %v", out.Scopes, err)
		}
	})
}

func TestTheGateIsAskedBeforeAnyTokenLeaves(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		for name, k := range map[string]struct {
			change func(a idp.Account, v authn.Visitor)
			want   string // of the refresh; empty: it is refreshed
			access bool   // the access token still counts
		}{
			"nothing happened": {func(idp.Account, authn.Visitor) {}, "", true},
			"the account was locked": {func(a idp.Account, _ authn.Visitor) {
				s.exec(`UPDATE account SET status = 'locked' WHERE oid = $1`, int64(a.OID))
			}, "grant_ended", false},
			"the account was closed": {func(a idp.Account, _ authn.Visitor) {
				s.exec(`UPDATE account SET status = 'closed' WHERE oid = $1`, int64(a.OID))
			}, "grant_ended", false},
			"the password was changed": {func(a idp.Account, _ authn.Visitor) {
				s.exec(`UPDATE account SET epoch = epoch + 1 WHERE oid = $1`, int64(a.OID))
			}, "grant_ended", false},
			"the tier fell": {func(a idp.Account, _ authn.Visitor) {
				s.exec(`UPDATE account SET tier = 'simplified' WHERE oid = $1`, int64(a.OID))
			}, "tier_fell", false},
			"consent was withdrawn": {func(_ idp.Account, v authn.Visitor) { s.must(s.Withdraw(s.ctx, v, "portal", s.now)) }, "grant_ended", false},
			"the person signed out": {func(_ idp.Account, v authn.Visitor) { s.must(s.Authn.SignOut(s.ctx, v, "", s.now)) }, "", true},
			"the client was stopped": {func(idp.Account, authn.Visitor) {
				s.exec(`UPDATE client SET disabled = $1`, true)
				s.exec(`UPDATE revision SET n = n + 1`)
			}, "client_stopped", false},
		} {
			s.exec(`UPDATE client SET disabled = $1`, false)
			s.exec(`UPDATE revision SET n = n + 1`)
			c := s.register(`"minimum_tier": "standard"`)
			a := s.account(nil)
			v := s.visitor(a)
			out := s.tokens(v, ask(offline))
			waiting := s.code(v, ask(offline))
			k.change(a, v)
			s.must(s.Reload(s.ctx, s.now))
			if got := s.alive(access(out)); got != k.access {
				t.Errorf("%s: the access token counts: %v", name, got)
			}
			if _, err := s.refresh(c, out.Refresh); reason(err) != k.want {
				t.Errorf("%s: refresh %q, want %q", name, reason(err), k.want)
			}
			if _, err := s.Redeem(s.ctx, c, use(waiting), s.now); (err == nil) != (k.want == "") {
				t.Errorf("%s: redeem %q, refresh %q", name, reason(err), k.want)
			}
		}
	})
}

func TestTokensWithoutOfflineAccessEndWithTheSession(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		c := s.register("")
		a := s.account(nil)
		v := s.visitor(a)
		out, waiting := s.tokens(v, ask(nil)), s.code(v, ask(nil))
		if out.Refresh != "" {
			t.Error("a refresh token without offline_access")
		}
		s.must(s.Authn.SignOut(s.ctx, v, "", s.now))
		_, err := s.Redeem(s.ctx, c, use(waiting), s.now)
		if s.refused(err, "grant_ended"); s.alive(access(out)) {
			t.Error("the access token counts after sign-out")
		}
		idle := s.tokens(s.visitor(a), ask(nil))
		s.exec(`UPDATE session SET seen_at = $1`, t0-idp.SessionIdle)
		if s.alive(access(idle)) {
			t.Error("the access token counts after the session was idle")
		}
	})
}

func TestTheTierOfATokenIsThatOfTheSignInAndNeverHigherThanNow(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		c := s.register("")
		a := s.account(nil)
		out := s.tokens(s.visitor(a), ask(offline))
		for _, k := range []struct{ tier, want idp.Tier }{{idp.Confirmed, idp.Standard}, {idp.Simplified, idp.Simplified}, {idp.Standard, idp.Standard}} {
			s.exec(`UPDATE account SET tier = $1, recovered_at = $2 WHERE oid = $3`, string(k.tier), s.now.Unix(), int64(a.OID))
			s.pass(20)
			var err error
			if out, err = s.refresh(c, out.Refresh); err != nil || out.Grant.Auth.Tier != k.want || out.Grant.Auth.RecoveredAt != s.now.Unix()-20 {
				t.Errorf("with tier %s: %+v, %v; want %s", k.tier, out.Grant.Auth, err, k.want)
			}
		}
		s.pass(idp.RecoveryPause)
		if out, err := s.refresh(c, out.Refresh); err != nil || out.Grant.Auth.RecoveredAt != 0 {
			t.Errorf("after the pause: recovered_at %d, %v", out.Grant.Auth.RecoveredAt, err)
		}
	})
}

func TestAMachineGetsItsOwnScopesAlone(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		c := s.register(`"grant_types": ["client_credentials"], "redirect_uris": null, "scope": "reports.read openid reports.write"`)
		for scope, want := range map[string]string{"": "[reports.read reports.write]", "reports.read": "[reports.read]", "openid": "scope_not_registered",
			"snils": "scope_not_registered", "reports.delete": "scope_not_registered", "\"": "scope_not_registered"} {
			out, err := s.Machine(s.ctx, c, scope, "", s.now)
			if got := reason(err); err == nil && fmt.Sprint(out.Scopes) != want || err != nil && got != want {
				t.Errorf("scope %q: %v, %q; want %s", scope, out.Scopes, got, want)
			}
		}
		_, err := s.Machine(s.ctx, c, "", "x", s.now)
		s.refused(err, "resource")
		out, err := s.Machine(s.ctx, c, "", "https://api.example.ru", s.now)
		if s.must(err); out.Refresh != "" || out.IDToken || fmt.Sprint(out.Audience) != "[https://api.example.ru]" || !s.alive(access(out)) {
			t.Errorf("issued %+v", out)
		}
		s.must(s.RevokeAccess(s.ctx, c, access(out), s.now))
		if s.alive(access(out)) {
			t.Error("a revoked token counts")
		}
	})
}

func TestAnOpaqueTokenIsFoundUntilItEnds(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		c := s.register(`"access_token_format": "opaque"`)
		out := s.tokens(s.visitor(s.account(nil)), ask(offline))
		a, err := s.Opaque(s.ctx, out.Opaque, s.now)
		s.must(err)
		if live, err := s.Check(s.ctx, a, s.now); err != nil || live.Grant.ID != out.Grant.ID || fmt.Sprint(live.Scopes) != fmt.Sprint(out.Scopes) {
			t.Errorf("found %+v, %v", live, err)
		}
		for _, wrong := range []string{"", "at_", out.Opaque + "x", out.JTI, strings.Repeat("a", 200)} {
			if _, err := s.Opaque(s.ctx, wrong, s.now); !isNotFound(err) {
				t.Errorf("Opaque(%q): %v", wrong, err)
			}
		}
		if ok, err := s.RevokeRefresh(s.ctx, c, out.Refresh, s.now); !ok || err != nil || s.alive(a) {
			t.Errorf("revoked: %v, %v, still alive %v", ok, err, s.alive(a))
		}
		s.pass(idp.AccessLife)
		if _, err := s.Opaque(s.ctx, out.Opaque, s.now); !isNotFound(err) {
			t.Errorf("after its end: %v", err)
		}
		machine := s.register(`"client_id": "m", "grant_types": ["client_credentials"], "redirect_uris": null, "scope": "r", "access_token_format": "opaque"`)
		own, err := s.Machine(s.ctx, machine, "", "", s.now)
		s.must(err)
		a, err = s.Opaque(s.ctx, own.Opaque, s.now)
		if s.must(err); !s.alive(a) {
			t.Error("a machine's opaque token does not count")
		}
		s.must(s.RevokeAccess(s.ctx, machine, a, s.now))
		if _, err := s.Opaque(s.ctx, own.Opaque, s.now); !isNotFound(err) {
			t.Errorf("a machine's opaque token counts after it was revoked: %v", err)
		}
	})
}

func TestAClientRevokesItsOwnTokensAlone(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		c, other, a := s.register(""), s.register(`"client_id": "other"`), s.account(nil)
		out := s.tokens(s.visitor(a), ask(offline))
		if ok, err := s.RevokeRefresh(s.ctx, other, out.Refresh, s.now); ok || err != nil {
			t.Errorf("another client: %v, %v", ok, err)
		}
		s.must(s.RevokeAccess(s.ctx, other, access(out), s.now))
		if !s.alive(access(out)) {
			t.Error("another client revoked the token")
		}
		if ok, err := s.RevokeRefresh(s.ctx, c, "not one", s.now); ok || err != nil {
			t.Errorf("no token: %v, %v", ok, err)
		}
		s.must(s.RevokeAccess(s.ctx, c, access(out), s.now))
		if _, err := s.refresh(c, out.Refresh); s.alive(access(out)) || reason(err) != "grant_ended" || s.events(a.OID, idp.TokensRevoked) != 1 {
			t.Errorf("revoked: alive %v, refresh %v", s.alive(access(out)), err)
		}
	})
}

func TestIntrospectionSpeaksToTheOwnerAndToTheAudience(t *testing.T) {
	token := grant.Access{ClientID: "portal", Audience: []string{"api", issuer}}
	for id, want := range map[string]bool{"portal": true, "api": true, "stranger": false, "": false} {
		if got := grant.Speaks(&idp.Client{ID: id}, token); got != want {
			t.Errorf("Speaks to %q = %v, want %v", id, got, want)
		}
	}
}

func TestAPairwiseSubjectIsTheSameInItsSectorAndReadByUsAlone(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		const pairwise = `"subject_type": "pairwise", "redirect_uris": `
		public := s.register("")
		one := s.register(`"client_id": "one", ` + pairwise + `["https://a.example.ru/1"]`)
		same := s.register(`"client_id": "same", ` + pairwise + `["https://a.example.ru/2"]`)
		sector := s.register(`"client_id": "sector", "sector_identifier_uri": "https://a.example.ru/s.json", ` + pairwise + `["https://c.example.ru/", "https://d.example.ru/"]`)
		two := s.register(`"client_id": "two", ` + pairwise + `["https://b.example.ru/1"]`)
		a, b := s.account(nil), s.account(nil)
		if got := s.Subject(public, a.OID); got != a.OID.String() {
			t.Errorf("public subject = %s", got)
		}
		sub := s.Subject(one, a.OID)
		if sub != s.Subject(same, a.OID) || sub != s.Subject(sector, a.OID) {
			t.Error("two clients of one sector know two subjects")
		}
		if sub == s.Subject(two, a.OID) || sub == s.Subject(one, b.OID) || sub == a.OID.String() || len(sub) != 22 {
			t.Errorf("the subject %s is not pairwise", sub)
		}
		sid := idp.NewID(s.now)
		if s.SessionID(one, sid) != s.SessionID(same, sid) || s.SessionID(one, sid) == s.SessionID(two, sid) || s.SessionID(public, sid) != string(sid) {
			t.Error("sid is not one for each sector")
		}
		hint := func(c *idp.Client, sub string, change func(map[string]any), typ string) (grant.Hint, error) {
			claims := map[string]any{"iss": issuer, "aud": c.ID, "sub": sub, "sid": "x", "exp": 1}
			if change != nil {
				change(claims)
			}
			text, err := json.Marshal(claims)
			s.must(err)
			token, _, err := s.Ring().Sign("ES256", typ, text, s.now)
			s.must(err)
			return s.ReadHint(token)
		}
		for _, k := range []struct {
			c *idp.Client
			a idp.Account
		}{{public, a}, {one, a}, {two, b}} {
			if got, err := hint(k.c, s.Subject(k.c, k.a.OID), nil, "JWT"); err != nil || got.OID != k.a.OID || got.Client.ID != k.c.ID || got.SessionID != "x" {
				t.Errorf("hint of %s: %+v, %v", k.c.ID, got, err)
			}
		}
		for name, bad := range map[string]func() (grant.Hint, error){
			"a subject of another sector": func() (grant.Hint, error) { return hint(two, sub, nil, "JWT") },
			"a number at a pairwise one":  func() (grant.Hint, error) { return hint(one, a.OID.String(), nil, "JWT") },
			"an access token":             func() (grant.Hint, error) { return hint(public, a.OID.String(), nil, "at+jwt") },
			"of another issuer": func() (grant.Hint, error) {
				return hint(public, a.OID.String(), func(m map[string]any) { m["iss"] = "x" }, "JWT")
			},
			"of several audiences": func() (grant.Hint, error) {
				return hint(public, a.OID.String(), func(m map[string]any) { m["aud"] = []string{"portal"} }, "JWT")
			},
			"of an unknown client": func() (grant.Hint, error) {
				return hint(public, a.OID.String(), func(m map[string]any) { m["aud"] = "x" }, "JWT")
			},
			"not signed by us": func() (grant.Hint, error) { return s.ReadHint("a.b.c") },
		} {
			if _, err := bad(); err == nil {
				t.Errorf("a hint %s was taken", name)
			}
		}
	})
}

func TestTheNumberOfTheAccountIsNotToBeSeenInCodesAndTokens(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		c, a := s.register(""), s.account(nil)
		v := s.visitor(a)
		code := s.code(v, ask(offline))
		out, err := s.Redeem(s.ctx, c, use(code), s.now)
		s.must(err)
		other := s.tokens(v, ask(offline))
		var number [8]byte
		binary.BigEndian.PutUint64(number[:], uint64(a.OID))
		heads := map[string]bool{}
		for _, token := range []string{code, out.JTI, out.Refresh, other.JTI, other.Refresh} {
			raw, err := base64.RawURLEncoding.DecodeString(token)
			s.must(err)
			if strings.Contains(string(raw), string(number[2:])) || strings.Contains(token, a.OID.String()) {
				t.Errorf("%s shows the number", token)
			}
			heads[string(raw[:8])] = true
		}
		if len(heads) != 2 {
			t.Errorf("%d different masks in two grants, want 2", len(heads))
		}
		g, err := s.Store.Grant(s.ctx, store.GrantKey{OID: a.OID, ID: out.Grant.ID})
		s.must(err)
		raw, _ := base64.RawURLEncoding.DecodeString(code)
		if sum := sha256.Sum256(raw[24:]); string(g.CodeHash) != string(sum[:]) {
			t.Error("the code is not stored as a hash")
		}
	})
}

func TestARequestGivesOneCode(t *testing.T) {
	each(t, func(t *testing.T, s *stand) {
		s.register("")
		v := s.visitor(s.account(nil))
		r := s.begin(v, ask(nil))
		s.must(s.Allow(s.ctx, v, s.flow(v, r.ID), v.Session.ID, s.now))
		f := s.flow(v, r.ID)
		if won := race(20, func() error { _, err := s.Issue(s.ctx, f, s.now); return err }); won != 1 {
			t.Errorf("%d codes of one request, want 1", won)
		}
		if err := s.Refuse(s.ctx, v, r, s.now); !errors.Is(err, idp.Gone) {
			t.Errorf("refuse after that: %v", err)
		}
	})
}
