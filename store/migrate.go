package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var embedded embed.FS

// migrations returns the files of the embedded folder as goose names them.
func migrations() fs.FS {
	files, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // only a malformed name can fail
	}
	return files
}

// Migrate brings the schema to this version. Each migration is a transaction; a schema that is newer already stays as it
// is, because the previous version must run on the new schema. Several processes may call it at once.
func (db *DB) Migrate(ctx context.Context) error {
	return db.migrate(ctx, migrations())
}

func (db *DB) migrate(ctx context.Context, files fs.FS) error {
	err := db.up(ctx, files)
	if err == nil {
		return nil
	}
	// SQLite has no lock around goose: a rival process may have done the work between our look and our step.
	if current, wanted, failed := db.schemaState(ctx, files); db.dialect == dialectSQLite && failed == nil && current >= wanted {
		return nil
	}
	return fmt.Errorf("migrate the database: %w", classify(err))
}

func (db *DB) up(ctx context.Context, files fs.FS) error {
	handle := db.writer
	options := []goose.ProviderOption{goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true)}
	if db.dialect == dialectSQLite {
		files = sqliteFiles{files}
	} else {
		// A table holds the lock, not the session: advisory locks do not pass pgbouncer.
		locker, err := lock.NewPostgresTableLocker(lock.WithTableLogger(slog.New(slog.DiscardHandler)),
			lock.WithTableLockTimeout(250*time.Millisecond, 1200))
		if err != nil {
			return err
		}
		options = append(options, goose.WithLocker(locker))
		handle = db.migrationHandle()
		defer func() { _ = handle.Close() }()
	}
	provider, err := goose.NewProvider(db.dialect.goose(), handle, files, options...)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// migrationHandle opens connections without the bound on a statement, which an index of a large table exceeds. A
// migration that waits for a lock, though, makes all others wait behind it: so it gives up first.
func (db *DB) migrationHandle() *sql.DB {
	config := db.address.Copy()
	if !pooled(config) {
		bound(config, "lock_timeout", 10*time.Second)
	}
	return db.postgresHandle(config, 3)
}

// SchemaState returns the version of the schema in the database (0: none yet) and the one this program was built for.
// `idp serve` refuses an older one and accepts a newer one. It changes nothing.
func (db *DB) SchemaState(ctx context.Context) (current, wanted int64, err error) {
	return db.schemaState(ctx, migrations())
}

func (db *DB) schemaState(ctx context.Context, files fs.FS) (current, wanted int64, err error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return 0, 0, err
	}
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return 0, 0, fmt.Errorf("migration %s: %w", name, err)
		}
		wanted = max(wanted, version)
	}
	var exists bool
	if err := db.q.QueryRowContext(ctx, db.dialect.hasVersionTable(), goose.DefaultTablename).Scan(&exists); err != nil {
		return 0, 0, fmt.Errorf("read the version of the schema: %w", err)
	}
	if !exists {
		return 0, wanted, nil
	}
	row := db.q.QueryRowContext(ctx, `SELECT COALESCE(max(version_id), 0) FROM goose_db_version`)
	if err := row.Scan(&current); err != nil {
		return 0, 0, fmt.Errorf("read the version of the schema: %w", err)
	}
	return current, wanted, nil
}

// SchemaID identifies the migrations this program carries, byte for byte. Tests name their template after it.
func SchemaID() string {
	sum := sha256.New()
	_ = fs.WalkDir(embedded, "migrations", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := embedded.ReadFile(name)
		sum.Write(text)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
