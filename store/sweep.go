package store

import "context"

// sweeps delete what is over, by key and in small batches, so that nothing grows for ever and no statement holds many rows.
// $1 is now, $2 the size of a batch. Of events only those of nobody go: unknown logins.
var sweeps = []struct{ name, text string }{
	{"auth_request", `DELETE FROM auth_request WHERE id IN (SELECT id FROM auth_request WHERE expires_at <= CAST($1 AS BIGINT) - 86400 LIMIT $2)`},
	{"registration", `DELETE FROM registration WHERE id IN (SELECT id FROM registration WHERE expires_at <= CAST($1 AS BIGINT) - 86400 LIMIT $2)`},
	{"one_time_code", `DELETE FROM one_time_code WHERE flow IN (SELECT flow FROM one_time_code WHERE expires_at <= CAST($1 AS BIGINT) - 3600 LIMIT $2)
		AND expires_at <= CAST($1 AS BIGINT) - 3600`},
	{"link", `DELETE FROM link WHERE hash IN (SELECT hash FROM link WHERE expires_at <= CAST($1 AS BIGINT) - 864000 LIMIT $2)`},
	{"attempt", `DELETE FROM attempt WHERE key IN (SELECT key FROM attempt WHERE expires_at <= $1 LIMIT $2) AND expires_at <= $1`},
	{"session", `DELETE FROM session WHERE id IN (SELECT id FROM session WHERE ends_at <= $1 LIMIT $2) AND ends_at <= $1`},
	{"token_family", `DELETE FROM token_family WHERE id IN (SELECT id FROM token_family WHERE expires_at <= CAST($1 AS BIGINT) - 172800 LIMIT $2)`},
	{"access_token", `DELETE FROM access_token WHERE hash IN (SELECT hash FROM access_token WHERE expires_at <= CAST($1 AS BIGINT) - 3600 LIMIT $2)`},
	{"assertion", `DELETE FROM assertion WHERE hash IN (SELECT hash FROM assertion WHERE expires_at <= CAST($1 AS BIGINT) - 3600 LIMIT $2)`},
	{"event", `DELETE FROM event WHERE oid = 0 AND id IN (SELECT id FROM event WHERE oid = 0 AND at <= CAST($1 AS BIGINT) - 2592000 ORDER BY id LIMIT $2)`},
	{"device", `DELETE FROM device WHERE oid IN (SELECT oid FROM device WHERE seen_at <= CAST($1 AS BIGINT) - 34560000 LIMIT $2) AND seen_at <= CAST($1 AS BIGINT) - 34560000`},
}

const sweepBatch = 500

// DeviceMemory is how long a browser stays known to an account after its last sign-in, in seconds: 400 days, as long as
// browsers keep a cookie.
const DeviceMemory = 400 * 86400

// Sweep deletes one batch of each table's expired rows and reports whether there may be more.
func (q Queries) Sweep(ctx context.Context, now int64) (more bool, err error) {
	for _, s := range sweeps {
		r, err := q.q.ExecContext(ctx, s.text, now, sweepBatch)
		if err != nil {
			return false, err
		}
		if n, err := r.RowsAffected(); err == nil && n >= sweepBatch {
			more = true
		}
	}
	return more, nil
}
