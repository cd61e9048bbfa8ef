package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"propusk/idp"
	"propusk/store"
	"propusk/store/storetest"
)

const insert = `INSERT INTO scratch (id, name, yes, body) VALUES ($1, $2, $3, $4)`

// count returns how many rows scratch has.
func count(t *testing.T, db *store.DB) (n int) {
	t.Helper()
	if err := db.Row(t.Context(), `SELECT count(*) FROM scratch`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func add(ctx context.Context, q store.Queries, id int) error {
	_, err := q.Exec(ctx, insert, id, fmt.Sprint("строка ", id), true, []byte{1})
	return err
}

func TestATransactionIsKeptOrUndoneWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		scratch(t, db)
		ctx, refusal := t.Context(), errors.New("no")
		err := db.InTx(ctx, func(tx *store.Tx) error {
			if err := add(ctx, tx.Queries, 1); err != nil {
				return err
			}
			return refusal
		})
		if err != refusal || count(t, db) != 0 {
			t.Errorf("after an error: err = %v, rows = %d; want the error itself and none", err, count(t, db))
		}
		func() {
			defer func() {
				if got := recover(); got != "burst" {
					t.Errorf("panic = %v, want burst", got)
				}
			}()
			_ = db.InTx(ctx, func(tx *store.Tx) error { _ = add(ctx, tx.Queries, 1); panic("burst") })
		}()
		if n := count(t, db); n != 0 {
			t.Errorf("after a panic: rows = %d, want none", n)
		}
		err = db.InTx(ctx, func(tx *store.Tx) error {
			if err := add(ctx, tx.Queries, 1); err != nil {
				return err
			}
			return add(ctx, tx.Queries, 2)
		})
		if err != nil || count(t, db) != 2 {
			t.Errorf("err = %v, rows = %d; want 2", err, count(t, db))
		}
	})
}

func TestADuplicateIsToldApart(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		scratch(t, db)
		ctx := t.Context()
		if err := add(ctx, db.Queries, 1); err != nil {
			t.Fatal(err)
		}
		_, err := db.Exec(ctx, insert, 2, "строка 1", true, []byte{})
		if !store.IsExists(err) {
			t.Errorf("second name: err = %v", err)
		}
		if err := add(ctx, db.Queries, 1); !store.IsExists(err) {
			t.Errorf("second key: err = %v", err)
		}
		err = db.InTx(ctx, func(tx *store.Tx) error { return add(ctx, tx.Queries, 1) })
		if !store.IsExists(err) || errors.Is(err, idp.Unavailable) {
			t.Errorf("in a transaction: err = %v", err)
		}
		if _, err := db.Exec(ctx, insert, 3, "x", true, nil); err == nil || store.IsExists(err) {
			t.Errorf("NULL: err = %v, want another error", err)
		}
	})
}

func TestValuesComeBackAsTheyWent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		scratch(t, db)
		ctx := t.Context()
		if _, err := db.Exec(ctx, insert, int64(1)<<62, "Щёголева-Ёжикова", true, []byte{0, 255}); err != nil {
			t.Fatal(err)
		}
		var id int64
		var name string
		var yes bool
		var body []byte
		row := db.Row(ctx, `SELECT id, name, yes, body FROM scratch WHERE yes = $1 AND name = $2`, true, "Щёголева-Ёжикова")
		if err := row.Scan(&id, &name, &yes, &body); err != nil {
			t.Fatal(err)
		}
		if id != 1<<62 || name != "Щёголева-Ёжикова" || !yes || string(body) != "\x00\xff" {
			t.Errorf("got %d, %q, %v, %x", id, name, yes, body)
		}
		var one, two string
		if err := db.Row(ctx, `SELECT CAST($2 AS TEXT), CAST($1 AS TEXT)`, "one", "two").Scan(&two, &one); err != nil || one != "one" || two != "two" {
			t.Errorf("$1 = %q, $2 = %q, %v", one, two, err)
		}
		if err := db.Row(ctx, `SELECT name FROM scratch WHERE id = $1`, 5).Scan(&name); err != sql.ErrNoRows {
			t.Errorf("err = %v, want sql.ErrNoRows", err)
		}
	})
}

func TestSQLiteRefusesAValueOfAnotherType(t *testing.T) {
	db := storetest.SQLite(t)
	scratch(t, db)
	for _, args := range [][]any{{"one", "a", true, []byte{}}, {1, "a", "yes", []byte{}}, {1, "a", true, "text"}, {1, []byte("a"), true, []byte{}}} {
		if _, err := db.Exec(t.Context(), insert, args...); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

func TestTwentyTakeOneThingAndOneGetsIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		scratch(t, db)
		ctx := t.Context()
		take := func(q store.Queries) error {
			var name string
			return q.Row(ctx, `DELETE FROM scratch WHERE id = $1 RETURNING name`, 7).Scan(&name)
		}
		for _, way := range []func() error{
			func() error { return take(db.Queries) },
			func() error { return db.InTx(ctx, func(tx *store.Tx) error { return take(tx.Queries) }) },
		} {
			if err := add(ctx, db.Queries, 7); err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			var won atomic.Int32
			for range 20 {
				all.Go(func() {
					switch err := way(); err {
					case nil:
						won.Add(1)
					case sql.ErrNoRows:
					default:
						t.Error(err)
					}
				})
			}
			all.Wait()
			if won.Load() != 1 {
				t.Errorf("%d took it, want 1", won.Load())
			}
		}
	})
}

func TestFortyWritersLoseNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		scratch(t, db)
		ctx := t.Context()
		if err := add(ctx, db.Queries, 0); err != nil {
			t.Fatal(err)
		}
		const raise = `UPDATE scratch SET body = $1, name = name || 'x' WHERE id = 0`
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				for j := range 5 {
					var err error
					if (i+j)%2 == 0 {
						_, err = db.Exec(ctx, raise, []byte{byte(i)})
					} else {
						err = db.InTx(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, raise, []byte{byte(i)}); return err })
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		var name string
		if err := db.Row(ctx, `SELECT name FROM scratch WHERE id = 0`).Scan(&name); err != nil || strings.Count(name, "x") != 200 {
			t.Errorf("%d writes, %v; want 200", strings.Count(name, "x"), err)
		}
	})
}

func TestACallerWhoHangsUpUndoesTheTransaction(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		scratch(t, db)
		ctx, hangUp := context.WithCancel(t.Context())
		err := db.InTx(ctx, func(tx *store.Tx) error {
			err := add(ctx, tx.Queries, 1)
			hangUp()
			return err
		})
		if !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrOutcomeUnknown) {
			t.Errorf("err = %v, want canceled", err)
		}
		if err := db.InTx(ctx, func(*store.Tx) error { t.Error("it ran"); return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v, want canceled", err)
		}
		if err := add(ctx, db.Queries, 2); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v, want canceled", err)
		}
		if n := count(t, db); n != 0 {
			t.Errorf("rows = %d, want none", n)
		}
	})
}

func TestAWaitForTheWriterEndsWithItsContext(t *testing.T) {
	db := storetest.SQLite(t)
	scratch(t, db)
	err := db.InTx(t.Context(), func(tx *store.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := add(ctx, db.Queries, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a write: err = %v, want the deadline", err)
		}
		if err := db.InTx(ctx, func(*store.Tx) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a transaction: err = %v, want the deadline", err)
		}
		if n := count(t, db); n != 0 { // readers do not wait
			t.Errorf("rows = %d", n)
		}
		return add(t.Context(), tx.Queries, 2)
	})
	if err != nil || count(t, db) != 1 {
		t.Errorf("err = %v, rows = %d; want 1", err, count(t, db))
	}
}

func TestAClosedDatabaseRefusesAtOnce(t *testing.T) {
	for name, address := range map[string]func(testing.TB) string{"sqlite": storetest.SQLiteURL, "postgres": storetest.PostgresURL} {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), address(t), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			scratch(t, db)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if err := add(t.Context(), db.Queries, 1); err == nil {
				t.Error("a write succeeded")
			}
			if err := db.InTx(t.Context(), func(*store.Tx) error { return nil }); err == nil {
				t.Error("a transaction succeeded")
			}
			if err := db.Ping(t.Context()); err == nil {
				t.Error("a ping succeeded")
			}
			if err := db.Close(); err != nil {
				t.Errorf("closed again: %v", err)
			}
		})
	}
}

func TestAYearPassesAtOnceUnderSynctest(t *testing.T) {
	address := storetest.SQLiteURL(t)
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.Context(), address, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		scratch(t, db)
		for i := range 12 {
			time.Sleep(30 * 24 * time.Hour)
			if err := db.InTx(t.Context(), func(tx *store.Tx) error { return add(t.Context(), tx.Queries, i) }); err != nil {
				t.Fatal(err)
			}
			if err := add(t.Context(), db.Queries, 100+i); err != nil {
				t.Fatal(err)
			}
		}
		if n := count(t, db); n != 24 {
			t.Errorf("rows = %d, want 24", n)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}
