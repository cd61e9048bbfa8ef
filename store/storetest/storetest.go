// Package storetest opens a fresh, migrated database for each test, on SQLite and on PostgreSQL.
//
// PostgreSQL is the server of TEST_POSTGRES (a URL whose user may create databases) or, without it, a temporary cluster
// made from the server programs of this machine: one per test process, gone with the process however that ends. Where
// there is neither, a test skips, and under TEST_REQUIRE=all it fails.
package storetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"propusk/store"
)

// patience bounds what the package does to a database; it runs beside other tests on few cores.
const patience = time.Minute

// Each runs a test on both databases, each time on one of its own.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite returns a fresh database in a file of the test's folder.
func SQLite(tb testing.TB) *store.DB {
	tb.Helper()
	return Open(tb, SQLiteURL(tb))
}

// Postgres returns a fresh database of the PostgreSQL server, or skips.
func Postgres(tb testing.TB) *store.DB {
	tb.Helper()
	return Open(tb, PostgresURL(tb))
}

// Open opens an existing database for the length of the test.
func Open(tb testing.TB, address string) *store.DB {
	tb.Helper()
	db, err := store.Open(tb.Context(), address, store.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Errorf("close the database: %v", err)
		}
	})
	return db
}

// SQLiteURL returns the address, as IDP_DATABASE wants it, of a fresh database: for tests that run a process.
func SQLiteURL(tb testing.TB) string {
	tb.Helper()
	image, err := sqliteImage()
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "test.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		tb.Fatal(err)
	}
	return "sqlite:" + path
}

// sqliteImage is a migrated database file. Copying it spares each test the migrations.
var sqliteImage = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "propusk-sqlite-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "image.db")
	if err := migrated("sqlite:"+path, store.Options{Create: true}); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// migrated opens, migrates and closes the database at address.
func migrated(address string, o store.Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	db, err := store.Open(ctx, address, o)
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx); err != nil {
		_ = db.Close()
		return err
	}
	return db.Close()
}

// missing skips the test for want of something, or fails it where everything is required.
func missing(tb testing.TB, what string) {
	tb.Helper()
	if os.Getenv("TEST_REQUIRE") == "all" {
		tb.Fatalf("TEST_REQUIRE=all, but %s", what)
	}
	tb.Skip(what)
}
