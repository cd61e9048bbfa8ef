package store_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"propusk/store"
	"propusk/store/storetest"
)

func TestACodeIsTriedSoOftenTakenOnceAndReplaced(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		c := store.OneTimeCode{Flow: "f", Purpose: "signin", MAC: []byte("mac"), Contact: "+79123456789", SentAt: t0, ExpiresAt: t0 + 300}
		try := func(now int64) (bool, error) { return found(db.TryCode(ctx, "f", "signin", 5, now)) }
		holds(t, "none was sent", false)(try(t0))
		must(t, db.PutCode(ctx, c))
		if got, err := db.Code(ctx, "f", "signin"); err != nil || cmp.Diff(c, got, cmpopts.EquateEmpty()) != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, cmp.Diff(c, got, cmpopts.EquateEmpty()))
		}
		holds(t, "another purpose", false)(found(db.TryCode(ctx, "f", "device", 5, t0)))
		holds(t, "another flow", false)(found(db.TryCode(ctx, "g", "signin", 5, t0)))
		holds(t, "expired", false)(try(t0 + 300))
		if tried := race(t, 200, func() (bool, error) { return try(t0) }); tried != 5 {
			t.Errorf("200 at once had %d tries, want 5", tried)
		}
		c.MAC = []byte("newer")
		must(t, db.PutCode(ctx, c))
		got, err := db.TryCode(ctx, "f", "signin", 5, t0)
		if err != nil || got.Tries != 1 || string(got.FormerMAC) != "mac" || string(got.MAC) != "newer" {
			t.Errorf("after a new code: %+v, %v", got, err)
		}
		holds(t, "take the replaced one", false)(db.TakeCode(ctx, store.OneTimeCode{Flow: "f", Purpose: "signin", MAC: []byte("mac")}))
		if won := race(t, 20, func() (bool, error) { return db.TakeCode(ctx, c) }); won != 1 {
			t.Errorf("%d took one code, want 1", won)
		}
		holds(t, "taken", false)(found(db.Code(ctx, "f", "signin")))
	})
}

// handles gives a second handle on the same database where there can be two processes.
func handles(t *testing.T, test func(t *testing.T, one, two *store.DB)) {
	t.Run("sqlite", func(t *testing.T) { db := storetest.SQLite(t); test(t, db, db) })
	t.Run("postgres", func(t *testing.T) {
		address := storetest.PostgresURL(t)
		test(t, storetest.Open(t, address), storetest.Open(t, address))
	})
}

// alternate calls with one handle and the other in turn.
func alternate(one, two *store.DB) func() *store.DB {
	var mu sync.Mutex
	n := 0
	return func() *store.DB {
		mu.Lock()
		defer mu.Unlock()
		if n++; n%2 == 0 {
			return one
		}
		return two
	}
}

func TestOfTwoHundredAtOnceExactlyTheLimitIsCounted(t *testing.T) {
	handles(t, func(t *testing.T, one, two *store.DB) {
		ctx, pick := t.Context(), alternate(one, two)
		count := func(now int64) func() (bool, error) {
			return func() (bool, error) { _, ok, err := pick().Count(ctx, "k", 7, 60, now); return ok, err }
		}
		if n := race(t, 200, count(t0)); n != 7 {
			t.Errorf("counted %d, want 7", n)
		}
		a, ok, err := one.Count(ctx, "k", 7, 60, t0+59)
		if err != nil || ok || a.Count != 7 || a.StartedAt != t0 {
			t.Errorf("at the end of the window: %+v, %v, %v; want a refusal and when it began", a, ok, err)
		}
		if n := race(t, 200, count(t0+60)); n != 7 {
			t.Errorf("in the next window: counted %d, want 7", n)
		}
		must(t, one.Uncount(ctx, "k"))
		if n := race(t, 20, count(t0+61)); n != 1 {
			t.Errorf("after one was taken back: counted %d, want 1", n)
		}
		must(t, one.ClearAttempts(ctx, "k"))
		if a, err := two.Attempts(ctx, "k"); err != nil || a != (store.Attempt{}) {
			t.Errorf("cleared: %+v, %v", a, err)
		}
		holds(t, "another key", true)(count(t0 + 61)())
	})
}

func TestOfTwoHundredAtOnceFivePassBeforeThePause(t *testing.T) {
	handles(t, func(t *testing.T, one, two *store.DB) {
		ctx, pick := t.Context(), alternate(one, two)
		try := func(now int64) func() (bool, error) {
			return func() (bool, error) { _, ok, err := pick().TryPaused(ctx, "k", now); return ok, err }
		}
		if n := race(t, 200, try(t0)); n != 5 {
			t.Errorf("passed %d, want 5", n)
		}
		for _, c := range []struct{ now, passed, until int64 }{
			{t0 + 59, 0, t0 + 60}, // trying earlier does not lengthen the pause
			{t0 + 60, 1, t0 + 360},
			{t0 + 360, 1, t0 + 1260},
			{t0 + 1260, 1, t0 + 2160},
			{t0 + 2160, 1, t0 + 3060},
			{t0 + 2160 + 24*3600, 5, t0 + 2160 + 24*3600 + 60}, // a day without a failure: anew
		} {
			if n := race(t, 20, try(c.now)); n != int(c.passed) {
				t.Errorf("at %d: passed %d, want %d", c.now-t0, n, c.passed)
			}
			if a, err := one.Attempts(ctx, "k"); err != nil || a.Until != c.until {
				t.Errorf("at %d: pause until %d, %v; want %d", c.now-t0, a.Until-t0, err, c.until-t0)
			}
		}
		must(t, one.ClearAttempts(ctx, "k"))
		if n := race(t, 200, try(t0)); n != 5 {
			t.Errorf("after a right answer: passed %d, want 5", n)
		}
		must(t, two.Uncount(ctx, "k"))
		if a, err := one.Attempts(ctx, "k"); err != nil || a.Count != 4 || a.Until != 0 {
			t.Errorf("a try taken back: %+v, %v; want 4 and no pause", a, err)
		}
	})
}
