package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"propusk/idp"
	"propusk/keys"
	"propusk/store"
	"propusk/store/storetest"
)

func aJob(runAt int64) store.Job {
	return store.Job{ID: idp.NewID(time.Unix(runAt, 0)), Kind: "message", Args: []byte{0, 1}, RunAt: runAt, CreatedAt: t0}
}

func TestEightWorkersDoAThousandJobsWithoutADouble(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		const jobs = 1000
		must(t, db.InTx(ctx, func(tx *store.Tx) error {
			for range jobs {
				if err := tx.AddJob(ctx, aJob(t0)); err != nil {
					return err
				}
			}
			return nil
		}))
		var mu sync.Mutex
		done := map[idp.ID]int{}
		work := func() error {
			for {
				buckets, err := db.DueBuckets(ctx, t0)
				if err != nil || len(buckets) == 0 {
					return err
				}
				for _, b := range buckets {
					claimed, err := db.ClaimJobs(ctx, b, t0, 60, 20)
					if err != nil {
						return err
					}
					for _, j := range claimed {
						mu.Lock()
						done[j.ID]++
						mu.Unlock()
						if err := db.FinishJob(ctx, j); err != nil {
							return err
						}
					}
				}
			}
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := work(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for id, n := range done {
			if n != 1 {
				t.Errorf("job %s was given out %d times", id, n)
			}
		}
		if n, _, err := db.QueueLength(ctx, t0); err != nil || len(done) != jobs || n != 0 {
			t.Errorf("%d jobs done, %d left, %v; want %d and none", len(done), n, err, jobs)
		}
	})
}

func TestAJobIsLeasedPostponedAndNotFinishedByAWorkerThatWasTooSlow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, j := t.Context(), aJob(t0)
		must(t, db.AddJob(ctx, j))
		must(t, db.AddJob(ctx, aJob(t0+1000)))
		buckets, err := db.DueBuckets(ctx, t0)
		if err != nil || len(buckets) != 1 {
			t.Fatalf("due: %v, %v; want one", buckets, err)
		}
		claim := func(now int64) (got store.Job, ok bool) {
			t.Helper()
			claimed, err := db.ClaimJobs(ctx, buckets[0], now, 60, 10)
			must(t, err)
			if len(claimed) == 0 {
				return got, false
			}
			return claimed[0], true
		}
		if _, ok := claim(t0 - 1); ok {
			t.Error("a job was claimed before its time")
		}
		slow, ok := claim(t0)
		j.Bucket, j.LeaseUntil, j.Attempts = buckets[0], t0+60, 1
		if diff := cmp.Diff(j, slow); !ok || diff != "" {
			t.Errorf("claimed %v, diff (-want +got):\n%s", ok, diff)
		}
		if _, ok := claim(t0 + 59); ok {
			t.Error("a leased job was claimed")
		}
		second, ok := claim(t0 + 60)
		if !ok || second.Attempts != 2 {
			t.Errorf("after the lease: %+v, %v", second, ok)
		}
		must(t, db.FinishJob(ctx, slow))
		must(t, db.PostponeJob(ctx, slow, t0))
		if n, oldest, err := db.QueueLength(ctx, t0+60); err != nil || n != 1 || oldest != t0 {
			t.Errorf("the slow worker changed the queue: %d jobs from %d, %v", n, oldest-t0, err)
		}
		must(t, db.PostponeJob(ctx, second, t0+90))
		if _, ok := claim(t0 + 89); ok {
			t.Error("a postponed job was claimed before its time")
		}
		third, ok := claim(t0 + 90)
		must(t, db.FinishJob(ctx, third))
		if n, _, err := db.QueueLength(ctx, t0+90); !ok || err != nil || n != 0 {
			t.Errorf("claimed %v, left %d, %v; want it done", ok, n, err)
		}
	})
}

func TestTheJournalIsReadNewestFirstInPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, oid := t.Context(), idp.NewOID()
		var want []idp.Event
		for i := range 5 {
			e := idp.Event{OID: oid, ID: idp.NewID(time.Unix(t0+int64(i), 0)), At: t0 + int64(i), What: idp.SignedIn, ClientID: "portal", Session: "s",
				Agent: "Chrome", Details: map[string]string{"methods": fmt.Sprint("pwd ", i)}}
			must(t, db.AddEvent(ctx, e))
			want = append(want, e)
		}
		must(t, db.AddEvent(ctx, idp.Event{OID: oid + 1, ID: idp.NewID(time.Unix(t0, 0)), What: idp.SignedOut}))
		slices.Reverse(want)
		first, err := db.Events(ctx, oid, "", 3)
		must(t, err)
		rest, err := db.Events(ctx, oid, first[2].ID, 3)
		if diff := cmp.Diff(want, append(first, rest...)); err != nil || diff != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, diff)
		}
	})
}

func TestEveryChangeOfClientsAndKeysIsCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		revision := func(name string, want int64) {
			t.Helper()
			if got, err := db.Revisions(ctx); err != nil || got[name] != want {
				t.Errorf("revision of %s = %d, %v; want %d", name, got[name], err, want)
			}
		}
		c := store.ClientRow{ID: "portal", Body: `{"a":1}`, SecretHash: []byte("h"), UpdatedAt: t0}
		holds(t, "new", true)(db.PutClient(ctx, c))
		holds(t, "the same", false)(db.PutClient(ctx, store.ClientRow{ID: "portal", Body: c.Body, SecretHash: c.SecretHash, UpdatedAt: t0 + 1}))
		revision(store.RevisionClients, 1)
		c.Body, c.UpdatedAt = `{"a":2}`, t0+2
		holds(t, "changed", true)(db.PutClient(ctx, c))
		holds(t, "stop", true)(db.DisableClient(ctx, "portal", t0+3))
		holds(t, "stop twice", false)(db.DisableClient(ctx, "portal", t0+4))
		holds(t, "stop an unknown one", false)(db.DisableClient(ctx, "none", t0+4))
		revision(store.RevisionClients, 3)
		c.Disabled, c.Version, c.CreatedAt, c.UpdatedAt = true, 3, t0, t0+3
		if got, err := db.Client(ctx, "portal"); err != nil || cmp.Diff(c, got) != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, cmp.Diff(c, got))
		}
		if got, err := db.Clients(ctx); err != nil || cmp.Diff([]store.ClientRow{c}, got) != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, cmp.Diff([]store.ClientRow{c}, got))
		}
		holds(t, "unknown", false)(found(db.Client(ctx, "none")))

		k := keys.SigningKey{ID: "kid", Alg: keys.ES256, Sealed: []byte{1}, Public: "{}", CreatedAt: t0, UseFrom: t0, UseUntil: t0 + 1, RetireAt: t0 + 2}
		must(t, db.PutSigningKey(ctx, k))
		k.UseFrom, k.UseUntil, k.RetireAt = t0+1, t0+2, t0+3
		must(t, db.PutSigningKey(ctx, k))
		must(t, db.DropSigningKey(ctx, "kid", t0+2))
		if got, err := db.SigningKeys(ctx); err != nil || cmp.Diff([]keys.SigningKey{k}, got) != "" {
			t.Errorf("err = %v, diff (-want +got):\n%s", err, cmp.Diff([]keys.SigningKey{k}, got))
		}
		must(t, db.DropSigningKey(ctx, "kid", t0+3))
		if got, err := db.SigningKeys(ctx); err != nil || len(got) != 0 {
			t.Errorf("after its time: %v, %v", got, err)
		}
		revision(store.RevisionKeys, 4)
	})
}

func TestTheSweepRemovesOnlyWhatIsOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		r, g, s := aRequest(), aGrant(7), aSession(7, t0-100)
		r.ExpiresAt, g.ExpiresAt, s.EndsAt = t0, t0, t0
		must(t, db.AddRequest(ctx, r))
		must(t, db.AddGrant(ctx, g))
		must(t, db.PutSession(ctx, s))
		reg := aRegistration()
		reg.ExpiresAt = t0
		must(t, db.AddRegistration(ctx, reg))
		must(t, db.PutCode(ctx, store.OneTimeCode{Flow: "f", Purpose: "signin", MAC: []byte{1}, ExpiresAt: t0}))
		must(t, db.PutCode(ctx, store.OneTimeCode{Flow: "f", Purpose: "device", MAC: []byte{1}, ExpiresAt: t0 + 1_000_000_000}))
		must(t, db.AddLink(ctx, store.Link{Hash: []byte("l"), ExpiresAt: t0}))
		_, _, err := db.Count(ctx, "k", 5, 60, t0-60)
		must(t, err)
		must(t, db.AddAccessToken(ctx, store.AccessToken{Hash: []byte("a"), ExpiresAt: t0}))
		holds(t, "use", true)(db.UseAssertion(ctx, []byte("j"), t0))
		must(t, db.SeeDevice(ctx, 7, []byte("d"), "", t0))
		must(t, db.SeeDevice(ctx, 7, []byte("seen later"), "", t0+1_000_000_000))
		rows := func(table string) (n int) {
			t.Helper()
			must(t, db.Row(ctx, `SELECT count(*) FROM `+table).Scan(&n))
			return n
		}
		for _, c := range []struct {
			after  int64          // seconds after the end that the rows stay
			tables map[string]int // and how many are left then
		}{
			{0, map[string]int{"session": 0, "attempt": 0}}, {3600, map[string]int{"one_time_code": 1, "access_token": 0, "assertion": 0}},
			{86400, map[string]int{"auth_request": 0, "registration": 0}}, {172800, map[string]int{"token_family": 0}},
			{864000, map[string]int{"link": 0}}, {store.DeviceMemory, map[string]int{"device": 1}},
		} {
			for _, early := range []int{1, 0} {
				_, err := db.Sweep(ctx, t0+c.after-int64(early))
				must(t, err)
				for table, left := range c.tables {
					if n := rows(table); n != left+early {
						t.Errorf("%s, %d s before its time: %d rows, want %d", table, early, n, left+early)
					}
				}
			}
		}
	})
}

func TestTheSweepSaysWhenThereIsMore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.InTx(ctx, func(tx *store.Tx) error {
			for i := range 700 {
				if _, err := tx.UseAssertion(ctx, fmt.Append(nil, i), t0); err != nil {
					return err
				}
			}
			return nil
		}))
		for _, want := range []bool{true, false} {
			holds(t, "more", want)(db.Sweep(ctx, t0+3600))
		}
		var n int
		if err := db.Row(ctx, `SELECT count(*) FROM assertion`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows left, %v", n, err)
		}
	})
}
