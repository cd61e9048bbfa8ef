package store

import (
	"context"
	"database/sql"
	"errors"

	"propusk/idp"
)

const accountColumns = `a.oid, a.status, a.tier, a.tier_at, a.tier_method, a.last_name, a.first_name, a.middle_name, a.birth_date, a.birth_place,
	a.gender, a.citizenship, a.snils, a.inn, a.phone, a.phone_verified_at, a.email, a.email_verified_at, a.language, a.password_hash,
	a.password_at, a.second_factor, a.new_device_code, a.totp_secret, a.totp_step, a.recovered_at, a.epoch, a.created_at, a.updated_at, a.version`

func accountFields(a *idp.Account) []any {
	return []any{&a.OID, &a.Status, &a.Tier, &a.TierAt, &a.TierMethod, &a.Person.LastName, &a.Person.FirstName, &a.Person.MiddleName,
		&a.Person.BirthDate, &a.Person.BirthPlace, &a.Person.Gender, &a.Person.Citizenship, &a.SNILS, &a.INN, &a.Phone, &a.PhoneVerifiedAt,
		&a.Email, &a.EmailVerifiedAt, &a.Language, &a.PasswordHash, &a.PasswordAt, &a.SecondFactor, &a.NewDeviceCode, &a.TOTPSecret,
		&a.TOTPStep, &a.RecoveredAt, &a.Epoch, &a.CreatedAt, &a.UpdatedAt, &a.Version}
}

// Account returns an account by its number; NotFound if there is none.
func (q Queries) Account(ctx context.Context, oid idp.OID) (idp.Account, error) {
	var a idp.Account
	err := q.q.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM account a WHERE a.oid = $1`, oid).Scan(accountFields(&a)...)
	return a, notFound(err, "account.unknown")
}

// AccountBy returns the account that an identifier leads to; NotFound if none does. Two point reads, so that the tables may
// live on different shards.
func (q Queries) AccountBy(ctx context.Context, id idp.Identifier) (idp.Account, error) {
	oid, err := q.Holder(ctx, id)
	if err != nil {
		return idp.Account{}, err
	}
	return q.Account(ctx, oid)
}

// Holder returns the number of the account that an identifier leads to; NotFound if none does.
func (q Queries) Holder(ctx context.Context, id idp.Identifier) (idp.OID, error) {
	var oid idp.OID
	err := q.q.QueryRowContext(ctx, `SELECT oid FROM identifier WHERE value = $1 AND kind = $2`, id.Value, string(id.Kind)).Scan(&oid)
	return oid, notFound(err, "account.unknown")
}

// AddAccount inserts an account with the version of the terms that the person accepted. False: the number is taken, draw another.
func (q Queries) AddAccount(ctx context.Context, a idp.Account, termsVersion string) (bool, error) {
	return one(q.q.ExecContext(ctx, `INSERT INTO account (oid, status, tier, tier_at, tier_method, last_name, first_name, middle_name, birth_date,
		birth_place, gender, citizenship, snils, inn, phone, phone_verified_at, email, email_verified_at, language, password_hash, password_at,
		second_factor, new_device_code, totp_secret, totp_step, terms_version, terms_at, recovered_at, epoch, created_at, updated_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28,
		$29, $30, $31, 1) ON CONFLICT (oid) DO NOTHING`,
		a.OID, string(a.Status), string(a.Tier), a.TierAt, string(a.TierMethod), a.Person.LastName, a.Person.FirstName, a.Person.MiddleName,
		a.Person.BirthDate, a.Person.BirthPlace, a.Person.Gender, a.Person.Citizenship, string(a.SNILS), string(a.INN), string(a.Phone),
		a.PhoneVerifiedAt, string(a.Email), a.EmailVerifiedAt, string(a.Language), a.PasswordHash, a.PasswordAt, string(a.SecondFactor),
		a.NewDeviceCode, blob(a.TOTPSecret), a.TOTPStep, termsVersion, a.CreatedAt, a.RecoveredAt, a.Epoch, a.CreatedAt, a.UpdatedAt))
}

// AddIdentifier makes an identifier lead to an account. False: it leads to another one already.
func (q Queries) AddIdentifier(ctx context.Context, id idp.Identifier, oid idp.OID, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `INSERT INTO identifier (value, kind, oid, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (value, kind) DO NOTHING`, id.Value, string(id.Kind), oid, now))
}

// ProveEmail marks the address as proved, if the account still has it. False: it has not.
func (q Queries) ProveEmail(ctx context.Context, oid idp.OID, e idp.Email, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE account SET email = $2, email_verified_at = $3, updated_at = $3, version = version + 1
		WHERE oid = $1 AND (email = '' OR email = $2)`, oid, string(e), now))
}

// Rehash replaces a password hash by one with newer parameters, if it is still the one that was verified.
func (q Queries) Rehash(ctx context.Context, oid idp.OID, former, hash string) error {
	_, err := q.q.ExecContext(ctx, `UPDATE account SET password_hash = $3 WHERE oid = $1 AND password_hash = $2`, oid, former, hash)
	return err
}

// TakeTOTP takes a time step of the account's authenticator app. False: it, or a later one, was used before (RFC 6238, 5.2).
func (q Queries) TakeTOTP(ctx context.Context, oid idp.OID, step int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE account SET totp_step = $2 WHERE oid = $1 AND totp_step < $2`, oid, step))
}

// AddDocument inserts or replaces the account's document of its kind.
func (q Queries) AddDocument(ctx context.Context, oid idp.OID, d idp.Document) error {
	_, err := q.q.ExecContext(ctx, `INSERT INTO document (oid, kind, series, number, issued_on, issued_by, issue_id, expires_on, verified)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (oid, kind) DO UPDATE SET series = excluded.series, number = excluded.number,
		issued_on = excluded.issued_on, issued_by = excluded.issued_by, issue_id = excluded.issue_id, expires_on = excluded.expires_on,
		verified = excluded.verified`, oid, string(d.Kind), d.Series, d.Number, d.IssuedOn, d.IssuedBy, d.IssueID, d.ExpiresOn, d.Verified)
	return err
}

// Documents lists the account's documents.
func (q Queries) Documents(ctx context.Context, oid idp.OID) ([]idp.Document, error) {
	rows, err := q.q.QueryContext(ctx, `SELECT kind, series, number, issued_on, issued_by, issue_id, expires_on, verified FROM document
		WHERE oid = $1 ORDER BY kind`, oid)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(d *idp.Document) []any {
		return []any{&d.Kind, &d.Series, &d.Number, &d.IssuedOn, &d.IssuedBy, &d.IssueID, &d.ExpiresOn, &d.Verified}
	})
}

// SeeDevice remembers that the account signed in from a browser.
func (q Queries) SeeDevice(ctx context.Context, oid idp.OID, device []byte, agent string, now int64) error {
	_, err := q.q.ExecContext(ctx, `INSERT INTO device (oid, device_hash, agent, created_at, seen_at) VALUES ($1, $2, $3, $4, $4)
		ON CONFLICT (oid, device_hash) DO UPDATE SET seen_at = excluded.seen_at, agent = excluded.agent`, oid, device, agent, now)
	return err
}

// KnownDevice tells whether the account signed in from a browser since the given time.
func (q Queries) KnownDevice(ctx context.Context, oid idp.OID, device []byte, since int64) (bool, error) {
	var n int64
	err := q.q.QueryRowContext(ctx, `SELECT seen_at FROM device WHERE oid = $1 AND device_hash = $2 AND seen_at > $3`, oid, device, since).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// scanAll reads every row into a slice and closes them.
func scanAll[T any](rows *sql.Rows, fields func(*T) []any) ([]T, error) {
	defer rows.Close()
	var all []T
	for rows.Next() {
		var t T
		if err := rows.Scan(fields(&t)...); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}
