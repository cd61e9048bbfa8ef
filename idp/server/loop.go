package server

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/notify"
	"propusk/keys"
	"propusk/store"
)

// loop is the background work of a process. Everything it does may be done by several processes at once.
type loop struct {
	wake chan struct{}
}

// poke tells the loop that a job was queued; it never waits.
func (l *loop) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

const (
	reloadEvery = 400 * time.Millisecond // clients and keys: a change counts everywhere within a second
	jobsEvery   = time.Second            // besides being woken
	sweepEvery  = time.Minute
	keysEvery   = time.Hour
	jobLease    = 60 // seconds
	jobBatch    = 20
)

// Run does the background work until the context ends, and returns when the last piece of it has stopped.
func (s *Server) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, work := range []func(context.Context){
		func(ctx context.Context) { s.every(ctx, reloadEvery, nil, "reload", s.reload) },
		func(ctx context.Context) { s.every(ctx, jobsEvery, s.loop.wake, "jobs", s.runJobs) },
		func(ctx context.Context) { s.every(ctx, sweepEvery, nil, "sweep", s.sweep) },
		func(ctx context.Context) { s.every(ctx, keysEvery, nil, "keys", s.keepKeys) },
	} {
		all.Add(1)
		go func() { defer all.Done(); work(ctx) }()
	}
	all.Wait()
}

// every does a piece of work at an interval and when woken. A failure is logged and tried again at the next turn.
func (s *Server) every(ctx context.Context, interval time.Duration, wake <-chan struct{}, name string, work func(context.Context, time.Time) error) {
	t := time.NewTicker(interval)
	defer t.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-wake:
		}
		err := work(ctx, time.Now())
		if err != nil && ctx.Err() == nil && !failing {
			slog.Error("background work failed", "work", name, "error", err.Error())
		}
		failing = err != nil
	}
}

func (s *Server) reload(ctx context.Context, now time.Time) error { return s.Grant.Reload(ctx, now) }

func (s *Server) sweep(ctx context.Context, now time.Time) error {
	s.Authn.Pool.Trim()
	for range 20 {
		more, err := s.Store.Sweep(ctx, now.Unix())
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func (s *Server) keepKeys(ctx context.Context, now time.Time) error {
	return KeepKeys(ctx, s.Store, s.Master, now)
}

// KeepKeys makes the signing keys that are due and drops those whose time is over. `idp migrate` and `idp dev` call it for the
// first ones; `idp serve` refuses to start without any, so that a wrong database is an outage and never a second provider.
func KeepKeys(ctx context.Context, db *store.DB, m *keys.Master, now time.Time) error {
	schedule := keys.NewSchedule(idp.AccessLife * time.Second)
	return db.InTx(ctx, func(tx *store.Tx) error {
		rows, err := tx.SigningKeys(ctx)
		if err != nil {
			return err
		}
		missing, retired := keys.Plan(rows, keys.Algs(), now, schedule)
		for _, need := range missing {
			k, err := need.Generate(m, now, schedule)
			if err != nil {
				return err
			}
			if err := tx.PutSigningKey(ctx, k); err != nil {
				return err
			}
		}
		for _, id := range retired {
			if err := tx.DropSigningKey(ctx, id, now.Unix()); err != nil {
				return err
			}
		}
		return nil
	})
}

// RotateKeys is `idp keys rotate`: new keys are published now and used after the overlap; in an emergency at once, and the old
// ones are withdrawn.
func RotateKeys(ctx context.Context, db *store.DB, m *keys.Master, emergency bool, now time.Time) error {
	schedule := keys.NewSchedule(idp.AccessLife * time.Second)
	return db.InTx(ctx, func(tx *store.Tx) error {
		rows, err := tx.SigningKeys(ctx)
		if err != nil {
			return err
		}
		change := keys.Rotate(rows, keys.Algs(), now, schedule, emergency)
		for _, need := range change.Make {
			k, err := need.Generate(m, now, schedule)
			if err != nil {
				return err
			}
			change.Update = append(change.Update, k)
		}
		for _, k := range change.Update {
			if err := tx.PutSigningKey(ctx, k); err != nil {
				return err
			}
		}
		return nil
	})
}

// runJobs works off what is due.
func (s *Server) runJobs(ctx context.Context, now time.Time) error {
	buckets, err := s.Store.DueBuckets(ctx, now.Unix())
	if err != nil {
		return err
	}
	for _, b := range buckets {
		jobs, err := s.Store.ClaimJobs(ctx, b, now.Unix(), jobLease, jobBatch)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			if err := s.runJob(ctx, j, now); err != nil {
				return err
			}
		}
		if len(jobs) == jobBatch {
			s.loop.poke()
		}
	}
	return nil
}

// runJob does one job. What failed for a while comes again later; what can never succeed, or is not worth it any more, goes.
func (s *Server) runJob(ctx context.Context, j store.Job, now time.Time) error {
	if j.Kind != authn.MessageJob {
		slog.Warn("job of an unknown kind is left to a newer version", "kind", j.Kind, "job", string(j.ID))
		return s.Store.PostponeJob(ctx, j, now.Unix()+3600)
	}
	m, err := s.Authn.OpenMessage(j)
	if err != nil {
		slog.Error("message does not open", "job", string(j.ID), "error", err.Error())
		return s.Store.FinishJob(ctx, j)
	}
	if now.After(m.Deadline()) {
		slog.Warn("message is too late to be sent", "message", m)
		return s.Store.FinishJob(ctx, j)
	}
	sending, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	err = s.senders.Send(sending, m, now)
	switch {
	case err == nil:
		return s.Store.FinishJob(ctx, j)
	case errors.Is(err, notify.Permanent):
		slog.Warn("message refused for good", "message", m, "error", err.Error())
		return s.Store.FinishJob(ctx, j)
	}
	slog.Warn("message not sent", "message", m, "attempt", j.Attempts, "error", err.Error())
	return s.Store.PostponeJob(ctx, j, now.Add(notify.Backoff(int(j.Attempts))).Unix())
}
