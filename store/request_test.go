package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"propusk/idp"
	"propusk/store"
	"propusk/store/storetest"
)

// aRequest has every column filled that a face writes.
func aRequest() idp.AuthRequest {
	return idp.AuthRequest{ID: idp.NewID(time.Unix(t0, 0)), DeviceHash: []byte("device"), Face: idp.FaceOIDC, ClientID: "portal", ReturnTo: "/authorize/x",
		RedirectURI: "https://portal.example.ru/cb", ResponseMode: "form_post", State: "s <&>", Nonce: "n", Scopes: []string{"openid", "snils"},
		Claims: `{"userinfo":{}}`, CodeChallenge: "c", ACRs: []idp.ACR{{Tier: idp.Standard, Strength: idp.PhishingResistant}}, ACREssential: true,
		MinimumTier: idp.Confirmed, Prompts: []string{"login", "consent"}, MaxAge: -1, LoginHint: "+79123456789", HintOID: 12345678901,
		Resource: "https://api.example.ru", Language: idp.Russian, CreatedAt: t0, ExpiresAt: t0 + 3600}
}

func addRequest(t *testing.T, db *store.DB, change func(*idp.AuthRequest)) idp.ID {
	t.Helper()
	r := aRequest()
	if change != nil {
		change(&r)
	}
	must(t, db.AddRequest(t.Context(), r))
	return r.ID
}

func TestARequestComesBackAsItWent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		want := aRequest()
		want.OID, want.PasswordAt, want.Method, want.SecondAt, want.EmailAt, want.SessionID = 5, 1, idp.SMSFactor, 2, 3, "x"
		want.ChosenAt, want.ConsentedAt, want.Public, want.GrantedAt, want.RefusedAt = 4, 5, true, 6, 7
		must(t, db.AddRequest(t.Context(), want))
		got, err := db.Request(t.Context(), want.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, diff)
		}
		holds(t, "unknown", false)(found(db.Request(t.Context(), "none")))
	})
}

// facts is every statement that writes a fact of the login to a request, for account 7.
func facts(t *testing.T, db *store.DB) map[string]func(idp.ID, int64) (bool, error) {
	ctx := t.Context()
	return map[string]func(idp.ID, int64) (bool, error){
		"password": func(id idp.ID, now int64) (bool, error) {
			return db.RequestPassword(ctx, id, 7, idp.SMSFactor, true, now)
		},
		"method":    func(id idp.ID, now int64) (bool, error) { return db.RequestMethod(ctx, id, 7, idp.TOTPFactor, now) },
		"second":    func(id idp.ID, now int64) (bool, error) { return db.RequestSecond(ctx, id, 7, idp.SMSFactor, now) },
		"email":     func(id idp.ID, now int64) (bool, error) { return db.RequestEmail(ctx, id, 7, now) },
		"session":   func(id idp.ID, now int64) (bool, error) { return db.RequestSession(ctx, id, 7, "s", now) },
		"chosen":    func(id idp.ID, now int64) (bool, error) { return db.RequestChosen(ctx, id, 7, now) },
		"forget":    func(id idp.ID, now int64) (bool, error) { return db.RequestForget(ctx, id, now) },
		"consented": func(id idp.ID, now int64) (bool, error) { return db.RequestConsented(ctx, id, 7, now) },
		"granted":   func(id idp.ID, now int64) (bool, error) { return db.RequestGranted(ctx, id, 7, now) },
	}
}

func TestARequestThatIsOverTakesNoFact(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, write := range facts(t, db) {
			open := addRequest(t, db, func(r *idp.AuthRequest) { r.OID = 7 })
			holds(t, name+" on an open one", true)(write(open, t0+3599))
			holds(t, name+" on an expired one", false)(write(addRequest(t, db, func(r *idp.AuthRequest) { r.OID = 7 }), t0+3600))
			holds(t, name+" on a granted one", false)(write(addRequest(t, db, func(r *idp.AuthRequest) { r.OID, r.GrantedAt = 7, t0 }), t0+1))
			refused := addRequest(t, db, func(r *idp.AuthRequest) { r.OID, r.RefusedAt = 7, t0 })
			before, err := db.Request(t.Context(), refused)
			must(t, err)
			holds(t, name+" on a refused one", false)(write(refused, t0+1))
			if after, err := db.Request(t.Context(), refused); err != nil || cmp.Diff(before, after) != "" {
				t.Errorf("%s changed a refused request: %v\n%s", name, err, cmp.Diff(before, after))
			}
			holds(t, name+" on one that is not there", false)(write("none", t0))
		}
	})
}

func TestAFactOfAnotherPersonIsNotWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		writes := facts(t, db)
		for _, name := range []string{"method", "second", "email", "consented"} {
			holds(t, name, false)(writes[name](addRequest(t, db, func(r *idp.AuthRequest) { r.OID = 8 }), t0+1))
		}
		for name, want := range map[string]bool{"method": true, "second": false, "email": false, "consented": true} {
			holds(t, name+" before anyone is known", want)(writes[name](addRequest(t, db, nil), t0+1))
		}
	})
}

func TestARightPasswordForgetsTheFactsOfWhoeverWasThereBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		dirty := func(r *idp.AuthRequest) {
			r.OID, r.PasswordAt, r.Method, r.SecondAt, r.EmailAt, r.SessionID, r.ChosenAt, r.ConsentedAt = 8, 1, idp.TOTPFactor, 1, 1, "s", 1, 1
		}
		clean := aRequest()
		for name, c := range map[string]struct {
			write func(idp.ID) (bool, error)
			want  func(*idp.AuthRequest)
		}{
			"password": {func(id idp.ID) (bool, error) { return db.RequestPassword(ctx, id, 7, idp.SMSFactor, true, t0) },
				func(r *idp.AuthRequest) { r.OID, r.PasswordAt, r.Method, r.Public = 7, t0, idp.SMSFactor, true }},
			"chosen": {func(id idp.ID) (bool, error) { return db.RequestChosen(ctx, id, 7, t0) },
				func(r *idp.AuthRequest) { r.OID, r.ChosenAt = 7, t0 }},
		} {
			id := addRequest(t, db, dirty)
			holds(t, name, true)(c.write(id))
			want := clean
			want.ID = id
			c.want(&want)
			if got, err := db.Request(ctx, id); err != nil || cmp.Diff(want, got) != "" {
				t.Errorf("%s: err = %v, diff (-want +got):\n%s", name, err, cmp.Diff(want, got))
			}
		}
	})
}

func TestWhoSaysThatTheyAreSomebodyElseKeepsWhatThePortalAsked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		for asked, want := range map[string][]string{"": {idp.PromptOther}, "consent": {"consent", idp.PromptOther}} {
			id := addRequest(t, db, func(r *idp.AuthRequest) {
				r.OID, r.PasswordAt, r.ChosenAt, r.SessionID, r.Prompts = 8, 1, 1, "s", nil
				if asked != "" {
					r.Prompts = []string{asked}
				}
			})
			holds(t, "forget", true)(db.RequestForget(ctx, id, t0))
			holds(t, "forget again", true)(db.RequestForget(ctx, id, t0))
			r, err := db.Request(ctx, id)
			if err != nil || cmp.Diff(want, r.Prompts) != "" || r.OID != 0 || r.PasswordAt != 0 || r.ChosenAt != 0 || r.SessionID != "" {
				t.Errorf("prompt=%s: %v, %v; want prompts %v and nobody", asked, r, err, want)
			}
		}
	})
}

func TestARequestGivesOneCodeOrOneRefusal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, id := t.Context(), addRequest(t, db, nil)
		if won := race(t, 20, func() (bool, error) { return db.RequestGranted(ctx, id, 7, t0) }); won != 1 {
			t.Errorf("%d got the code of one request, want 1", won)
		}
		holds(t, "refuse a granted one", false)(db.RequestRefused(ctx, id, t0))
		id = addRequest(t, db, nil)
		if won := race(t, 20, func() (bool, error) { return db.RequestRefused(ctx, id, t0) }); won != 1 {
			t.Errorf("%d refused one request, want 1", won)
		}
	})
}

func aRegistration() store.Registration {
	return store.Registration{ID: idp.NewID(time.Unix(t0, 0)), DeviceHash: []byte("device"), RequestID: "r",
		Person: idp.Person{LastName: "Иванов", FirstName: "Иван", MiddleName: "Иванович"}, Phone: "+79123456789", Email: "ivan@example.ru",
		Language: idp.Russian, TermsVersion: "2026-11", TermsAt: t0, CreatedAt: t0, ExpiresAt: t0 + 100}
}

func TestARegistrationIsProvedOnceAndThenFinishedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, r := t.Context(), aRegistration()
		must(t, db.AddRegistration(ctx, r))
		if got, err := db.Registration(ctx, r.ID); err != nil || cmp.Diff(r, got) != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, cmp.Diff(r, got))
		}
		if r.Contact() != r.Phone.Identifier() || (store.Registration{Email: r.Email}).Contact() != r.Email.Identifier() {
			t.Error("the phone is proved first where both are given")
		}
		holds(t, "finish before it is proved", false)(db.RegistrationDone(ctx, r.ID, 7, t0))
		holds(t, "prove too late", false)(db.RegistrationProved(ctx, r.ID, []byte("device"), t0+100))
		if won := race(t, 20, func() (bool, error) { return db.RegistrationProved(ctx, r.ID, []byte("another"), t0+1) }); won != 1 {
			t.Errorf("%d proved it, want 1", won)
		}
		must(t, db.DropRegistration(ctx, r.ID)) // a proved one stays
		holds(t, "finish too late", false)(db.RegistrationDone(ctx, r.ID, 7, t0+100))
		if won := race(t, 20, func() (bool, error) { return db.RegistrationDone(ctx, r.ID, 7, t0+2) }); won != 1 {
			t.Errorf("%d finished it, want 1", won)
		}
		r.ProvedAt, r.DoneOID, r.DeviceHash = t0+1, 7, []byte("another")
		if got, err := db.Registration(ctx, r.ID); err != nil || cmp.Diff(r, got) != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, cmp.Diff(r, got))
		}
		r = aRegistration()
		must(t, db.AddRegistration(ctx, r))
		must(t, db.DropRegistration(ctx, r.ID))
		holds(t, "dropped", false)(found(db.Registration(ctx, r.ID)))
	})
}

func TestALinkIsTakenOnceAndANewerOneEndsIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		link := func(hash string, flow idp.ID, purpose string) store.Link {
			return store.Link{Hash: []byte(hash), Purpose: purpose, Flow: flow, Contact: "ivan@example.ru", CreatedAt: t0, ExpiresAt: t0 + 100}
		}
		first := link("first", "f", "register")
		for _, l := range []store.Link{first, link("other purpose", "f", "email"), link("other flow", "g", "register"), link("second", "f", "register")} {
			must(t, db.AddLink(ctx, l))
		}
		first.UsedAt = t0
		if got, err := db.Link(ctx, first.Hash); err != nil || cmp.Diff(first, got) != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, cmp.Diff(first, got))
		}
		holds(t, "replaced", false)(db.TakeLink(ctx, []byte("first"), t0+1))
		holds(t, "expired", false)(db.TakeLink(ctx, []byte("second"), t0+100))
		holds(t, "unknown", false)(found(db.Link(ctx, []byte("none"))))
		if won := race(t, 20, func() (bool, error) { return db.TakeLink(ctx, []byte("second"), t0+1) }); won != 1 {
			t.Errorf("%d took one link, want 1", won)
		}
		must(t, db.EndLinks(ctx, "g", "register", t0+1))
		holds(t, "ended by the code", false)(db.TakeLink(ctx, []byte("other flow"), t0+2))
		holds(t, "of another purpose", true)(db.TakeLink(ctx, []byte("other purpose"), t0+1))
	})
}
