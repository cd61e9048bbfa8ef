package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"propusk/idp"
	"propusk/store"
	"propusk/store/storetest"
)

const t0 = int64(1_800_000_000) // a moment; every test counts from it

// race runs take n times at once and returns how often it was told that it was the first.
func race(t *testing.T, n int, take func() (bool, error)) int {
	t.Helper()
	var all sync.WaitGroup
	var won atomic.Int32
	start := make(chan struct{})
	for range n {
		all.Go(func() {
			<-start
			first, err := take()
			switch {
			case err != nil:
				t.Error(err)
			case first:
				won.Add(1)
			}
		})
	}
	close(start)
	all.Wait()
	return int(won.Load())
}

// must fails the test at once on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// holds fails the test unless a guarded write did what was wanted.
func holds(t *testing.T, what string, want bool) func(bool, error) {
	t.Helper()
	return func(got bool, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", what, got, err, want)
		}
	}
}

// found turns the pair of a read into the answer whether there was a row.
func found[T any](_ T, err error) (bool, error) {
	if errors.Is(err, idp.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// fullAccount has every column filled with something else than its zero.
func fullAccount() idp.Account {
	return idp.Account{OID: idp.NewOID(), Status: idp.Active, Tier: idp.Confirmed, TierAt: t0 + 1, TierMethod: idp.ByBank,
		Person: idp.Person{LastName: "Щёголева", FirstName: "Анна", MiddleName: "Ильинична", BirthDate: "1990-02-28", BirthPlace: "Примерск",
			Gender: "F", Citizenship: "RUS"},
		SNILS: "11223344595", INN: "500100732259", Phone: "+79123456789", PhoneVerifiedAt: t0 + 2, Email: "anna@example.ru",
		EmailVerifiedAt: t0 + 3, Language: idp.English, PasswordHash: "$argon2id$x", PasswordAt: t0 + 4, SecondFactor: idp.TOTPFactor,
		NewDeviceCode: true, TOTPSecret: []byte{1, 0, 255}, TOTPStep: 60_000_000, RecoveredAt: t0 + 5, Epoch: 3, CreatedAt: t0 + 6,
		UpdatedAt: t0 + 7, Version: 1}
}

func anAccount(t *testing.T, db *store.DB) idp.Account {
	t.Helper()
	a := fullAccount()
	holds(t, "add account", true)(db.AddAccount(t.Context(), a, "2026-11"))
	return a
}

func TestAnAccountComesBackAsItWent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, a := t.Context(), anAccount(t, db)
		got, err := db.Account(ctx, a.OID)
		if diff := cmp.Diff(a, got); err != nil || diff != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, diff)
		}
		holds(t, "the same number again", false)(db.AddAccount(ctx, a, "2026-11"))
		holds(t, "an unknown number", false)(found(db.Account(ctx, a.OID+1)))
	})
}

func TestAnIdentifierLeadsToOneAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, a, b := t.Context(), anAccount(t, db), anAccount(t, db)
		id := a.Phone.Identifier()
		holds(t, "unknown", false)(found(db.AccountBy(ctx, id)))
		holds(t, "first", true)(db.AddIdentifier(ctx, id, a.OID, t0))
		holds(t, "another account", false)(db.AddIdentifier(ctx, id, b.OID, t0))
		holds(t, "the same value of another kind", true)(db.AddIdentifier(ctx, idp.Identifier{Kind: idp.ByEmail, Value: id.Value}, b.OID, t0))
		if got, err := db.AccountBy(ctx, id); err != nil || got.OID != a.OID {
			t.Errorf("leads to %v, %v; want %v", got.OID, err, a.OID)
		}
		if won := race(t, 20, func() (bool, error) { return db.AddIdentifier(ctx, a.SNILS.Identifier(), idp.NewOID(), t0) }); won != 1 {
			t.Errorf("%d accounts got one identifier, want 1", won)
		}
	})
}

func TestAnAddressIsProvedOnlyWhileTheAccountHasIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, a := t.Context(), anAccount(t, db)
		holds(t, "its own", true)(db.ProveEmail(ctx, a.OID, a.Email, t0+50))
		holds(t, "another", false)(db.ProveEmail(ctx, a.OID, "other@example.ru", t0+60))
		got, err := db.Account(ctx, a.OID)
		must(t, err)
		if got.EmailVerifiedAt != t0+50 || got.Email != a.Email || got.Version != 2 {
			t.Errorf("e-mail %q proved at %d, version %d", got.Email, got.EmailVerifiedAt, got.Version)
		}
		empty := fullAccount()
		empty.Email, empty.EmailVerifiedAt = "", 0
		holds(t, "add", true)(db.AddAccount(ctx, empty, "1"))
		holds(t, "the first one", true)(db.ProveEmail(ctx, empty.OID, "new@example.ru", t0))
	})
}

func TestAPasswordHashIsReplacedOnlyIfItIsStillTheOneThatWasVerified(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, a := t.Context(), anAccount(t, db)
		must(t, db.Rehash(ctx, a.OID, "an older one", "wrong"))
		must(t, db.Rehash(ctx, a.OID, a.PasswordHash, "newer"))
		must(t, db.Rehash(ctx, a.OID, a.PasswordHash, "too late"))
		if got, err := db.Account(ctx, a.OID); err != nil || got.PasswordHash != "newer" {
			t.Errorf("hash = %q, %v; want newer", got.PasswordHash, err)
		}
	})
}

func TestATimeStepOfTheAppIsTakenOnceAndNeverAnEarlierOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, a := t.Context(), anAccount(t, db)
		if won := race(t, 20, func() (bool, error) { return db.TakeTOTP(ctx, a.OID, a.TOTPStep+1) }); won != 1 {
			t.Errorf("%d took the step, want 1", won)
		}
		holds(t, "an earlier step", false)(db.TakeTOTP(ctx, a.OID, a.TOTPStep))
		holds(t, "the next step", true)(db.TakeTOTP(ctx, a.OID, a.TOTPStep+2))
	})
}

func TestADocumentReplacesTheFormerOneOfItsKind(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, oid := t.Context(), idp.NewOID()
		passport := idp.Document{Kind: idp.RFPassport, Series: "1234", Number: "567890", IssuedOn: "2010-03-01", IssuedBy: "ОВД", IssueID: "770-001",
			ExpiresOn: "2035-01-01", Verified: true}
		foreign := idp.Document{Kind: idp.ForeignDocument, Number: "X1"}
		must(t, db.AddDocument(ctx, oid, idp.Document{Kind: idp.RFPassport, Number: "old"}))
		must(t, db.AddDocument(ctx, oid, foreign))
		must(t, db.AddDocument(ctx, oid, passport))
		got, err := db.Documents(ctx, oid)
		if diff := cmp.Diff([]idp.Document{foreign, passport}, got); err != nil || diff != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, diff)
		}
	})
}

func TestADeviceIsKnownForALimitedTimeToItsAccountAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, oid, device := t.Context(), idp.NewOID(), []byte("a browser's hash")
		holds(t, "never seen", false)(db.KnownDevice(ctx, oid, device, 0))
		must(t, db.SeeDevice(ctx, oid, device, "Chrome", t0))
		must(t, db.SeeDevice(ctx, oid, device, "Chrome", t0+100))
		holds(t, "seen", true)(db.KnownDevice(ctx, oid, device, t0+99))
		holds(t, "too long ago", false)(db.KnownDevice(ctx, oid, device, t0+100))
		holds(t, "another account", false)(db.KnownDevice(ctx, oid+1, device, 0))
		holds(t, "another browser", false)(db.KnownDevice(ctx, oid, []byte("another"), 0))
	})
}

func aSession(oid idp.OID, at int64) idp.Session {
	return idp.Session{OID: oid, ID: idp.NewID(time.Unix(at, 0)), SecretHash: []byte("secret"), DeviceHash: []byte("device"),
		Auth:      idp.Authentication{Time: at, Methods: []string{"pwd", "sms"}, Tier: idp.Standard, TierAt: 5, TierMethod: idp.ByLetter, RecoveredAt: 6},
		CreatedAt: at, SeenAt: at, EndsAt: at + idp.SessionTotal, Agent: "Firefox, Linux", Public: true}
}

func TestASessionComesBackWithItsAccountUntilItIsOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, a := t.Context(), anAccount(t, db)
		s := aSession(a.OID, t0)
		must(t, db.PutSession(ctx, s))
		got, of, err := db.SessionWith(ctx, a.OID, s.ID, t0)
		if diff := cmp.Diff(s, got) + cmp.Diff(a, of); err != nil || diff != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, diff)
		}
		alive := func(now int64) (bool, error) {
			_, _, err := db.SessionWith(ctx, a.OID, s.ID, now)
			return found(0, err)
		}
		holds(t, "before it is idle", true)(alive(t0 + idp.SessionIdle - 1))
		holds(t, "idle", false)(alive(t0 + idp.SessionIdle))
		holds(t, "idle, asked alone", false)(db.SessionAlive(ctx, a.OID, s.ID, t0+idp.SessionIdle))
		holds(t, "touch", true)(db.TouchSession(ctx, a.OID, s.ID, t0+100))
		holds(t, "touch, earlier", false)(db.TouchSession(ctx, a.OID, s.ID, t0+99))
		holds(t, "touched", true)(alive(t0 + idp.SessionIdle))
		holds(t, "touched, asked alone", true)(db.SessionAlive(ctx, a.OID, s.ID, t0+idp.SessionIdle))
		holds(t, "touch at the end", true)(db.TouchSession(ctx, a.OID, s.ID, s.EndsAt))
		holds(t, "at the end", false)(alive(s.EndsAt))
		holds(t, "of another account", false)(db.SessionAlive(ctx, a.OID+1, s.ID, t0))
	})
}

func TestSignInAgainChangesTheSecretAndKeepsTheNumber(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, a := t.Context(), anAccount(t, db)
		s := aSession(a.OID, t0)
		must(t, db.PutSession(ctx, s))
		s.SecretHash, s.Auth.Methods, s.Auth.Time, s.SeenAt, s.EndsAt = []byte("new"), []string{"pwd", "otp"}, t0+9, t0+9, t0+10_000
		must(t, db.PutSession(ctx, s))
		got, _, err := db.SessionWith(ctx, a.OID, s.ID, t0+9)
		if diff := cmp.Diff(s, got); err != nil || diff != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, diff)
		}
	})
}

func TestAStepUpChangesASessionThatIsThereAndBringsNoneBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, a := t.Context(), anAccount(t, db)
		s := aSession(a.OID, t0)
		must(t, db.PutSession(ctx, s))
		s.SecretHash, s.Auth.Methods, s.SeenAt = []byte("new"), []string{"pwd", "otp"}, t0+9
		changed := s
		changed.Auth.Time, changed.EndsAt = t0+9, t0+1 // are not written
		holds(t, "step up", true)(db.StepUpSession(ctx, changed))
		if got, _, err := db.SessionWith(ctx, a.OID, s.ID, t0+9); err != nil || cmp.Diff(s, got) != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, cmp.Diff(s, got))
		}
		holds(t, "end", true)(db.EndSession(ctx, a.OID, s.ID, t0+9))
		holds(t, "step up what is gone", false)(db.StepUpSession(ctx, changed))
	})
}

func TestSessionsAreListedNewestFirstAndEndedButOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, a := t.Context(), anAccount(t, db)
		old, middle, young := aSession(a.OID, t0), aSession(a.OID, t0+1), aSession(a.OID, t0+2)
		for _, s := range []idp.Session{middle, young, old, aSession(a.OID, t0-idp.SessionIdle)} {
			must(t, db.PutSession(ctx, s))
		}
		must(t, db.PutSession(ctx, aSession(a.OID+1, t0)))
		got, err := db.Sessions(ctx, a.OID, t0+3)
		if diff := cmp.Diff([]idp.Session{young, middle, old}, got); err != nil || diff != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, diff)
		}
		kept, gone := aGrant(a.OID), aGrant(a.OID)
		kept.SessionID, gone.SessionID, kept.Offline, gone.Offline = middle.ID, old.ID, false, false
		must(t, db.AddGrant(ctx, kept))
		must(t, db.AddGrant(ctx, gone))
		must(t, db.EndOtherSessions(ctx, a.OID, middle.ID, t0+4))
		if got, err := db.Sessions(ctx, a.OID, t0+5); err != nil || len(got) != 1 || got[0].ID != middle.ID {
			t.Errorf("left: %v, %v; want the one in the middle", got, err)
		}
		if g, err := db.Grant(ctx, keyOf(kept)); err != nil || g.EndedAt != 0 {
			t.Errorf("the grant of the kept session ended at %d, %v", g.EndedAt, err)
		}
		if g, err := db.Grant(ctx, keyOf(gone)); err != nil || g.EndedAt != t0+4 {
			t.Errorf("the grant of an ended session ended at %d, %v", g.EndedAt, err)
		}
	})
}

func TestSignOutEndsTheGrantsOfTheSessionButNotThoseForOfflineUse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, a := t.Context(), anAccount(t, db)
		s := aSession(a.OID, t0)
		must(t, db.PutSession(ctx, s))
		online, offline := aGrant(a.OID), aGrant(a.OID)
		online.Offline, online.SessionID, online.ClientID = false, s.ID, "b-portal"
		offline.SessionID = s.ID
		must(t, db.AddGrant(ctx, online))
		must(t, db.AddGrant(ctx, offline))
		if got, err := db.SessionClients(ctx, a.OID, s.ID); err != nil || fmt.Sprint(got) != "[b-portal portal]" {
			t.Errorf("clients of the session: %v, %v", got, err)
		}
		if won := race(t, 20, func() (bool, error) { return db.EndSession(ctx, a.OID, s.ID, t0+5) }); won != 1 {
			t.Errorf("%d ended the session, want 1", won)
		}
		for name, want := range map[string]struct {
			g     idp.Grant
			ended int64
		}{"online": {online, t0 + 5}, "offline": {offline, 0}} {
			g, _, live, err := db.GrantWith(ctx, keyOf(want.g), t0+6)
			if err != nil || g.EndedAt != want.ended || live {
				t.Errorf("%s: ended at %d, session alive %v, %v; want %d and no session", name, g.EndedAt, live, err, want.ended)
			}
		}
	})
}
