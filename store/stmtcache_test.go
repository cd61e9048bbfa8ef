package store_test

import (
	"fmt"
	"testing"
	"time"

	"propusk/store"
	"propusk/store/storetest"
)

func TestPreparedStatementsAreBounded(t *testing.T) {
	db := storetest.SQLite(t)
	scratch(t, db)
	for i := range store.CacheSize + 50 {
		if _, err := db.Exec(t.Context(), fmt.Sprintf(`DELETE FROM scratch WHERE id = %d`, i)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := db.Prepared(t.Context()); err != nil || n > store.CacheSize {
		t.Errorf("prepared = %d, %v; want at most %d", n, err, store.CacheSize)
	}
}

func TestOneStatementMayRunWithinItsOwnRows(t *testing.T) {
	db := storetest.SQLite(t)
	scratch(t, db)
	ctx := t.Context()
	for i := range 3 {
		if err := add(ctx, db.Queries, i); err != nil {
			t.Fatal(err)
		}
	}
	pairs := 0
	each := func(tx *store.Tx, do func() error) error {
		rows, err := tx.Rows(ctx, `SELECT id FROM scratch ORDER BY id`)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			if err := do(); err != nil {
				return err
			}
		}
		return rows.Err()
	}
	err := db.InTx(ctx, func(tx *store.Tx) error {
		return each(tx, func() error { return each(tx, func() error { pairs++; return nil }) })
	})
	if err != nil || pairs != 9 {
		t.Errorf("pairs = %d, %v; want 9", pairs, err)
	}
}

func TestAStatementThatFailedRunsAgain(t *testing.T) {
	db := storetest.SQLite(t)
	scratch(t, db)
	ctx := t.Context()
	for i := range 3 {
		if err := add(ctx, db.Queries, 1); store.IsExists(err) != (i > 0) {
			t.Errorf("%d: err = %v", i, err)
		}
	}
	if err := add(ctx, db.Queries, 2); err != nil {
		t.Error(err)
	}
}

func TestAStatementSeesAChangedSchema(t *testing.T) {
	db := storetest.SQLite(t)
	scratch(t, db)
	ctx := t.Context()
	n := count(t, db)
	for _, change := range []string{`ALTER TABLE scratch ADD COLUMN more TEXT NOT NULL DEFAULT ''`, `DROP TABLE scratch`} {
		if _, err := db.Exec(ctx, change); err != nil {
			t.Fatal(err)
		}
		err := db.Row(ctx, `SELECT count(*) FROM scratch`).Scan(&n)
		if dropped := change[0] == 'D'; (err != nil) != dropped {
			t.Errorf("after %s: err = %v", change, err)
		}
	}
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after 30 s it is still not so that %s", what)
		}
	}
}
