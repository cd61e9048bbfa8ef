package store

import (
	"context"
	"database/sql"
	"errors"

	"propusk/idp"
)

const sessionColumns = `s.oid, s.id, s.secret_hash, s.device_hash, s.auth_time, s.methods, s.tier, s.tier_at, s.tier_method, s.recovered_at,
	s.created_at, s.seen_at, s.ends_at, s.agent, s.public`

type sessionRow struct {
	idp.Session
	methods string
}

func (r *sessionRow) fields() []any {
	s := &r.Session
	return []any{&s.OID, &s.ID, &s.SecretHash, &s.DeviceHash, &s.Auth.Time, &r.methods, &s.Auth.Tier, &s.Auth.TierAt, &s.Auth.TierMethod,
		&s.Auth.RecoveredAt, &s.CreatedAt, &s.SeenAt, &s.EndsAt, &s.Agent, &s.Public}
}

func (r *sessionRow) session() idp.Session {
	r.Auth.Methods = unlist[string](r.methods)
	return r.Session
}

// SessionWith returns a session and its account in one read, by the key in the cookie; NotFound if it is gone or over.
// The caller compares the secret.
func (q Queries) SessionWith(ctx context.Context, oid idp.OID, id idp.ID, now int64) (idp.Session, idp.Account, error) {
	var r sessionRow
	var a idp.Account
	err := q.q.QueryRowContext(ctx, `SELECT `+sessionColumns+`, `+accountColumns+` FROM session s JOIN account a ON a.oid = s.oid
		WHERE s.oid = $1 AND s.id = $2 AND s.ends_at > $3 AND s.seen_at > $4`, oid, string(id), now, now-idp.SessionIdle).
		Scan(append(r.fields(), accountFields(&a)...)...)
	return r.session(), a, notFound(err, "session.unknown")
}

// SessionAlive tells whether a session still exists and is not over.
func (q Queries) SessionAlive(ctx context.Context, oid idp.OID, id idp.ID, now int64) (bool, error) {
	var n int64
	err := q.q.QueryRowContext(ctx, `SELECT ends_at FROM session WHERE oid = $1 AND id = $2 AND ends_at > $3 AND seen_at > $4`,
		oid, string(id), now, now-idp.SessionIdle).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Sessions lists an account's live sessions, newest first.
func (q Queries) Sessions(ctx context.Context, oid idp.OID, now int64) ([]idp.Session, error) {
	rows, err := q.q.QueryContext(ctx, `SELECT `+sessionColumns+` FROM session s WHERE s.oid = $1 AND s.ends_at > $2 AND s.seen_at > $3
		ORDER BY s.created_at DESC, s.id DESC LIMIT 100`, oid, now, now-idp.SessionIdle)
	if err != nil {
		return nil, err
	}
	all, err := scanAll(rows, (*sessionRow).fields)
	out := make([]idp.Session, len(all))
	for i := range all {
		out[i] = all[i].session()
	}
	return out, err
}

// PutSession inserts a session, or, for one that exists, replaces its secret and what was proved: sign-in changes the cookie.
func (q Queries) PutSession(ctx context.Context, s idp.Session) error {
	_, err := q.q.ExecContext(ctx, `INSERT INTO session (oid, id, secret_hash, device_hash, auth_time, methods, tier, tier_at, tier_method,
		recovered_at, created_at, seen_at, ends_at, agent, public) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		ON CONFLICT (oid, id) DO UPDATE SET secret_hash = excluded.secret_hash, auth_time = excluded.auth_time, methods = excluded.methods,
		tier = excluded.tier, tier_at = excluded.tier_at, tier_method = excluded.tier_method, recovered_at = excluded.recovered_at,
		seen_at = excluded.seen_at, ends_at = excluded.ends_at`,
		s.OID, string(s.ID), s.SecretHash, s.DeviceHash, s.Auth.Time, list(s.Auth.Methods), string(s.Auth.Tier), s.Auth.TierAt,
		string(s.Auth.TierMethod), s.Auth.RecoveredAt, s.CreatedAt, s.SeenAt, s.EndsAt, s.Agent, s.Public)
	return err
}

// StepUpSession replaces the secret and the methods of a session that is still there; false if it was ended meanwhile: a step-up
// must not bring it back.
func (q Queries) StepUpSession(ctx context.Context, s idp.Session) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE session SET secret_hash = $3, methods = $4, seen_at = $5 WHERE oid = $1 AND id = $2`,
		s.OID, string(s.ID), s.SecretHash, list(s.Auth.Methods), s.SeenAt))
}

// TouchSession writes that the session was used; false if it is gone.
func (q Queries) TouchSession(ctx context.Context, oid idp.OID, id idp.ID, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE session SET seen_at = $3 WHERE oid = $1 AND id = $2 AND seen_at < $3`, oid, string(id), now))
}

// EndSession deletes a session and ends the token families begun in it that are not for offline use; false if it was gone.
func (q Queries) EndSession(ctx context.Context, oid idp.OID, id idp.ID, now int64) (bool, error) {
	if _, err := q.q.ExecContext(ctx, `UPDATE token_family SET ended_at = $3 WHERE oid = $1 AND session_id = $2 AND ended_at = 0 AND NOT offline`,
		oid, string(id), now); err != nil {
		return false, err
	}
	return one(q.q.ExecContext(ctx, `DELETE FROM session WHERE oid = $1 AND id = $2`, oid, string(id)))
}

// EndOtherSessions ends all sessions of an account but one.
func (q Queries) EndOtherSessions(ctx context.Context, oid idp.OID, keep idp.ID, now int64) error {
	if _, err := q.q.ExecContext(ctx, `UPDATE token_family SET ended_at = $3 WHERE oid = $1 AND session_id <> $2 AND ended_at = 0 AND NOT offline`,
		oid, string(keep), now); err != nil {
		return err
	}
	_, err := q.q.ExecContext(ctx, `DELETE FROM session WHERE oid = $1 AND id <> $2`, oid, string(keep))
	return err
}

// SessionClients lists the clients that the session signed in at, for the question before signing out.
func (q Queries) SessionClients(ctx context.Context, oid idp.OID, id idp.ID) ([]string, error) {
	rows, err := q.q.QueryContext(ctx, `SELECT DISTINCT client_id FROM token_family WHERE oid = $1 AND session_id = $2 ORDER BY client_id LIMIT 50`,
		oid, string(id))
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(s *string) []any { return []any{s} })
}
