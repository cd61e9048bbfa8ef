package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"propusk/store"
)

// server is a PostgreSQL to make databases on.
type server struct {
	url      *url.URL // of its maintenance database
	template string   // a migrated database to copy
	strategy string   // the clause that copies it fastest
}

// errNoServer means that this machine has no PostgreSQL to test with; the text around it says what was looked for.
var errNoServer = errors.New("no PostgreSQL")

// PostgresURL returns the address, as IDP_DATABASE wants it, of a fresh migrated database that is dropped after the test,
// or skips.
func PostgresURL(tb testing.TB) string {
	tb.Helper()
	s, err := theServer()
	if errors.Is(err, errNoServer) {
		missing(tb, err.Error())
	}
	if err != nil {
		tb.Fatal(err)
	}
	name := "propusk_test_" + strings.ToLower(rand.Text())
	if err := s.exec(`CREATE DATABASE ` + name + ` TEMPLATE ` + s.template + s.strategy); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.exec(`DROP DATABASE ` + name + ` WITH (FORCE)`); err != nil {
			tb.Errorf("drop the database: %v", err)
		}
	})
	return s.address(name)
}

// theServer is started at the first test that wants it.
var theServer = sync.OnceValues(func() (*server, error) {
	address := os.Getenv("TEST_POSTGRES")
	if address == "" {
		var err error
		if address, err = startCluster(); err != nil {
			return nil, err
		}
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("TEST_POSTGRES: want a URL, postgres://user:password@host/name")
	}
	s := &server{url: u, template: "propusk_template_" + store.SchemaID()}
	return s, s.makeTemplate()
})

// address returns the address of another database on the server.
func (s *server) address(name string) string {
	u := *s.url
	u.Path = "/" + name
	return u.String()
}

// makeTemplate makes the template unless it is there. Test processes that share a server wait here for the first of them;
// the template appears under its name only when it is complete.
func (s *server) makeTemplate() error {
	return s.with(func(ctx context.Context, conn *pgx.Conn) error {
		var version int
		var exists bool
		// An advisory lock is out of place in the product, which must run behind pgbouncer; this is a test's own session.
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtext($1))`, s.template); err != nil {
			return err
		}
		err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`,
			s.template).Scan(&version, &exists)
		if err != nil {
			return err
		}
		if version >= 150000 {
			s.strategy = ` STRATEGY file_copy`
		}
		if exists {
			return nil
		}
		draft := s.template + "_draft"
		if _, err := conn.Exec(ctx, `DROP DATABASE IF EXISTS `+draft+` WITH (FORCE)`); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, `CREATE DATABASE `+draft+` TEMPLATE template0 ENCODING 'UTF8'`); err != nil {
			return err
		}
		if err := migrated(s.address(draft), store.Options{}); err != nil {
			return err
		}
		_, err = conn.Exec(ctx, `ALTER DATABASE `+draft+` RENAME TO `+s.template)
		return err
	})
}

func (s *server) exec(statement string) error {
	return s.with(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, statement)
		return err
	})
}

// with runs fn on a connection of its own to the maintenance database.
func (s *server) with(fn func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url.String())
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := fn(ctx, conn); err != nil {
		return fmt.Errorf("prepare a test database: %w", err)
	}
	return nil
}
