package store

import (
	"context"
	"database/sql"
	"errors"

	"propusk/idp"
)

// OneTimeCode is the newest code of a flow and purpose. MAC is keyed, because six digits are guessed offline in no time.
type OneTimeCode struct {
	Flow      idp.ID // the request or registration it is for
	Purpose   string
	MAC       []byte
	FormerMAC []byte // of the code it replaced, so that the page can say so
	Contact   string // to which it went
	Tries     int64
	SentAt    int64
	ExpiresAt int64
}

// PutCode stores a new code in place of the former one.
func (q Queries) PutCode(ctx context.Context, c OneTimeCode) error {
	_, err := q.q.ExecContext(ctx, `INSERT INTO one_time_code AS c (flow, purpose, mac, former_mac, contact, tries, sent_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, 0, $6, $7) ON CONFLICT (flow, purpose) DO UPDATE SET former_mac = c.mac, mac = excluded.mac,
		contact = excluded.contact, tries = 0, sent_at = excluded.sent_at, expires_at = excluded.expires_at`,
		string(c.Flow), c.Purpose, c.MAC, []byte{}, c.Contact, c.SentAt, c.ExpiresAt)
	return err
}

// Code returns the newest code of a flow and purpose, whatever its state; NotFound if none was sent or it was used.
func (q Queries) Code(ctx context.Context, flow idp.ID, purpose string) (OneTimeCode, error) {
	c := OneTimeCode{Flow: flow, Purpose: purpose}
	err := q.q.QueryRowContext(ctx, `SELECT mac, former_mac, contact, tries, sent_at, expires_at FROM one_time_code WHERE flow = $1 AND purpose = $2`,
		string(flow), purpose).Scan(&c.MAC, &c.FormerMAC, &c.Contact, &c.Tries, &c.SentAt, &c.ExpiresAt)
	return c, notFound(err, "code.unknown")
}

// TryCode counts a try before it is judged and returns the code as it is then. NotFound: no code, no tries left, or expired.
func (q Queries) TryCode(ctx context.Context, flow idp.ID, purpose string, limit, now int64) (OneTimeCode, error) {
	c := OneTimeCode{Flow: flow, Purpose: purpose}
	err := q.q.QueryRowContext(ctx, `UPDATE one_time_code SET tries = tries + 1 WHERE flow = $1 AND purpose = $2 AND tries < $3 AND expires_at > $4
		RETURNING mac, former_mac, contact, tries, sent_at, expires_at`, string(flow), purpose, limit, now).
		Scan(&c.MAC, &c.FormerMAC, &c.Contact, &c.Tries, &c.SentAt, &c.ExpiresAt)
	return c, notFound(err, "code.unknown")
}

// TakeCode deletes a code that was right; false if another was first, or a newer one took its place.
func (q Queries) TakeCode(ctx context.Context, c OneTimeCode) (bool, error) {
	return one(q.q.ExecContext(ctx, `DELETE FROM one_time_code WHERE flow = $1 AND purpose = $2 AND mac = $3`, string(c.Flow), c.Purpose, c.MAC))
}

// Attempt is the state of one counter of tries.
type Attempt struct {
	Count     int64
	Until     int64 // no try before it; 0 without a pause
	StartedAt int64
}

// Count counts a try on a counter whose window began with its first try. False: the limit is reached, and the returned
// StartedAt + window is when the next is allowed. One statement: parallel tries are counted before they are judged.
func (q Queries) Count(ctx context.Context, key string, limit, window, now int64) (Attempt, bool, error) {
	a := Attempt{}
	err := q.q.QueryRowContext(ctx, `INSERT INTO attempt AS t (key, count, until, started_at, expires_at) VALUES ($1, 1, 0, $2, $3)
		ON CONFLICT (key) DO UPDATE SET
		count = CASE WHEN t.expires_at <= $2 THEN 1 ELSE t.count + 1 END,
		started_at = CASE WHEN t.expires_at <= $2 THEN $2 ELSE t.started_at END,
		expires_at = CASE WHEN t.expires_at <= $2 THEN $3 ELSE t.expires_at END
		WHERE t.count < $4 OR t.expires_at <= $2 RETURNING count, until, started_at`, key, now, now+window, limit).
		Scan(&a.Count, &a.Until, &a.StartedAt)
	if errors.Is(err, sql.ErrNoRows) {
		a, err = q.Attempts(ctx, key)
		return a, false, err
	}
	return a, err == nil, err
}

// TryPaused counts a try on a counter with growing pauses: from the fifth on each try begins a pause (pauses[0] seconds, then
// pauses[1], and so on) that a right answer clears. False: a pause lasts until Until, and the try was not counted.
func (q Queries) TryPaused(ctx context.Context, key string, now int64) (Attempt, bool, error) {
	a := Attempt{}
	err := q.q.QueryRowContext(ctx, `INSERT INTO attempt AS t (key, count, until, started_at, expires_at) VALUES ($1, 1, 0, $2, $3)
		ON CONFLICT (key) DO UPDATE SET
		count = CASE WHEN t.expires_at <= $2 THEN 1 ELSE t.count + 1 END,
		until = CASE WHEN t.expires_at <= $2 OR t.count + 1 < 5 THEN 0 WHEN t.count + 1 = 5 THEN $4 WHEN t.count + 1 = 6 THEN $5 ELSE $6 END,
		started_at = $2, expires_at = $3
		WHERE t.until <= $2 RETURNING count, until, started_at`, key, now, now+attemptMemory, now+pauses[0], now+pauses[1], now+pauses[2]).
		Scan(&a.Count, &a.Until, &a.StartedAt)
	if errors.Is(err, sql.ErrNoRows) {
		a, err = q.Attempts(ctx, key)
		return a, false, err
	}
	return a, err == nil, err
}

const attemptMemory = 24 * 3600 // seconds without a failure after which the pauses begin anew

var pauses = [3]int64{60, 5 * 60, 15 * 60} // seconds, after the fifth failure, the sixth, each further one (DESIGN.md 2.11)

// Uncount takes a counted try back: it could not be judged.
func (q Queries) Uncount(ctx context.Context, key string) error {
	_, err := q.q.ExecContext(ctx, `UPDATE attempt SET count = count - 1, until = 0 WHERE key = $1 AND count > 0`, key)
	return err
}

// Attempts reads a counter; zero if there is none.
func (q Queries) Attempts(ctx context.Context, key string) (Attempt, error) {
	var a Attempt
	err := q.q.QueryRowContext(ctx, `SELECT count, until, started_at FROM attempt WHERE key = $1`, key).Scan(&a.Count, &a.Until, &a.StartedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return Attempt{}, nil
	}
	return a, err
}

// ClearAttempts forgets a counter: the right answer came.
func (q Queries) ClearAttempts(ctx context.Context, key string) error {
	_, err := q.q.ExecContext(ctx, `DELETE FROM attempt WHERE key = $1`, key)
	return err
}
