package store

import (
	"context"

	"propusk/keys"
)

// SigningKeys lists the signing keys, oldest first.
func (q Queries) SigningKeys(ctx context.Context) ([]keys.SigningKey, error) {
	rows, err := q.q.QueryContext(ctx, `SELECT id, alg, sealed, public, created_at, use_from, use_until, retire_at FROM signing_key
		ORDER BY created_at, id`)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(k *keys.SigningKey) []any {
		return []any{&k.ID, &k.Alg, &k.Sealed, &k.Public, &k.CreatedAt, &k.UseFrom, &k.UseUntil, &k.RetireAt}
	})
}

// PutSigningKey inserts a key or changes the times of one, and tells all processes.
func (q Queries) PutSigningKey(ctx context.Context, k keys.SigningKey) error {
	if _, err := q.q.ExecContext(ctx, `INSERT INTO signing_key (id, alg, sealed, public, created_at, use_from, use_until, retire_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET use_from = excluded.use_from, use_until = excluded.use_until,
		retire_at = excluded.retire_at`, k.ID, k.Alg, k.Sealed, k.Public, k.CreatedAt, k.UseFrom, k.UseUntil, k.RetireAt); err != nil {
		return err
	}
	return q.bump(ctx, RevisionKeys)
}

// DropSigningKey deletes a key whose time is over.
func (q Queries) DropSigningKey(ctx context.Context, id string, now int64) error {
	if _, err := q.q.ExecContext(ctx, `DELETE FROM signing_key WHERE id = $1 AND retire_at <= $2`, id, now); err != nil {
		return err
	}
	return q.bump(ctx, RevisionKeys)
}
