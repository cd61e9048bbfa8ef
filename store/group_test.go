package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"propusk/store"
	"propusk/store/storetest"
)

// gather holds the writing connection while start begins n writes, until all of them wait for it: they share a commit.
func gather(t *testing.T, db *store.DB, n int, start func()) {
	t.Helper()
	err := db.InTx(t.Context(), func(*store.Tx) error {
		start()
		await(t, fmt.Sprint(n, " writes wait"), func() bool { return db.Waiting() == n })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnErrorInAGroupIsItsOwnersAlone(t *testing.T) {
	db := storetest.SQLite(t)
	scratch(t, db)
	var all sync.WaitGroup
	var refused atomic.Int32
	gather(t, db, 60, func() {
		for i := range 60 {
			all.Go(func() {
				err := add(t.Context(), db.Queries, i%40) // twenty keys come twice
				if store.IsExists(err) {
					refused.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
	})
	all.Wait()
	if n := count(t, db); n != 40 || refused.Load() != 20 {
		t.Errorf("rows = %d, refused = %d; want 40, 20", n, refused.Load())
	}
}

func TestAGroupAnswersEachWithItsOwnRow(t *testing.T) {
	db := storetest.SQLite(t)
	scratch(t, db)
	var all sync.WaitGroup
	gather(t, db, 200, func() { // several groups
		for i := range 200 {
			all.Go(func() {
				var id int
				err := db.Row(t.Context(), insert+` RETURNING id`, i, fmt.Sprint(i), true, []byte{}).Scan(&id)
				if err != nil || id != i {
					t.Errorf("id = %d, %v; want %d", id, err, i)
				}
			})
		}
	})
	all.Wait()
	if n := count(t, db); n != 200 {
		t.Errorf("rows = %d, want 200", n)
	}
}

func TestAWriterWhoLeavesTheQueueWritesNothing(t *testing.T) {
	db := storetest.SQLite(t)
	scratch(t, db)
	ctx, hangUp := context.WithCancel(t.Context())
	var all sync.WaitGroup
	gather(t, db, 20, func() {
		for i := range 20 {
			all.Go(func() {
				ctx := ctx
				if i%2 == 0 {
					ctx = t.Context()
				}
				err := add(ctx, db.Queries, i)
				if want := i%2 == 1; errors.Is(err, context.Canceled) != want {
					t.Errorf("%d: err = %v, want canceled: %v", i, err, want)
				}
			})
		}
		await(t, "all wait", func() bool { return db.Waiting() == 20 })
		hangUp()
		await(t, "half have left", func() bool { return db.Waiting() == 10 })
		for i := range 10 {
			all.Go(func() {
				if err := add(t.Context(), db.Queries, 100+i); err != nil {
					t.Error(err)
				}
			})
		}
	})
	all.Wait()
	if n := count(t, db); n != 20 {
		t.Errorf("rows = %d, want 20", n)
	}
}

func BenchmarkDurableInsert(b *testing.B) {
	var id atomic.Int64
	for _, writers := range []int{1, 4, 16, 64} {
		for name, write := range map[string]func(db *store.DB, ctx context.Context, args ...any) error{
			"alone": func(db *store.DB, ctx context.Context, args ...any) error { return db.ExecAlone(ctx, insert, args...) },
			"grouped": func(db *store.DB, ctx context.Context, args ...any) error {
				_, err := db.Exec(ctx, insert, args...)
				return err
			},
		} {
			b.Run(fmt.Sprintf("%s/writers=%d", name, writers), func(b *testing.B) {
				db := storetest.SQLite(b)
				scratch(b, db)
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				b.ResetTimer()
				spread(b, writers, func() {
					n := id.Add(1)
					if err := write(db, ctx, n, fmt.Sprint(n), true, []byte("0123456789")); err != nil {
						b.Error(err)
					}
				})
			})
		}
	}
}

// spread runs fn b.N times by n goroutines.
func spread(b *testing.B, n int, fn func()) {
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				fn()
			}
		})
	}
	all.Wait()
}

func BenchmarkPointRead(b *testing.B) {
	db := storetest.SQLite(b)
	scratch(b, db)
	if err := add(b.Context(), db.Queries, 1); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		var name string
		if err := db.Row(b.Context(), `SELECT name FROM scratch WHERE id = $1`, 1).Scan(&name); err != nil {
			b.Fatal(err)
		}
	}
}
