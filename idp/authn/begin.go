package authn

import (
	"context"
	"time"

	"propusk/idp"
	"propusk/store"
)

// Begun is a registration that becomes an account, together with its first sign-in.
type Begun struct {
	Account idp.Account
	Request idp.AuthRequest // in which the registration began; zero ID without one
	Methods []string        // what the registration proved besides the password
}

// FirstSignIn signs the browser in as the account that it has just registered, in the transaction that makes the account.
func (s *Service) FirstSignIn(ctx context.Context, tx *store.Tx, v Visitor, b Begun, now time.Time) (Proved, error) {
	var p Proved
	t := now.Unix()
	r := b.Request
	method := idp.Factor("")
	if len(b.Methods) > 0 {
		method = idp.SMSFactor
	}
	if ok, err := tx.RequestPassword(ctx, r.ID, b.Account.OID, method, r.Public, t); err != nil || !ok {
		return p, err // the login is over: the account is made all the same, and the person signs in
	}
	r.PasswordAt, r.Method, r.OID = t, method, b.Account.OID
	if method != "" {
		r.SecondAt = t
		if _, err := tx.RequestSecond(ctx, r.ID, b.Account.OID, method, t); err != nil {
			return p, err
		}
	}
	err := s.makeSession(ctx, tx, v, r, b.Account, &p, now)
	return p, err
}
