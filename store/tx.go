package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"propusk/idp"
)

// commitPatience bounds a COMMIT, which the caller's context does not: see InTx.
const commitPatience = 10 * time.Second

// Queries holds every statement of the project as a method, once: DB runs it by itself, Tx within its transaction.
type Queries struct{ q querier }

// querier runs statements. A row given by QueryRowContext must be scanned: outside a transaction the statement runs in
// Scan, because only then can it be repeated or share a commit with others.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) scanner
}

// scanner is a row to read columns from: *sql.Rows, or the one row of QueryRowContext.
type scanner interface{ Scan(dest ...any) error }

// runner is what *sql.DB and *sql.Tx have in common.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// single is the querier of a DB: each statement is a transaction of its own.
type single struct{ db *DB }

// ExecContext implements querier.
func (s single) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	err = s.run(ctx, query, func(ctx context.Context, on runner) (err error) {
		result, err = on.ExecContext(ctx, query, args...)
		return err
	})
	return result, err
}

// QueryRowContext implements querier.
func (s single) QueryRowContext(ctx context.Context, query string, args ...any) scanner {
	return &singleRow{s, ctx, query, args}
}

// singleRow is a row that has not been asked for yet. It keeps a context, for as long as a *sql.Row would.
type singleRow struct {
	s     single
	ctx   context.Context
	query string
	args  []any
}

// Scan runs the statement and reads its first row.
func (r *singleRow) Scan(dest ...any) error {
	return r.s.run(r.ctx, r.query, func(ctx context.Context, on runner) error {
		return on.QueryRowContext(ctx, r.query, r.args...).Scan(dest...)
	})
}

// QueryContext implements querier. A statement that writes and returns many rows does not share its commit, because the
// rows are read after this returns; on SQLite it holds the only writing connection until they are closed.
func (s single) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	err = s.db.retry(ctx, func() (err error) {
		rows, err = s.db.handle(query).QueryContext(ctx, query, args...)
		return s.unknown(query, err)
	})
	return rows, err
}

func (s single) run(ctx context.Context, query string, fn func(context.Context, runner) error) error {
	return s.db.retry(ctx, func() error {
		if s.db.group != nil && !isRead(query) {
			return s.db.group.do(ctx, fn)
		}
		return s.unknown(query, fn(ctx, s.db.handle(query)))
	})
}

// unknown marks the error of a write whose connection broke: the server may have committed it. A connection found dead
// before anything was sent is replaced by database/sql and never comes here.
func (s single) unknown(query string, err error) error {
	if err == nil || isRead(query) || !isLost(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
}

// Tx is a transaction; it is made by InTx and ends with it.
type Tx struct{ Queries }

// inside is the querier of a Tx.
type inside struct{ *sql.Tx }

// QueryRowContext implements querier.
func (i inside) QueryRowContext(ctx context.Context, query string, args ...any) scanner {
	return i.Tx.QueryRowContext(ctx, query, args...)
}

// InTx runs fn in a transaction and commits it. An error or a panic of fn undoes everything, and the error is returned as
// it is; so a refusal that must leave a trace is not an error of fn (STYLE.md, 6).
//
// fn may run up to three times, when other transactions or a lost connection got in the way: it depends on its arguments
// alone and sets results rather than adding to them. It uses tx only. A write through the DB inside fn would wait on
// SQLite for the connection that fn itself holds.
//
// The caller's context ends the transaction at any time before COMMIT and never during it: a visitor who hangs up must
// not make the outcome unknown. If the connection is lost during COMMIT the error has ErrOutcomeUnknown in its chain.
func (db *DB) InTx(ctx context.Context, fn func(tx *Tx) error) error {
	return db.retry(ctx, func() error { return db.inTx(ctx, fn) })
}

func (db *DB) inTx(ctx context.Context, fn func(tx *Tx) error) error {
	life := detach(ctx)
	defer life.end()
	tx, err := db.writer.BeginTx(life, nil)
	if err != nil {
		return life.explain(err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err := fn(&Tx{Queries{inside{tx}}}); err != nil {
		return err
	}
	if !life.release() {
		return context.Cause(ctx)
	}
	return db.commit(tx)
}

// commit commits tx and tells a commit that surely failed from one that nobody knows about.
func (db *DB) commit(tx *sql.Tx) error {
	err := tx.Commit()
	if err == nil || db.dialect == dialectSQLite || errors.Is(err, pgx.ErrTxCommitRollback) || errors.Is(err, sql.ErrTxDone) {
		return err
	}
	if pgCode(err) != "" && !isLost(err) {
		return err // the server has answered
	}
	return idp.Fail(idp.Unavailable, "unavailable").Because(fmt.Errorf("%w: %w", ErrOutcomeUnknown, err))
}

// lifetime is the context of a transaction: it ends with its parent until release, and commitPatience after that.
type lifetime struct {
	context.Context
	parent context.Context
	cancel context.CancelFunc
	stop   func() bool
	timer  *time.Timer
}

func detach(ctx context.Context) *lifetime {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if ctx.Err() != nil {
		cancel() // AfterFunc would do it a moment later
	}
	return &lifetime{Context: own, parent: ctx, cancel: cancel, stop: context.AfterFunc(ctx, cancel)}
}

// release cuts the parent off. It is false if the parent has ended.
func (l *lifetime) release() bool {
	if !l.stop() {
		return false
	}
	l.timer = time.AfterFunc(commitPatience, l.cancel)
	return true
}

// explain gives the parent's reason for an error that its end has caused.
func (l *lifetime) explain(err error) error {
	if l.parent.Err() != nil {
		return context.Cause(l.parent)
	}
	return err
}

func (l *lifetime) end() {
	l.stop()
	if l.timer != nil {
		l.timer.Stop()
	}
	l.cancel()
}
