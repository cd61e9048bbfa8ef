package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"propusk/idp"
)

// tries is how often a statement or a transaction is run when others keep getting in its way.
const tries = 3

// ErrOutcomeUnknown is in the chain of an error when the connection was lost while a change was being made durable: it may
// or may not have happened. Nothing here repeats it; the caller looks its key up first, or tells the person to look.
var ErrOutcomeUnknown = errors.New("the connection was lost before the answer: the outcome is unknown")

// retry runs fn until it succeeds, fails for good, has been tried often enough or ctx ends. fn is run again after a clash
// with other work and, unless it marked its error with ErrOutcomeUnknown, after a lost connection. The last error leaves
// classified.
func (db *DB) retry(ctx context.Context, fn func() error) error {
	for try := 1; ; try++ {
		err := fn()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if pgCode(err) == pgReadOnly {
			// The server behind this connection has become a standby, and so it is behind the others of its age.
			db.generation.Add(1)
		}
		again := isClash(err) || isLost(err) && !errors.Is(err, ErrOutcomeUnknown)
		if try == tries || !again || !pause(ctx, try) {
			return classify(err)
		}
	}
}

// pause waits before the next try, longer each time and never for the same time as a rival. It tells whether there is
// time left to try.
func pause(ctx context.Context, try int) bool {
	longest := 20 * time.Millisecond << try
	wait := longest/2 + rand.N(longest/2)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// classify marks an outage of the database as idp.Unavailable. Everything else stays what it is: sql.ErrNoRows and a
// duplicate key mean something to the caller alone, the rest is a defect.
func classify(err error) error {
	var known *idp.Error
	if errors.As(err, &known) || !isOutage(err) {
		return err
	}
	return idp.Fail(idp.Unavailable, "unavailable").Because(err)
}
