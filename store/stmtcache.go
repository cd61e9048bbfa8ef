package store

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// cacheSize bounds the prepared statements of one SQLite connection. The product has fewer.
const cacheSize = 256

// caching gives SQLite connections that keep their statements prepared; pgx does so by itself. It is done below
// database/sql, per connection, because a *sql.Stmt cannot be prepared while a transaction holds the only connection.
type caching struct{ driver.Connector }

// Connect implements driver.Connector.
func (c caching) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := conn.(sqliteConn)
	if !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("the SQLite driver has changed: %T lacks a method", conn)
	}
	return &cachingConn{sqliteConn: full, statements: make(map[string]*statement)}, nil
}

// sqliteConn is what modernc.org/sqlite offers database/sql beyond the bare minimum.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// cachingConn is used by one goroutine at a time, as database/sql promises every connection.
type cachingConn struct {
	sqliteConn
	statements map[string]*statement
}

// statement is a prepared statement; it runs once at a time, and its rows count as running.
type statement struct {
	sqliteStmt
	running bool
}

type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// ExecContext implements driver.ExecerContext.
func (c *cachingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	result, err := s.ExecContext(ctx, args)
	if err != nil {
		c.forget(query, s)
	}
	return result, err
}

// QueryContext implements driver.QueryerContext.
func (c *cachingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		c.forget(query, s)
		return nil, err
	}
	s.running = true
	return &cachedRows{Rows: rows, c: c, s: s, query: query}, nil
}

// cachedRows gives its statement back when it is closed.
type cachedRows struct {
	driver.Rows
	c     *cachingConn
	s     *statement
	query string
}

// Close implements driver.Rows.
func (r *cachedRows) Close() error {
	err := r.Rows.Close()
	r.s.running = false
	if err != nil {
		r.c.forget(r.query, r.s)
	}
	return err
}

// statement returns query prepared, or nil if it is better run directly: its rows are still being read by an outer loop,
// or it changes the schema and will not come again.
func (c *cachingConn) statement(ctx context.Context, query string) (*statement, error) {
	if s := c.statements[query]; s != nil {
		if s.running {
			return nil, nil
		}
		return s, nil
	}
	if !worthKeeping(query) {
		return nil, nil
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	full, ok := prepared.(sqliteStmt)
	if !ok {
		_ = prepared.Close()
		return nil, fmt.Errorf("the SQLite driver has changed: %T lacks a method", prepared)
	}
	c.makeRoom()
	s := &statement{sqliteStmt: full}
	c.statements[query] = s
	return s, nil
}

func worthKeeping(query string) bool {
	for _, word := range []string{"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "SAVEPOINT", "ROLLBACK", "RELEASE"} {
		if hasWord(query, word) {
			return true
		}
	}
	return false
}

// makeRoom drops any statement that is not running once the cache is full.
func (c *cachingConn) makeRoom() {
	if len(c.statements) < cacheSize {
		return
	}
	for query, s := range c.statements {
		if !s.running {
			c.forget(query, s)
			return
		}
	}
}

// forget drops a statement: one that has failed may hold on to what it was given.
func (c *cachingConn) forget(query string, s *statement) {
	delete(c.statements, query)
	_ = s.Close()
}

// Close implements driver.Conn.
func (c *cachingConn) Close() error {
	for query, s := range c.statements {
		c.forget(query, s)
	}
	return c.sqliteConn.Close()
}
