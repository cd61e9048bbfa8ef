package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// groupSize bounds how many statements share a commit, and so how long the last of them waits for the first.
const groupSize = 64

// group lets statements that wait for SQLite's only writing connection share one commit, because the commit's fsync is what
// they pay for. There is no goroutine: whoever comes first leads, writes for all that came while it waited for the
// connection, and hands the lead to the next. A lone writer leads only itself.
type group struct {
	db *sql.DB

	mu      sync.Mutex
	queue   []*write // have not been taken by a leader
	leading bool
}

// write is one statement in a group, outside the others' reach: an error of its own undoes it alone.
type write struct {
	ctx  context.Context
	run  func(context.Context, runner) error
	turn chan bool // receives true to lead, false when err is set
	err  error
}

// do runs one statement and returns when it is durable.
func (g *group) do(ctx context.Context, run func(context.Context, runner) error) error {
	w := &write{ctx: ctx, run: run, turn: make(chan bool, 1)}
	g.mu.Lock()
	g.queue = append(g.queue, w)
	lead := !g.leading
	g.leading = true
	g.mu.Unlock()
	if !lead {
		select {
		case lead = <-w.turn:
		case <-ctx.Done():
			if g.leave(w) {
				return context.Cause(ctx)
			}
			lead = <-w.turn // a leader has it, or it is to lead: either is over soon
		}
	}
	if lead {
		g.lead(w)
	}
	return w.err
}

// leave takes w out of the queue. It is false if a leader was faster.
func (g *group) leave(w *write) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.queue {
		if other == w && len(w.turn) == 0 {
			g.queue = append(g.queue[:i], g.queue[i+1:]...)
			return true
		}
	}
	return false
}

// lead writes w and whatever else has gathered, then lets the next one lead.
func (g *group) lead(w *write) {
	life := detach(w.ctx)
	defer life.end()
	tx, err := g.db.BeginTx(life, nil)
	if err == nil && !life.release() {
		_ = tx.Rollback()
		err = w.ctx.Err()
	}
	batch := g.take(w, err == nil)
	if err != nil {
		w.err = life.explain(err)
	} else {
		commitAll(tx, batch)
	}
	for _, other := range batch {
		if other != w {
			other.turn <- false
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.leading = len(g.queue) > 0; g.leading {
		g.queue[0].turn <- true
	}
}

// take removes from the queue the writes of this transaction: w, and if it has begun, those that came first.
func (g *group) take(w *write, begun bool) []*write {
	g.mu.Lock()
	defer g.mu.Unlock()
	batch := []*write{w}
	var left []*write
	for _, other := range g.queue {
		switch {
		case other == w:
		case begun && len(batch) < groupSize:
			batch = append(batch, other)
		default:
			left = append(left, other)
		}
	}
	g.queue = left
	return batch
}

// commitAll runs the batch in tx and sets the error of each write.
func commitAll(tx *sql.Tx, batch []*write) {
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	done := 0
	for _, w := range batch {
		err := w.within(tx, len(batch) > 1)
		if err != nil { // the transaction itself is broken: nothing of it has happened
			fail(batch, err)
			return
		}
		if w.err == nil {
			done++
		}
	}
	if done == 0 {
		return
	}
	if err := tx.Commit(); err != nil {
		fail(batch, err)
	}
}

// fail gives err to all whose statement seemed to succeed; the others keep their own.
func fail(batch []*write, err error) {
	for _, w := range batch {
		if w.err == nil {
			w.err = err
		}
	}
}

// within runs one write, inside a savepoint if it has company. The error is that of the savepoint.
func (w *write) within(tx *sql.Tx, company bool) error {
	// SQLite answers an interrupted statement by undoing the whole transaction: so a context is asked before and not during.
	if w.err = w.ctx.Err(); w.err != nil {
		return nil
	}
	ctx := context.WithoutCancel(w.ctx)
	if !company {
		w.err = w.run(ctx, tx)
		return nil
	}
	if _, err := tx.ExecContext(ctx, `SAVEPOINT one`); err != nil {
		return fmt.Errorf("begin savepoint: %w", err)
	}
	if w.err = w.run(ctx, tx); w.err != nil {
		if _, err := tx.ExecContext(ctx, `ROLLBACK TO one`); err != nil {
			return fmt.Errorf("undo savepoint: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, `RELEASE one`); err != nil {
		return fmt.Errorf("release savepoint: %w", err)
	}
	return nil
}
