package authn_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/store/storetest"
)

// world is two browsers, three accounts and four requests, and what each browser has shown of each account so far.
type world struct {
	*stand
	browsers []*browser
	accounts []idp.Account
	requests map[*browser][]idp.ID
	stale    map[idp.ID]authn.Flow // a page that was left open
	codes    map[string]string     // the last code sent to a contact
	password map[*browser]map[idp.OID]bool
	second   map[*browser]map[idp.OID]bool
}

func newWorld(s *stand) *world {
	w := &world{stand: s, requests: map[*browser][]idp.ID{}, stale: map[idp.ID]authn.Flow{}, codes: map[string]string{},
		password: map[*browser]map[idp.OID]bool{}, second: map[*browser]map[idp.OID]bool{}}
	w.accounts = []idp.Account{s.account(withSMS), s.account(withSMS), s.account(nil), s.account(func(a *idp.Account) { a.NewDeviceCode = true })}
	for _, name := range []string{"one", "two"} {
		b := s.browser(name + w.accounts[0].OID.String())
		w.browsers = append(w.browsers, b)
		w.requests[b] = []idp.ID{b.request(nil), b.request(wantMFA), b.request(func(r *idp.AuthRequest) { r.Prompts = []string{"login"} })}
		w.password[b], w.second[b] = map[idp.OID]bool{}, map[idp.OID]bool{}
	}
	return w
}

func (w *world) read() {
	for _, m := range w.outbox() {
		w.codes[m.To] = m.Code
	}
}

// draw picks a browser, a request of either browser (a foreign one now and then) and the flow of it, sometimes one that was read before.
func (w *world) draw(t *rapid.T) (*browser, idp.ID, authn.Flow) {
	b := rapid.SampledFrom(w.browsers).Draw(t, "browser")
	of := b
	if rapid.IntRange(0, 9).Draw(t, "foreign request") == 0 {
		of = w.browsers[0]
	}
	id := rapid.SampledFrom(w.requests[of]).Draw(t, "request")
	f := b.flow(id)
	if old, ok := w.stale[id]; ok && rapid.IntRange(0, 3).Draw(t, "stale") == 0 {
		f = old
	} else {
		w.stale[id] = f
	}
	return b, id, f
}

func (w *world) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"password": func(t *rapid.T) {
			b, _, f := w.draw(t)
			a := rapid.SampledFrom(w.accounts).Draw(t, "account")
			in := authn.PasswordProof{Request: f.Request, Login: string(a.Phone), Password: rightPassword}
			if v := b.visitor(); v.Account != nil && rapid.Bool().Draw(t, "reauth") {
				a, in.Login = *v.Account, ""
			}
			if rapid.IntRange(0, 4).Draw(t, "wrong") == 0 {
				in.Password = "Wrong-1password"
			} else {
				w.password[b][a.OID] = true
			}
			_ = b.keep(w.ProvePassword(w.ctx, b.visitor(), in, w.now))
		},
		"code": func(t *rapid.T) {
			b, _, f := w.draw(t)
			a := rapid.SampledFrom(w.accounts).Draw(t, "whose code")
			to := rapid.SampledFrom([]string{string(a.Phone), string(a.Email)}).Draw(t, "contact")
			code := w.codes[to]
			if code == "" {
				code = "000000"
			} else if rapid.IntRange(0, 4).Draw(t, "wrong") == 0 {
				code = another(code)
			} else if to == string(a.Phone) || a.NewDeviceCode {
				w.second[b][a.OID] = true
			}
			if f.Account == nil {
				f.Account = &a
			}
			_ = b.keep(w.ProveCode(w.ctx, b.visitor(), f, code, w.now))
		},
		"choose": func(t *rapid.T) {
			b, _, f := w.draw(t)
			_ = w.Choose(w.ctx, b.visitor(), f, rapid.SampledFrom([]idp.Factor{idp.SMSFactor, idp.TOTPFactor, idp.NoFactor}).Draw(t, "method"), w.now)
		},
		"again": func(t *rapid.T) { b, _, f := w.draw(t); _ = w.SendAgain(w.ctx, b.visitor(), f, w.now) },
		"continue": func(t *rapid.T) {
			b, _, f := w.draw(t)
			_ = w.Continue(w.ctx, b.visitor(), f.Request, w.now)
		},
		"forget":   func(t *rapid.T) { b, _, f := w.draw(t); _ = w.Forget(w.ctx, b.visitor(), f.Request, w.now) },
		"sign out": func(t *rapid.T) { b, _, _ := w.draw(t); _ = w.SignOut(w.ctx, b.visitor(), "", w.now) },
		"steal": func(t *rapid.T) {
			w.browsers[0].cookie, w.browsers[1].cookie = w.browsers[1].cookie, w.browsers[0].cookie
		},
		"wait": func(t *rapid.T) { w.pass(rapid.Int64Range(1, 70).Draw(t, "seconds")) },
		"":     w.check,
	}
}

// check is what must hold after each action.
func (w *world) check(t *rapid.T) {
	w.read()
	for _, b := range w.browsers {
		v := b.visitor()
		if v.Session != nil {
			w.checkSession(t, b, v)
		}
		for _, id := range w.requests[b] {
			f := b.flow(id)
			if authn.Next(f) == authn.Done && (f.Session == nil || f.Account == nil || f.Session.OID != f.Account.OID) {
				t.Fatalf("a request is done with session %+v and account %+v", f.Session, f.Account)
			}
		}
	}
}

func (w *world) checkSession(t *rapid.T, b *browser, v authn.Visitor) {
	oid := v.Session.OID
	if !w.password[b][oid] {
		t.Fatalf("%s is signed in as %v without the password", b.name, oid)
	}
	i := slices.IndexFunc(w.accounts, func(a idp.Account) bool { return a.OID == oid })
	if a := w.accounts[i]; (a.SecondFactor != idp.NoFactor || a.NewDeviceCode) && !w.second[b][oid] {
		t.Fatalf("%s is signed in as %v without the code", b.name, oid)
	}
	for _, m := range v.Session.Auth.Methods {
		if m != idp.MethodPassword && (m != idp.MethodSMS || !w.second[b][oid]) {
			t.Fatalf("%s is signed in by %v, which was not proved", b.name, v.Session.Auth.Methods)
		}
	}
}

func TestNoSequenceOfActsSignsInWithoutWhatTheAccountAsks(t *testing.T) {
	s := newStand(t, storetest.SQLiteURL(t))
	s.Limits.NetworkTries = 1 << 40
	rapid.Check(t, func(t *rapid.T) {
		s.now = s.now.Add(48 * 3600e9) // pauses and budgets of the run before are over
		t.Repeat(newWorld(s).actions())
	})
}
