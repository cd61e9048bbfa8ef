package store_test

import (
	"sync"
	"testing"
	"testing/fstest"

	"propusk/store"
	"propusk/store/storetest"
)

// scratchFiles makes a table that has all four types, far above the product's own versions.
func scratchFiles() fstest.MapFS {
	return fstest.MapFS{"9001_scratch.sql": {Data: []byte(`-- +goose Up
CREATE TABLE scratch (
    id   BIGINT  NOT NULL CONSTRAINT scratch_pk PRIMARY KEY,
    name TEXT    NOT NULL CONSTRAINT scratch_name UNIQUE,
    yes  BOOLEAN NOT NULL,
    body BYTEA   NOT NULL
);
`)}}
}

// scratch adds the table scratch to a database.
func scratch(t testing.TB, db *store.DB) {
	t.Helper()
	if err := db.MigrateFrom(t.Context(), scratchFiles()); err != nil {
		t.Fatal(err)
	}
}

func TestASchemaIsSeenWithoutChangingTheDatabase(t *testing.T) {
	db, err := store.Open(t.Context(), "sqlite:"+t.TempDir()+"/new.db", store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for range 2 {
		current, wanted, err := db.SchemaState(t.Context())
		if err != nil || current != 0 || wanted == 0 {
			t.Fatalf("state = %d, %d, %v; want 0, some version", current, wanted, err)
		}
	}
	var tables int
	if err := db.Row(t.Context(), `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil || tables != 0 {
		t.Errorf("tables = %d, %v; want none", tables, err)
	}
}

func TestAnOlderProgramRunsOnANewerSchema(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		scratch(t, db)
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		current, wanted, err := db.SchemaState(t.Context())
		if err != nil || current != 9001 || wanted >= current {
			t.Errorf("state = %d, %d, %v; want 9001, an older one", current, wanted, err)
		}
	})
}

func TestAMigrationThatFailsLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		files := scratchFiles()
		files["9002_broken.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE half (id BIGINT NOT NULL);\nCREATE TABLE scratch (id BIGINT);\n")}
		if err := db.MigrateFrom(t.Context(), files); err == nil {
			t.Fatal("a broken migration succeeded")
		}
		current, wanted, err := db.StateOf(t.Context(), files)
		if err != nil || current != 9001 || wanted != 9002 {
			t.Errorf("state = %d, %d, %v; want 9001, 9002", current, wanted, err)
		}
		if _, err := db.Exec(t.Context(), `INSERT INTO half (id) VALUES (1)`); err == nil {
			t.Error("the first half of a failed migration stayed")
		}
	})
}

func TestSeveralMayMigrateAtOnce(t *testing.T) {
	for name, address := range map[string]func(testing.TB) string{"sqlite": storetest.SQLiteURL, "postgres": storetest.PostgresURL} {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			var all sync.WaitGroup
			for range 4 {
				db := storetest.Open(t, at)
				all.Go(func() {
					if err := db.MigrateFrom(t.Context(), scratchFiles()); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		})
	}
}
