package store

import (
	"context"

	"propusk/idp"
)

const requestColumns = `id, device_hash, face, client_id, return_to, redirect_uri, response_mode, state, nonce, scopes, claims, code_challenge,
	acrs, acr_essential, minimum_tier, prompts, max_age, login_hint, hint_oid, resource, language, created_at, expires_at, oid, password_at,
	method, second_at, email_at, session_id, chosen_at, consented_at, public, granted_at, refused_at`

// AddRequest stores a checked authentication request.
func (q Queries) AddRequest(ctx context.Context, r idp.AuthRequest) error {
	_, err := q.q.ExecContext(ctx, `INSERT INTO auth_request (`+requestColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
		$14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34)`,
		string(r.ID), blob(r.DeviceHash), string(r.Face), r.ClientID, r.ReturnTo, r.RedirectURI, r.ResponseMode, r.State, r.Nonce, list(r.Scopes),
		r.Claims, r.CodeChallenge, acrList(r.ACRs), r.ACREssential, string(r.MinimumTier), list(r.Prompts), r.MaxAge, r.LoginHint, r.HintOID,
		r.Resource, string(r.Language), r.CreatedAt, r.ExpiresAt, r.OID, r.PasswordAt, string(r.Method), r.SecondAt, r.EmailAt,
		string(r.SessionID), r.ChosenAt, r.ConsentedAt, r.Public, r.GrantedAt, r.RefusedAt)
	return err
}

// Request returns an authentication request; NotFound if it never was or is swept.
func (q Queries) Request(ctx context.Context, id idp.ID) (idp.AuthRequest, error) {
	var r idp.AuthRequest
	var scopes, acrs, prompts string
	err := q.q.QueryRowContext(ctx, `SELECT `+requestColumns+` FROM auth_request WHERE id = $1`, string(id)).Scan(&r.ID, &r.DeviceHash, &r.Face,
		&r.ClientID, &r.ReturnTo, &r.RedirectURI, &r.ResponseMode, &r.State, &r.Nonce, &scopes, &r.Claims, &r.CodeChallenge, &acrs,
		&r.ACREssential, &r.MinimumTier, &prompts, &r.MaxAge, &r.LoginHint, &r.HintOID, &r.Resource, &r.Language, &r.CreatedAt, &r.ExpiresAt,
		&r.OID, &r.PasswordAt, &r.Method, &r.SecondAt, &r.EmailAt, &r.SessionID, &r.ChosenAt, &r.ConsentedAt, &r.Public, &r.GrantedAt, &r.RefusedAt)
	r.Scopes, r.ACRs, r.Prompts = unlist[string](scopes), unACR(acrs), unlist[string](prompts)
	return r, notFound(err, "request.unknown")
}

// openRequest is the guard of every fact written to a request: it is neither finished nor expired.
const openRequest = ` AND granted_at = 0 AND refused_at = 0 AND expires_at > `

// RequestPassword records that the password of an account was proved for a request, and which second factor is asked next.
// It begins the sign-in anew: former facts of it are forgotten.
func (q Queries) RequestPassword(ctx context.Context, id idp.ID, oid idp.OID, method idp.Factor, public bool, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE auth_request SET oid = $2, password_at = $3, method = $4, public = $5, second_at = 0, email_at = 0,
		session_id = '', chosen_at = 0, consented_at = 0 WHERE id = $1`+openRequest+`$3`, string(id), oid, now, string(method), public))
}

// RequestMethod records which second factor the person chose, for the account that the request is bound to.
func (q Queries) RequestMethod(ctx context.Context, id idp.ID, oid idp.OID, method idp.Factor, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE auth_request SET oid = $2, method = $3 WHERE id = $1 AND (oid = 0 OR oid = $2)`+openRequest+`$4`,
		string(id), oid, string(method), now))
}

// RequestSecond records which second factor was proved for the account that the request is bound to.
func (q Queries) RequestSecond(ctx context.Context, id idp.ID, oid idp.OID, method idp.Factor, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE auth_request SET second_at = $3, method = $4 WHERE id = $1 AND oid = $2`+openRequest+`$3`,
		string(id), oid, now, string(method)))
}

// RequestEmail records that the e-mail was proved on a new device.
func (q Queries) RequestEmail(ctx context.Context, id idp.ID, oid idp.OID, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE auth_request SET email_at = $3 WHERE id = $1 AND oid = $2`+openRequest+`$3`, string(id), oid, now))
}

// RequestSession records the session that the request signed in.
func (q Queries) RequestSession(ctx context.Context, id idp.ID, oid idp.OID, session idp.ID, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE auth_request SET oid = $2, session_id = $3, chosen_at = $4 WHERE id = $1`+openRequest+`$4`,
		string(id), oid, string(session), now))
}

// RequestChosen records that the person goes on as an account: facts of another one are forgotten.
func (q Queries) RequestChosen(ctx context.Context, id idp.ID, oid idp.OID, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE auth_request SET oid = $2, chosen_at = $3, password_at = 0, method = '', second_at = 0, email_at = 0,
		session_id = '', consented_at = 0 WHERE id = $1`+openRequest+`$3`, string(id), oid, now))
}

// RequestForget sets a request back to «who is it?»: the person said that they are somebody else. What the portal asked for stays.
func (q Queries) RequestForget(ctx context.Context, id idp.ID, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE auth_request SET oid = 0, password_at = 0, method = '', second_at = 0, email_at = 0, session_id = '',
		chosen_at = 0, consented_at = 0, prompts = CASE WHEN prompts = '' OR prompts = $3 THEN $3 WHEN prompts LIKE $4 THEN prompts
		ELSE prompts || ' ' || $3 END WHERE id = $1`+openRequest+`$2`, string(id), now, idp.PromptOther, "% "+idp.PromptOther))
}

// RequestConsented records the answer of the consent page for an account.
func (q Queries) RequestConsented(ctx context.Context, id idp.ID, oid idp.OID, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE auth_request SET consented_at = $3, oid = $2 WHERE id = $1 AND (oid = 0 OR oid = $2)`+openRequest+`$3`,
		string(id), oid, now))
}

// RequestGranted finishes a request; false if somebody was first: a request gives one code.
func (q Queries) RequestGranted(ctx context.Context, id idp.ID, oid idp.OID, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE auth_request SET granted_at = $3, oid = $2 WHERE id = $1`+openRequest+`$3`, string(id), oid, now))
}

// RequestRefused finishes a request with an error to the client; false if it is finished already.
func (q Queries) RequestRefused(ctx context.Context, id idp.ID, now int64) (bool, error) {
	return one(q.q.ExecContext(ctx, `UPDATE auth_request SET refused_at = $2 WHERE id = $1 AND granted_at = 0 AND refused_at = 0`, string(id), now))
}
