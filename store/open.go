package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
)

// Options of Open. The zero value is that of production.
type Options struct {
	// MaxConns bounds the connections to PostgreSQL (0: 16) or those that read SQLite (0: 4); SQLite has one writer.
	MaxConns int
	// Create makes a missing SQLite file and its folder. Only `idp dev`, tests and `idp migrate` ask for it: elsewhere a
	// missing database is a lost disk, and an empty new one would hide that.
	Create bool
}

// DB is a database. Its Queries run each statement by itself; InTx runs several as one. It is safe for concurrent use.
type DB struct {
	Queries
	dialect    dialect
	writer     *sql.DB
	reader     *sql.DB         // SQLite: several connections that cannot write. PostgreSQL: nil
	group      *group          // SQLite: shared commits. PostgreSQL: nil
	address    *pgx.ConnConfig // PostgreSQL
	generation atomic.Int64    // PostgreSQL: connections of an older one lead to a former primary
}

// Open opens the database at an address `sqlite:PATH` or `postgres://...` and checks that it answers. The schema is the
// caller's to check: see SchemaState.
func Open(ctx context.Context, address string, o Options) (*DB, error) {
	db := &DB{}
	db.Queries = Queries{single{db}}
	var err error
	switch scheme, rest, _ := strings.Cut(address, ":"); scheme {
	case "sqlite":
		err = db.openSQLite(rest, o)
	case "postgres", "postgresql":
		err = db.openPostgres(address, o)
	default:
		return nil, errors.New("IDP_DATABASE: want sqlite:PATH or postgres://user@host/name")
	}
	if err != nil {
		return nil, err
	}
	if err := db.Ping(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("IDP_DATABASE: open the database: %w", err)
	}
	return db, nil
}

func (db *DB) openSQLite(path string, o Options) error {
	if path == "" || strings.HasPrefix(path, ":") {
		return errors.New("IDP_DATABASE: sqlite: needs the path of a file, as in sqlite:/var/lib/idp/idp.db")
	}
	if err := checkFile(path, o.Create); err != nil {
		return err
	}
	writer, err := sqliteHandle(path, "_journal_mode=WAL&_txlock=immediate", 1)
	if err != nil {
		return err
	}
	readers := 4
	if o.MaxConns > 0 {
		readers = o.MaxConns
	}
	reader, err := sqliteHandle(path, "_query_only=1", readers)
	if err != nil {
		return errors.Join(err, writer.Close())
	}
	db.dialect, db.writer, db.reader, db.group = dialectSQLite, writer, reader, &group{db: writer}
	return nil
}

// checkFile makes sure that there is a database file, readable by us alone if it is new.
func checkFile(path string, create bool) error {
	_, err := os.Stat(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !create {
		return fmt.Errorf("IDP_DATABASE: there is no database at %s: restore it from a backup (idp restore), "+
			"or correct the setting; for a new installation make it with idp migrate", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("IDP_DATABASE: make the folder of the database: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("IDP_DATABASE: make the database: %w", err)
	}
	return file.Close()
}

// sqliteHandle opens a pool of n connections. synchronous FULL makes each commit durable: a code taken once must stay
// taken after a power cut. With mode=rw SQLite never makes the file itself.
func sqliteHandle(path, extra string, n int) (*sql.DB, error) {
	file := (&url.URL{Path: path}).EscapedPath()
	connector, err := sqlite.NewConnector("file:" + file + "?mode=rw&_busy_timeout=5000&_synchronous=FULL&_foreign_keys=1" +
		"&_dqs=0&_defensive=1&_error_rc=1&" + extra)
	if err != nil {
		return nil, fmt.Errorf("IDP_DATABASE: %w", err)
	}
	handle := sql.OpenDB(caching{connector})
	handle.SetMaxOpenConns(n)
	handle.SetMaxIdleConns(n)
	return handle, nil
}

func (db *DB) openPostgres(address string, o Options) error {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return fmt.Errorf("IDP_DATABASE: %w", err) // pgx leaves the password out
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	if config.ValidateConnect == nil && severalHosts(config) {
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	db.address = config.Copy()
	if !pooled(config) {
		bound(config, "statement_timeout", 30*time.Second)
		bound(config, "idle_in_transaction_session_timeout", 60*time.Second)
	}
	conns := 16
	if o.MaxConns > 0 {
		conns = o.MaxConns
	}
	db.dialect, db.writer = dialectPostgres, db.postgresHandle(config, conns)
	return nil
}

// severalHosts tells whether the address names more than one server. Then one is the primary and the others are not, and
// the address need not say that we want the first. Fallbacks also hold the ways to speak TLS with one server.
func severalHosts(config *pgx.ConnConfig) bool {
	for _, other := range config.Fallbacks {
		if other.Host != config.Host || other.Port != config.Port {
			return true
		}
	}
	return false
}

// pooled tells whether the address is made for pgbouncer in transaction mode, which does not let session settings pass:
// there the timeouts are the operator's to set on the role.
func pooled(config *pgx.ConnConfig) bool {
	return config.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement
}

// bound sets a server-side timeout unless the address has its own.
func bound(config *pgx.ConnConfig, name string, d time.Duration) {
	if _, set := config.RuntimeParams[name]; !set {
		config.RuntimeParams[name] = strconv.FormatInt(d.Milliseconds(), 10)
	}
}

// postgresHandle opens a pool of n connections. A connection that was idle for over a second is pinged before use, which
// is the driver's default: a write must not find out by itself that its server is gone.
func (db *DB) postgresHandle(config *pgx.ConnConfig, n int) *sql.DB {
	handle := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(db.stamp), stdlib.OptionResetSession(db.stillGood))
	handle.SetMaxOpenConns(n)
	handle.SetMaxIdleConns(n)
	handle.SetConnMaxIdleTime(5 * time.Minute)
	return handle
}

// stamp notes on a new connection how long it is good for: half an hour, more or less, so that connections made together
// do not end together, and no longer than its generation.
func (db *DB) stamp(_ context.Context, conn *pgx.Conn) error {
	data := conn.PgConn().CustomData()
	data["generation"] = db.generation.Load()
	data["expires"] = time.Now().Add(25*time.Minute + rand.N(10*time.Minute))
	return nil
}

// stillGood is asked before a connection is used again. After a failover the connections to the former primary look sound
// and refuse each write with 25006; the first refusal ends them all (see DB.retry).
func (db *DB) stillGood(_ context.Context, conn *pgx.Conn) error {
	data := conn.PgConn().CustomData()
	made, _ := data["generation"].(int64)
	expires, _ := data["expires"].(time.Time)
	if made < db.generation.Load() || time.Now().After(expires) {
		return driver.ErrBadConn
	}
	return nil
}

// Ping tells whether the database answers, for reading and for writing alike.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.writer.PingContext(ctx); err != nil {
		return classify(err)
	}
	if db.reader == nil {
		return nil
	}
	return classify(db.reader.PingContext(ctx))
}

// Kind names the database: "sqlite" or "postgres".
func (db *DB) Kind() string { return string(db.dialect) }

// Close closes all connections, waiting for what runs. The readers go first: SQLite folds its log into the file when the
// last connection closes, which they could not do.
func (db *DB) Close() error {
	var err error
	if db.reader != nil {
		err = db.reader.Close()
	}
	return errors.Join(err, db.writer.Close())
}

// handle returns the connections for a statement that runs by itself.
func (db *DB) handle(query string) *sql.DB {
	if db.reader != nil && isRead(query) {
		return db.reader
	}
	return db.writer
}
