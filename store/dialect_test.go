package store_test

import (
	"testing"

	"propusk/store"
)

func TestOnlyAStatementThatCannotWriteIsARead(t *testing.T) {
	for query, want := range map[string]bool{
		"SELECT 1":                           true,
		"\n\t select oid FROM account":       true,
		"-- why\nSELECT 1":                   true,
		"-- SELECT\nDELETE FROM account":     false,
		"VALUES (1)":                         true,
		"WITH a AS (SELECT 1) SELECT 1":      true,
		"WITH a AS (SELECT 1) DELETE FROM b": false,
		"WITH a AS (INSERT INTO b VALUES (1) RETURNING c) SELECT c FROM a": false,
		"UPDATE a SET b = 1 RETURNING b":                                   false,
		"SELECTION":                                                        false,
		"":                                                                 false,
		"--":                                                               false,
	} {
		if got := store.IsRead(query); got != want {
			t.Errorf("isRead(%q) = %v, want %v", query, got, want)
		}
	}
}

func TestAMigrationIsRewrittenForSQLiteButNotItsCommentsAndLiterals(t *testing.T) {
	const text = `-- a BIGINT; CREATE TABLE x (
CREATE TABLE a (
    id BIGINT NOT NULL DEFAULT 0, -- BYTEA; here
    ok BOOLEAN NOT NULL,
    b  bytea NOT NULL,
    s  TEXT CHECK (s IN ('BIGINT;', 'it''s BOOLEAN;')),
    BIGINTS TEXT
);
CREATE INDEX i ON a (id);
ALTER TABLE a ADD COLUMN n BIGINT NOT NULL DEFAULT 0;
create table if not exists c (d BYTEA);
`
	const want = `-- a BIGINT; CREATE TABLE x (
CREATE TABLE a (
    id INTEGER NOT NULL DEFAULT 0, -- BYTEA; here
    ok INTEGER NOT NULL,
    b  BLOB NOT NULL,
    s  TEXT CHECK (s IN ('BIGINT;', 'it''s BOOLEAN;')),
    BIGINTS TEXT
) STRICT;
CREATE INDEX i ON a (id);
ALTER TABLE a ADD COLUMN n INTEGER NOT NULL DEFAULT 0;
create table if not exists c (d BLOB) STRICT;
`
	if got := store.ForSQLite(text); got != want {
		t.Errorf("forSQLite =\n%s\nwant\n%s", got, want)
	}
}
