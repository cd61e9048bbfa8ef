package store

import (
	"context"

	"propusk/idp"
)

const familyColumns = `f.oid, f.id, f.client_id, f.face, f.session_id, f.redirect_uri, f.code_hash, f.code_challenge, f.code_expires_at,
	f.redeemed_at, f.scopes, f.attributes, f.claims, f.resource, f.nonce, f.acrs, f.auth_time, f.methods, f.tier, f.tier_at, f.tier_method,
	f.recovered_at, f.epoch, f.offline, f.refresh_hash, f.generation, f.rotated_at, f.created_at, f.expires_at, f.ended_at`

type familyRow struct {
	idp.Grant
	scopes, attributes, acrs, methods string
}

func (r *familyRow) fields() []any {
	g := &r.Grant
	return []any{&g.OID, &g.ID, &g.ClientID, &g.Face, &g.SessionID, &g.RedirectURI, &g.CodeHash, &g.CodeChallenge, &g.CodeExpiresAt,
		&g.RedeemedAt, &r.scopes, &r.attributes, &g.Claims, &g.Resource, &g.Nonce, &r.acrs, &g.Auth.Time, &r.methods, &g.Auth.Tier,
		&g.Auth.TierAt, &g.Auth.TierMethod, &g.Auth.RecoveredAt, &g.Epoch, &g.Offline, &g.RefreshHash, &g.Generation, &g.RotatedAt,
		&g.CreatedAt, &g.ExpiresAt, &g.EndedAt}
}

func (r *familyRow) grant() idp.Grant {
	r.Scopes, r.Attributes, r.ACRs = unlist[string](r.scopes), unlist[idp.Attribute](r.attributes), unACR(r.acrs)
	r.Auth.Methods = unlist[string](r.methods)
	return r.Grant
}

// GrantKey finds a grant: codes, refresh tokens and access tokens carry it, so that the read goes to one shard.
type GrantKey struct {
	OID idp.OID
	ID  idp.ID
}

// AddGrant stores a grant with its authorization code.
func (q Queries) AddGrant(ctx context.Context, g idp.Grant) error {
	_, err := q.q.ExecContext(ctx, `INSERT INTO token_family (oid, id, client_id, face, session_id, redirect_uri, code_hash, code_challenge,
		code_expires_at, redeemed_at, scopes, attributes, claims, resource, nonce, acrs, auth_time, methods, tier, tier_at, tier_method, recovered_at,
		epoch, offline, refresh_hash, generation, rotated_at, created_at, expires_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10,
		$11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, 0, 0, $25, $26, 0)`,
		g.OID, string(g.ID), g.ClientID, string(g.Face), string(g.SessionID), g.RedirectURI, blob(g.CodeHash), g.CodeChallenge, g.CodeExpiresAt,
		list(g.Scopes), list(g.Attributes), g.Claims, g.Resource, g.Nonce, acrList(g.ACRs), g.Auth.Time, list(g.Auth.Methods),
		string(g.Auth.Tier), g.Auth.TierAt, string(g.Auth.TierMethod), g.Auth.RecoveredAt, g.Epoch, g.Offline, blob(g.RefreshHash),
		g.CreatedAt, g.ExpiresAt)
	return err
}

// Redeem takes an authorization code once and returns its grant (RFC 6749, 4.1.2). Everything the code is bound to stands in the
// guard but for the PKCE verifier and the redirect address, a mismatch of which spends the code. NotFound: unknown, expired, of
// another client, or redeemed before: the caller then looks at the grant.
func (q Queries) Redeem(ctx context.Context, key GrantKey, codeHash []byte, clientID string, now int64) (idp.Grant, error) {
	var r familyRow
	err := q.q.QueryRowContext(ctx, `UPDATE token_family AS f SET redeemed_at = $5 WHERE f.oid = $1 AND f.id = $2 AND f.code_hash = $3 AND f.client_id = $4
		AND f.redeemed_at = 0 AND f.ended_at = 0 AND f.code_expires_at > $5 RETURNING `+familyReturned, key.OID, string(key.ID), codeHash, clientID, now).
		Scan(r.fields()...)
	return r.grant(), notFound(err, "grant.unknown")
}

// RefreshUse is one presented refresh token: what the guard of Rotate compares.
type RefreshUse struct {
	Hash       []byte // of the family's secret
	ClientID   string
	Generation int64
	Now        int64
}

// Rotate takes a refresh token of a generation once and returns its grant, the next generation in it. NotFound: ended, expired,
// of another client, or another generation: the caller then looks at the grant.
func (q Queries) Rotate(ctx context.Context, key GrantKey, u RefreshUse) (idp.Grant, error) {
	var r familyRow
	err := q.q.QueryRowContext(ctx, `UPDATE token_family AS f SET generation = f.generation + 1, rotated_at = $6 WHERE f.oid = $1 AND f.id = $2
		AND f.refresh_hash = $3 AND f.client_id = $4 AND f.generation = $5 AND f.offline AND f.redeemed_at > 0 AND f.ended_at = 0 AND f.expires_at > $6
		RETURNING `+familyReturned, key.OID, string(key.ID), u.Hash, u.ClientID, u.Generation, u.Now).Scan(r.fields()...)
	return r.grant(), notFound(err, "grant.unknown")
}

// familyReturned is familyColumns without the alias: SQLite's RETURNING knows the table by its name only.
const familyReturned = `oid, id, client_id, face, session_id, redirect_uri, code_hash, code_challenge, code_expires_at,
	redeemed_at, scopes, attributes, claims, resource, nonce, acrs, auth_time, methods, tier, tier_at, tier_method,
	recovered_at, epoch, offline, refresh_hash, generation, rotated_at, created_at, expires_at, ended_at`

// Grant returns a grant by its number; NotFound if it never was or is swept.
func (q Queries) Grant(ctx context.Context, key GrantKey) (idp.Grant, error) {
	var r familyRow
	err := q.q.QueryRowContext(ctx, `SELECT `+familyColumns+` FROM token_family f WHERE f.oid = $1 AND f.id = $2`, key.OID, string(key.ID)).Scan(r.fields()...)
	return r.grant(), notFound(err, "grant.unknown")
}

// GrantWith returns a grant, its account, and whether the session that it began in is still alive.
func (q Queries) GrantWith(ctx context.Context, key GrantKey, now int64) (idp.Grant, idp.Account, bool, error) {
	var r familyRow
	var a idp.Account
	var live int64
	err := q.q.QueryRowContext(ctx, `SELECT `+familyColumns+`, `+accountColumns+`, CASE WHEN s.id IS NULL THEN 0 ELSE 1 END
		FROM token_family f JOIN account a ON a.oid = f.oid
		LEFT JOIN session s ON s.oid = f.oid AND s.id = f.session_id AND s.ends_at > $3 AND s.seen_at > $4
		WHERE f.oid = $1 AND f.id = $2`, key.OID, string(key.ID), now, now-idp.SessionIdle).Scan(append(append(r.fields(), accountFields(&a)...), &live)...)
	return r.grant(), a, live == 1, notFound(err, "grant.unknown")
}

// EndGrant ends a grant: every token of it is dead from now on. False: it was ended before.
func (q Queries) EndGrant(ctx context.Context, key GrantKey, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE token_family SET ended_at = $3 WHERE oid = $1 AND id = $2 AND ended_at = 0`, key.OID, string(key.ID), now))
}

// EndGrantsOf ends all grants of an account to a client.
func (q Queries) EndGrantsOf(ctx context.Context, oid idp.OID, clientID string, now int64) error {
	_, err := q.q.ExecContext(ctx, `UPDATE token_family SET ended_at = $3 WHERE oid = $1 AND client_id = $2 AND ended_at = 0`, oid, clientID, now)
	return err
}

// Consent returns what an account allowed a client; nil if nothing.
func (q Queries) Consent(ctx context.Context, oid idp.OID, clientID string) (*idp.Consent, error) {
	all, err := q.consents(ctx, `WHERE oid = $1 AND client_id = $2`, oid, clientID)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// Consents lists what an account allowed, newest first.
func (q Queries) Consents(ctx context.Context, oid idp.OID) ([]idp.Consent, error) {
	return q.consents(ctx, `WHERE oid = $1 ORDER BY granted_at DESC, client_id LIMIT 200`, oid)
}

func (q Queries) consents(ctx context.Context, where string, args ...any) ([]idp.Consent, error) {
	rows, err := q.q.QueryContext(ctx, `SELECT oid, client_id, attributes, offline, purposes, granted_at, expires_at FROM consent `+where, args...)
	if err != nil {
		return nil, err
	}
	type row struct {
		idp.Consent
		attributes, purposes string
	}
	all, err := scanAll(rows, func(r *row) []any {
		return []any{&r.OID, &r.ClientID, &r.attributes, &r.Offline, &r.purposes, &r.GrantedAt, &r.ExpiresAt}
	})
	out := make([]idp.Consent, len(all))
	for i, r := range all {
		r.Attributes, r.Purposes = unlist[idp.Attribute](r.attributes), unmap(r.purposes)
		out[i] = r.Consent
	}
	return out, err
}

// PutConsent stores what an account allows a client from now on.
func (q Queries) PutConsent(ctx context.Context, c idp.Consent) error {
	_, err := q.q.ExecContext(ctx, `INSERT INTO consent (oid, client_id, attributes, offline, purposes, granted_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (oid, client_id) DO UPDATE SET attributes = excluded.attributes, offline = excluded.offline,
		purposes = excluded.purposes, granted_at = excluded.granted_at, expires_at = excluded.expires_at`,
		c.OID, c.ClientID, list(c.Attributes), c.Offline, mapText(c.Purposes), c.GrantedAt, c.ExpiresAt)
	return err
}

// WithdrawConsent forgets what an account allowed a client and ends its grants there.
func (q Queries) WithdrawConsent(ctx context.Context, oid idp.OID, clientID string, now int64) (bool, error) {
	if err := q.EndGrantsOf(ctx, oid, clientID, now); err != nil {
		return false, err
	}
	return one(q.q.ExecContext(ctx, `DELETE FROM consent WHERE oid = $1 AND client_id = $2`, oid, clientID))
}
