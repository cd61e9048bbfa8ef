package store

import (
	"context"
	"database/sql"
	"errors"

	"propusk/idp"
)

// AccessToken is an opaque access token, or (Revoked) a token of client_credentials that was revoked.
type AccessToken struct {
	Hash      []byte
	Grant     GrantKey // zero: of client_credentials
	ClientID  string
	Scopes    []string
	Audience  string
	IssuedAt  int64
	ExpiresAt int64
	Revoked   bool
}

// AddAccessToken stores an opaque access token, or marks a token as revoked.
func (q Queries) AddAccessToken(ctx context.Context, t AccessToken) error {
	_, err := q.q.ExecContext(ctx, `INSERT INTO access_token (hash, oid, family, client_id, scopes, audience, issued_at, expires_at, revoked)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (hash) DO UPDATE SET revoked = excluded.revoked`,
		t.Hash, t.Grant.OID, string(t.Grant.ID), t.ClientID, list(t.Scopes), t.Audience, t.IssuedAt, t.ExpiresAt, t.Revoked)
	return err
}

// AccessToken returns what is stored of a token; NotFound if nothing is.
func (q Queries) AccessToken(ctx context.Context, hash []byte) (AccessToken, error) {
	t := AccessToken{Hash: hash}
	var scopes string
	err := q.q.QueryRowContext(ctx, `SELECT oid, family, client_id, scopes, audience, issued_at, expires_at, revoked FROM access_token WHERE hash = $1`,
		hash).Scan(&t.Grant.OID, &t.Grant.ID, &t.ClientID, &scopes, &t.Audience, &t.IssuedAt, &t.ExpiresAt, &t.Revoked)
	t.Scopes = unlist[string](scopes)
	return t, notFound(err, "token.unknown")
}

// UseAssertion takes the jti of a client assertion once (RFC 7523, 3); false if it was used before.
func (q Queries) UseAssertion(ctx context.Context, hash []byte, expires int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `INSERT INTO assertion (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING`, hash, expires))
}

// Revision is the number of changes of something that processes keep in memory: «client» or «signing_key».
func (q Queries) Revisions(ctx context.Context) (map[string]int64, error) {
	rows, err := q.q.QueryContext(ctx, `SELECT name, n FROM revision`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]int64{}
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return nil, err
		}
		out[name] = n
	}
	return out, rows.Err()
}

// Names of what is counted by Revisions.
const (
	RevisionClients = "client"
	RevisionKeys    = "signing_key"
)

func (q Queries) bump(ctx context.Context, name string) error {
	_, err := q.q.ExecContext(ctx, `INSERT INTO revision AS r (name, n) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET n = r.n + 1`, name)
	return err
}

// ClientRow is a client as it is stored: its registration as JSON (CONTRACT.md section 5) without the secret.
type ClientRow struct {
	ID         string
	Body       string
	SecretHash []byte
	Disabled   bool
	Version    int64
	CreatedAt  int64
	UpdatedAt  int64
}

// PutClient inserts or replaces a client. False: nothing differs from what is stored, so nothing was written.
func (q Queries) PutClient(ctx context.Context, c ClientRow) (bool, error) {
	changed, err := one(q.q.ExecContext(ctx, `INSERT INTO client AS c (id, body, secret_hash, disabled, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, 1, $5, $5) ON CONFLICT (id) DO UPDATE SET body = excluded.body, secret_hash = excluded.secret_hash,
		disabled = excluded.disabled, version = c.version + 1, updated_at = excluded.updated_at
		WHERE c.body <> excluded.body OR c.secret_hash <> excluded.secret_hash OR c.disabled <> excluded.disabled`,
		c.ID, c.Body, blob(c.SecretHash), c.Disabled, c.UpdatedAt))
	if err != nil || !changed {
		return changed, err
	}
	return true, q.bump(ctx, RevisionClients)
}

// DisableClient stops a client; false if there is none or it is stopped already.
func (q Queries) DisableClient(ctx context.Context, id string, now int64) (bool, error) {
	changed, err := one(q.q.ExecContext(ctx, `UPDATE client SET disabled = $2, version = version + 1, updated_at = $3 WHERE id = $1 AND NOT disabled`,
		id, true, now))
	if err != nil || !changed {
		return changed, err
	}
	return true, q.bump(ctx, RevisionClients)
}

// Clients lists every client by its ID.
func (q Queries) Clients(ctx context.Context) ([]ClientRow, error) {
	rows, err := q.q.QueryContext(ctx, `SELECT id, body, secret_hash, disabled, version, created_at, updated_at FROM client ORDER BY id`)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(c *ClientRow) []any {
		return []any{&c.ID, &c.Body, &c.SecretHash, &c.Disabled, &c.Version, &c.CreatedAt, &c.UpdatedAt}
	})
}

// Client returns one client; NotFound if there is none.
func (q Queries) Client(ctx context.Context, id string) (ClientRow, error) {
	c := ClientRow{ID: id}
	err := q.q.QueryRowContext(ctx, `SELECT body, secret_hash, disabled, version, created_at, updated_at FROM client WHERE id = $1`, id).
		Scan(&c.Body, &c.SecretHash, &c.Disabled, &c.Version, &c.CreatedAt, &c.UpdatedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return c, &idp.Error{Kind: idp.NotFound, Code: "client.unknown"}
	}
	return c, err
}
