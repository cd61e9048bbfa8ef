package store

import (
	"context"

	"propusk/idp"
)

// Registration is an account in the making. Who acts next: until ProvedAt the citizen proves the contact, until DoneOID
// they set the password, then nobody.
type Registration struct {
	ID           idp.ID
	DeviceHash   []byte
	RequestID    idp.ID // the login that it began in; empty without one
	Person       idp.Person
	Phone        idp.Phone
	Email        idp.Email
	Language     idp.Language
	TermsVersion string
	TermsAt      int64
	ProvedAt     int64
	DoneOID      idp.OID
	CreatedAt    int64
	ExpiresAt    int64
}

// Contact is the contact that is proved first: the phone where both are given.
func (r Registration) Contact() idp.Identifier {
	if r.Phone != "" {
		return r.Phone.Identifier()
	}
	return r.Email.Identifier()
}

const registrationColumns = `id, device_hash, request_id, last_name, first_name, middle_name, phone, email, language, terms_version, terms_at,
	proved_at, done_oid, created_at, expires_at`

// AddRegistration stores a registration in progress.
func (q Queries) AddRegistration(ctx context.Context, r Registration) error {
	_, err := q.q.ExecContext(ctx, `INSERT INTO registration (`+registrationColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`, string(r.ID), r.DeviceHash, string(r.RequestID),
		r.Person.LastName, r.Person.FirstName, r.Person.MiddleName, string(r.Phone), string(r.Email), string(r.Language), r.TermsVersion,
		r.TermsAt, r.ProvedAt, r.DoneOID, r.CreatedAt, r.ExpiresAt)
	return err
}

// Registration returns a registration in progress; NotFound if it never was or is swept.
func (q Queries) Registration(ctx context.Context, id idp.ID) (Registration, error) {
	var r Registration
	err := q.q.QueryRowContext(ctx, `SELECT `+registrationColumns+` FROM registration WHERE id = $1`, string(id)).Scan(&r.ID, &r.DeviceHash,
		&r.RequestID, &r.Person.LastName, &r.Person.FirstName, &r.Person.MiddleName, &r.Phone, &r.Email, &r.Language, &r.TermsVersion, &r.TermsAt,
		&r.ProvedAt, &r.DoneOID, &r.CreatedAt, &r.ExpiresAt)
	return r, notFound(err, "registration.unknown")
}

// RegistrationProved records that the contact was proved and binds the registration to the browser that proved it: whoever
// opens the link of the e-mail goes on, and the page where the code was awaited no longer can. False: it was proved before.
func (q Queries) RegistrationProved(ctx context.Context, id idp.ID, device []byte, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE registration SET proved_at = $3, device_hash = $2 WHERE id = $1 AND proved_at = 0 AND done_oid = 0
		AND expires_at > $3`, string(id), device, now))
}

// RegistrationDone finishes a proved registration; false if it is finished already.
func (q Queries) RegistrationDone(ctx context.Context, id idp.ID, oid idp.OID, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE registration SET done_oid = $2 WHERE id = $1 AND proved_at > 0 AND done_oid = 0 AND expires_at > $3`,
		string(id), oid, now))
}

// DropRegistration forgets a registration that nobody proved: «Это не я».
func (q Queries) DropRegistration(ctx context.Context, id idp.ID) error {
	_, err := q.q.ExecContext(ctx, `DELETE FROM registration WHERE id = $1 AND proved_at = 0`, string(id))
	return err
}

// Link is a link of an e-mail, found by the hash of its token.
type Link struct {
	Hash      []byte
	Purpose   string
	Flow      idp.ID
	Contact   string
	CreatedAt int64
	UsedAt    int64 // used, or replaced by a newer one
	ExpiresAt int64
}

// AddLink stores a link and ends the former ones of its flow and purpose.
func (q Queries) AddLink(ctx context.Context, l Link) error {
	if _, err := q.q.ExecContext(ctx, `UPDATE link SET used_at = $3 WHERE flow = $1 AND purpose = $2 AND used_at = 0`,
		string(l.Flow), l.Purpose, l.CreatedAt); err != nil {
		return err
	}
	_, err := q.q.ExecContext(ctx, `INSERT INTO link (hash, purpose, flow, contact, created_at, used_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, 0, $6)`, l.Hash, l.Purpose, string(l.Flow), l.Contact, l.CreatedAt, l.ExpiresAt)
	return err
}

// Link returns a link, used or not; NotFound if it never was or is swept.
func (q Queries) Link(ctx context.Context, hash []byte) (Link, error) {
	var l Link
	err := q.q.QueryRowContext(ctx, `SELECT hash, purpose, flow, contact, created_at, used_at, expires_at FROM link WHERE hash = $1`, hash).
		Scan(&l.Hash, &l.Purpose, &l.Flow, &l.Contact, &l.CreatedAt, &l.UsedAt, &l.ExpiresAt)
	return l, notFound(err, "link.unknown")
}

// TakeLink takes a link once; false if it was used, replaced or is expired.
func (q Queries) TakeLink(ctx context.Context, hash []byte, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE link SET used_at = $2 WHERE hash = $1 AND used_at = 0 AND expires_at > $2`, hash, now))
}

// EndLinks ends every link of a flow and purpose: of link and code the first used wins.
func (q Queries) EndLinks(ctx context.Context, flow idp.ID, purpose string, now int64) error {
	_, err := q.q.ExecContext(ctx, `UPDATE link SET used_at = $3 WHERE flow = $1 AND purpose = $2 AND used_at = 0`, string(flow), purpose, now)
	return err
}
