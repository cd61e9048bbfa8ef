package account

import (
	"context"
	"errors"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/store"
)

// Letter is what the page behind a link of an e-mail shows, before its button is pressed.
type Letter struct {
	Link         store.Link
	Registration store.Registration // zero for a second address
	Second       bool               // a second address of an account is to be proved
}

// OpenLink looks at a link without using it: mail scanners open links. Errors: NotFound link.unknown, Gone link.expired,
// link.replaced, link.used.
func (s *Service) OpenLink(ctx context.Context, token string, now time.Time) (Letter, error) {
	l, err := s.Store.Link(ctx, authn.Hash(token))
	if err != nil {
		return Letter{}, err
	}
	letter := Letter{Link: l, Second: l.Purpose == linkEmail}
	if !letter.Second {
		letter.Registration, err = s.Store.Registration(ctx, l.Flow)
		if errors.Is(err, idp.NotFound) {
			return letter, idp.Fail(idp.Gone, "link.expired")
		}
		if err != nil {
			return letter, err
		}
	}
	switch {
	case now.Unix() >= l.ExpiresAt:
		return letter, idp.Fail(idp.Gone, "link.expired")
	case l.UsedAt > 0 && !letter.Second && letter.Registration.ProvedAt == 0 && letter.Registration.DoneOID == 0:
		return letter, idp.Fail(idp.Gone, "link.replaced")
	case l.UsedAt > 0:
		return letter, idp.Fail(idp.Gone, "link.used")
	}
	return letter, nil
}

// FollowLink uses a link: whoever opens it goes on with the registration in this browser.
func (s *Service) FollowLink(ctx context.Context, v authn.Visitor, token string, now time.Time) (Letter, error) {
	letter, err := s.OpenLink(ctx, token, now)
	if err != nil {
		return letter, err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		ok, err := tx.TakeLink(ctx, letter.Link.Hash, now.Unix())
		if err != nil || !ok {
			return used(err)
		}
		if letter.Second {
			return s.proveSecond(ctx, tx, v, letter.Link, now)
		}
		ok, err = tx.RegistrationProved(ctx, letter.Link.Flow, v.Device, now.Unix())
		if err != nil || !ok {
			return used(err)
		}
		return nil
	})
	return letter, err
}

func used(err error) error {
	if err != nil {
		return err
	}
	return idp.Fail(idp.Gone, "link.used")
}

// proveSecond makes a second address lead to its account; Conflict if it leads to another one by now.
func (s *Service) proveSecond(ctx context.Context, tx *store.Tx, v authn.Visitor, l store.Link, now time.Time) error {
	oid, err := idp.ParseOID(string(l.Flow))
	if err != nil {
		return err
	}
	email := idp.Email(l.Contact)
	ok, err := tx.AddIdentifier(ctx, email.Identifier(), oid, now.Unix())
	if err != nil {
		return err
	}
	if !ok {
		return idp.Fail(idp.Conflict, "contact.taken")
	}
	if ok, err = tx.ProveEmail(ctx, oid, email, now.Unix()); err != nil || !ok {
		return used(err)
	}
	return tx.AddEvent(ctx, idp.Event{OID: oid, ID: idp.NewID(now), At: now.Unix(), What: idp.ContactProved, Agent: v.Agent,
		Details: map[string]string{"kind": "email"}})
}

// Disown ends a link that its reader did not ask for: «Это не я».
func (s *Service) Disown(ctx context.Context, token string, now time.Time) error {
	letter, err := s.OpenLink(ctx, token, now)
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.TakeLink(ctx, letter.Link.Hash, now.Unix()); err != nil || letter.Second {
			return err
		}
		return tx.DropRegistration(ctx, letter.Registration.ID)
	})
}
