package store

import (
	"context"
	"database/sql"
	"io/fs"
)

// Statements of the tests alone; those of the product are methods in the other files.

func (q Queries) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return q.q.ExecContext(ctx, query, args...)
}

func (q Queries) Row(ctx context.Context, query string, args ...any) scanner {
	return q.q.QueryRowContext(ctx, query, args...)
}

func (q Queries) Rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return q.q.QueryContext(ctx, query, args...)
}

// ExecAlone writes without the group, to measure what the group gains.
func (db *DB) ExecAlone(ctx context.Context, query string, args ...any) error {
	_, err := db.writer.ExecContext(ctx, query, args...)
	return err
}

func (db *DB) MigrateFrom(ctx context.Context, files fs.FS) error { return db.migrate(ctx, files) }

func (db *DB) StateOf(ctx context.Context, files fs.FS) (current, wanted int64, err error) {
	return db.schemaState(ctx, files)
}

// Waiting tells how many writes wait for a leader of the group.
func (db *DB) Waiting() int {
	db.group.mu.Lock()
	defer db.group.mu.Unlock()
	return len(db.group.queue)
}

// Prepared tells how many statements the writing connection of SQLite keeps.
func (db *DB) Prepared(ctx context.Context) (n int, err error) {
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	err = conn.Raw(func(c any) error { n = len(c.(*cachingConn).statements); return nil })
	return n, err
}

var (
	ForSQLite = forSQLite
	IsRead    = isRead
)

const CacheSize = cacheSize
