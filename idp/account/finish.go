package account

import (
	"context"
	"errors"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/notify"
	"propusk/store"
)

// Done is a finished registration.
type Done struct {
	authn.Proved             // the session of the browser; no cookie where the login was over
	Account      idp.Account // of the new account
	EmailUntil   int64       // until when the second address can be proved; 0 without one
}

// Finish sets the password of a proved registration and makes the account. Errors: Problems of the password, Gone,
// Conflict contact.taken (somebody else made an account with the contact meanwhile), Unavailable.
func (s *Service) Finish(ctx context.Context, v authn.Visitor, r store.Registration, password, repeat string, now time.Time) (Done, error) {
	if err := check(r, v, now); err != nil {
		return Done{}, err
	}
	if r.ProvedAt == 0 {
		return Done{}, idp.Fail(idp.Gone, "registration.unproved")
	}
	if err := s.checkPassword(r, password, repeat); err != nil {
		return Done{}, err
	}
	hash, err := s.Authn.Pool.Hash(ctx, password)
	if err != nil {
		return Done{}, err
	}
	var d Done
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		d, err = s.make(ctx, tx, v, r, hash, now)
		return err
	})
	s.Authn.Woken()
	return d, err
}

func (s *Service) checkPassword(r store.Registration, password, repeat string) error {
	own := authn.Own{Names: []string{r.Person.LastName, r.Person.FirstName, r.Person.MiddleName}, Phones: []string{string(r.Phone)},
		Emails: []string{string(r.Email)}}
	return s.Policy.Check(password, repeat, own).OrNil()
}

// make writes the account, its name, the event and the first session in one transaction.
func (s *Service) make(ctx context.Context, tx *store.Tx, v authn.Visitor, r store.Registration, hash string, now time.Time) (Done, error) {
	a := newAccount(r, hash, now.Unix())
	for {
		ok, err := tx.AddAccount(ctx, a, r.TermsVersion)
		if err != nil {
			return Done{}, err
		}
		if ok {
			break
		}
		a.OID = idp.NewOID()
	}
	ok, err := tx.RegistrationDone(ctx, r.ID, a.OID, now.Unix()) // before the contact: a form sent twice is finished, not taken
	if err != nil {
		return Done{}, err
	}
	if !ok {
		return Done{}, idp.Fail(idp.Gone, "registration.done")
	}
	if ok, err = tx.AddIdentifier(ctx, r.Contact(), a.OID, now.Unix()); err != nil {
		return Done{}, err
	}
	if !ok {
		return Done{}, idp.Fail(idp.Conflict, "contact.taken")
	}
	if err := tx.AddEvent(ctx, idp.Event{OID: a.OID, ID: idp.NewID(now), At: now.Unix(), What: idp.Registered, Agent: v.Agent,
		Details: map[string]string{"by": string(r.Contact().Kind)}}); err != nil {
		return Done{}, err
	}
	if err := tx.SeeDevice(ctx, a.OID, v.Device, v.Agent, now.Unix()); err != nil { // the link may have been opened in another browser
		return Done{}, err
	}
	d := Done{Account: a}
	if r.Phone != "" && r.Email != "" {
		if err := s.askSecond(ctx, tx, a, now); err != nil {
			return Done{}, err
		}
		d.EmailUntil = now.Unix() + authn.MailLinkLife
	}
	d.Proved, err = s.signIn(ctx, tx, v, r, a, now)
	return d, err
}

func newAccount(r store.Registration, hash string, now int64) idp.Account {
	a := idp.Account{OID: idp.NewOID(), Status: idp.Active, Tier: idp.Simplified, TierAt: now, Person: r.Person, Language: r.Language,
		PasswordHash: hash, PasswordAt: now, SecondFactor: idp.NoFactor, NewDeviceCode: true, CreatedAt: now, UpdatedAt: now,
		Phone: r.Phone, Email: r.Email}
	if r.Phone != "" { // the second factor is on by default once a phone is confirmed
		a.PhoneVerifiedAt, a.SecondFactor = now, idp.SMSFactor
	} else {
		a.EmailVerifiedAt = now
	}
	return a
}

// askSecond sends the link that proves the second address.
func (s *Service) askSecond(ctx context.Context, tx *store.Tx, a idp.Account, now time.Time) error {
	token := idp.NewSecret()
	until := now.Unix() + authn.MailLinkLife
	if err := tx.AddLink(ctx, store.Link{Hash: authn.Hash(token), Purpose: linkEmail, Flow: idp.ID(a.OID.String()), Contact: string(a.Email),
		CreatedAt: now.Unix(), ExpiresAt: until}); err != nil {
		return err
	}
	return s.Authn.Queue(ctx, tx, notify.Message{Kind: notify.NewContact, Channel: notify.Email, To: string(a.Email), Lang: a.Language,
		Link: confirmPath + token, Until: until}, now)
}

// freshProof is how long the code of a registration counts as a factor of the first sign-in, in seconds.
const freshProof = 3600

// signIn continues the login in which the registration began: the password was just set, and the code proved the phone.
// A browser that did not begin the login (the link of the e-mail was opened elsewhere) signs in by itself.
func (s *Service) signIn(ctx context.Context, tx *store.Tx, v authn.Visitor, r store.Registration, a idp.Account, now time.Time) (authn.Proved, error) {
	if r.RequestID == "" || now.Unix() > r.ProvedAt+freshProof {
		return authn.Proved{}, nil
	}
	req, err := tx.Request(ctx, r.RequestID)
	if errors.Is(err, idp.NotFound) || err == nil && !authn.Bound(req, v) {
		return authn.Proved{}, nil
	}
	if err != nil {
		return authn.Proved{}, err
	}
	begun := authn.Begun{Account: a, Request: req}
	if a.PhoneVerifiedAt > 0 {
		begun.Methods = []string{idp.MethodSMS}
	}
	return s.Authn.FirstSignIn(ctx, tx, v, begun, now)
}
