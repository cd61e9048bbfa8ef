package store

import (
	"context"
	"encoding/json"

	"propusk/idp"
)

// Job is work to be done after the transaction that asked for it. It may run twice; its effect may not.
type Job struct {
	Bucket     int64
	ID         idp.ID
	Kind       string
	Args       []byte // sealed where it holds personal data
	RunAt      int64
	LeaseUntil int64
	Attempts   int64
	CreatedAt  int64
}

// Buckets is how many parts the queue has; a sharded database distributes it by them.
const Buckets = 16

// AddJob queues a job in the transaction that asks for it.
func (q Queries) AddJob(ctx context.Context, j Job) error {
	_, err := q.q.ExecContext(ctx, `INSERT INTO job (bucket, id, kind, args, run_at, lease_until, attempts, created_at)
		VALUES ($1, $2, $3, $4, $5, 0, 0, $6)`, bucketOf(j.ID), string(j.ID), j.Kind, blob(j.Args), j.RunAt, j.CreatedAt)
	return err
}

func bucketOf(id idp.ID) int64 { b := id.Bytes(); return int64(b[15] % Buckets) }

// DueBuckets lists the parts of the queue that have work due, so that an idle queue costs one read.
func (q Queries) DueBuckets(ctx context.Context, now int64) ([]int64, error) {
	rows, err := q.q.QueryContext(ctx, `SELECT DISTINCT bucket FROM job WHERE run_at <= $1 AND lease_until <= $1`, now)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(b *int64) []any { return []any{b} })
}

// ClaimJobs leases due jobs of a bucket. The condition is repeated outside on purpose: without it PostgreSQL gives one job
// to two workers (library-facts.md 6). A short or empty answer is no proof of an empty queue.
func (q Queries) ClaimJobs(ctx context.Context, bucket, now, lease, limit int64) ([]Job, error) {
	rows, err := q.q.QueryContext(ctx, `UPDATE job SET lease_until = $3, attempts = attempts + 1 WHERE bucket = $1 AND lease_until <= $2 AND id IN
		(SELECT id FROM job WHERE bucket = $1 AND run_at <= $2 AND lease_until <= $2 ORDER BY run_at LIMIT $4)
		RETURNING bucket, id, kind, args, run_at, lease_until, attempts, created_at`, bucket, now, now+lease, limit)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(j *Job) []any {
		return []any{&j.Bucket, &j.ID, &j.Kind, &j.Args, &j.RunAt, &j.LeaseUntil, &j.Attempts, &j.CreatedAt}
	})
}

// FinishJob deletes a job whose lease is still ours.
func (q Queries) FinishJob(ctx context.Context, j Job) error {
	_, err := q.q.ExecContext(ctx, `DELETE FROM job WHERE bucket = $1 AND id = $2 AND attempts = $3`, j.Bucket, string(j.ID), j.Attempts)
	return err
}

// PostponeJob gives a failed job back, to run again at runAt.
func (q Queries) PostponeJob(ctx context.Context, j Job, runAt int64) error {
	_, err := q.q.ExecContext(ctx, `UPDATE job SET run_at = $4, lease_until = 0 WHERE bucket = $1 AND id = $2 AND attempts = $3`,
		j.Bucket, string(j.ID), j.Attempts, runAt)
	return err
}

// QueueLength counts the jobs that are due and the oldest one's time, for the health page.
func (q Queries) QueueLength(ctx context.Context, now int64) (n, oldest int64, err error) {
	err = q.q.QueryRowContext(ctx, `SELECT count(*), COALESCE(min(run_at), 0) FROM job WHERE run_at <= $1`, now).Scan(&n, &oldest)
	return n, oldest, err
}

// AddEvent writes a line of an account's journal, in the transaction that it records.
func (q Queries) AddEvent(ctx context.Context, e idp.Event) error {
	_, err := q.q.ExecContext(ctx, `INSERT INTO event (oid, id, at, what, client_id, session_id, agent, details) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.OID, string(e.ID), e.At, string(e.What), e.ClientID, string(e.Session), e.Agent, mapText(e.Details))
	return err
}

// Events lists an account's journal, newest first, older than before (empty: from the newest).
func (q Queries) Events(ctx context.Context, oid idp.OID, before idp.ID, limit int64) ([]idp.Event, error) {
	if before == "" {
		before = "g" // sorts after every ID
	}
	rows, err := q.q.QueryContext(ctx, `SELECT oid, id, at, what, client_id, session_id, agent, details FROM event WHERE oid = $1 AND id < $2
		ORDER BY id DESC LIMIT $3`, oid, string(before), limit)
	if err != nil {
		return nil, err
	}
	type row struct {
		idp.Event
		details string
	}
	all, err := scanAll(rows, func(r *row) []any {
		return []any{&r.OID, &r.ID, &r.At, &r.What, &r.ClientID, &r.Session, &r.Agent, &r.details}
	})
	out := make([]idp.Event, len(all))
	for i, r := range all {
		r.Details = unmap(r.details)
		out[i] = r.Event
	}
	return out, err
}

func mapText(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	b, _ := json.Marshal(m) // a map of strings always marshals
	return string(b)
}

func unmap(text string) map[string]string {
	if text == "" {
		return nil
	}
	var m map[string]string
	if json.Unmarshal([]byte(text), &m) != nil {
		return nil
	}
	return m
}
