// Package account is the life of an account: registration, contacts, tiers, closing. It proves nothing itself: codes,
// passwords and sessions are authn's.
package account

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/notify"
	"propusk/store"
)

// Service registers citizens and keeps their accounts.
type Service struct {
	Store        *store.DB
	Authn        *authn.Service
	Policy       authn.Policy
	TermsVersion string // of the text on processing of personal data that is shown now
}

// Form is what the first page of registration asks.
type Form struct {
	LastName   string
	FirstName  string
	MiddleName string
	Phone      string
	Email      string
	Request    idp.ID // the login in which it began; empty without one
}

// Begin checks the form, stores a registration and sends the code, whether or not the contact is known: nobody learns that
// before they have proved that they hold it. Errors: Problems of the fields, TooMany.
func (s *Service) Begin(ctx context.Context, v authn.Visitor, f Form, now time.Time) (store.Registration, error) {
	r, err := s.read(f)
	if err != nil {
		return r, err
	}
	t := now.Unix()
	r.ID, r.DeviceHash, r.RequestID, r.Language = idp.NewID(now), v.Device, f.Request, v.Lang
	r.TermsVersion, r.TermsAt, r.CreatedAt, r.ExpiresAt = s.TermsVersion, t, t, t+authn.MailLinkLife
	if r.Language == "" {
		r.Language = idp.Russian
	}
	if err := s.Authn.CountRegistration(ctx, v, now.Unix()); err != nil {
		return r, err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.AddRegistration(ctx, r); err != nil {
			return err
		}
		return asidePause(s.send(ctx, tx, r, v, now))
	})
	s.Authn.Woken()
	return r, err
}

// asidePause: a budget that is used up does not undo the registration; the page of the code says until when.
func asidePause(err error) error {
	if errors.Is(err, idp.TooMany) {
		return nil
	}
	return err
}

func (s *Service) read(f Form) (store.Registration, error) {
	var r store.Registration
	var p idp.Problems
	var err error
	if r.Person.LastName, err = ReadName("last_name", f.LastName, true); err != nil {
		p = append(p, idp.ProblemsOf(err)...)
	}
	if r.Person.FirstName, err = ReadName("first_name", f.FirstName, true); err != nil {
		p = append(p, idp.ProblemsOf(err)...)
	}
	if r.Person.MiddleName, err = ReadName("middle_name", f.MiddleName, false); err != nil {
		p = append(p, idp.ProblemsOf(err)...)
	}
	phone, email := strings.TrimSpace(f.Phone), strings.TrimSpace(f.Email)
	if phone == "" && email == "" {
		p = append(p, idp.Wrong("phone", "contact.empty"))
	}
	if phone != "" {
		if r.Phone, err = idp.ParsePhone(phone); err != nil {
			p = append(p, idp.ProblemsOf(err)...)
		}
	}
	if email != "" {
		if r.Email, err = idp.ParseEmail(email); err != nil {
			p = append(p, idp.ProblemsOf(err)...)
		}
	}
	return r, p.OrNil()
}

// ReadName reads a name: letters of one alphabet, Cyrillic or Latin, with hyphen, space, apostrophe and full stop, at most
// 100; a single hyphen where the document has none. Error codes: {field}.empty, name.mixed, name.sign, name.long.
func ReadName(field, text string, required bool) (string, error) {
	text = strings.Join(strings.Fields(norm.NFC.String(text)), " ")
	text = strings.NewReplacer("’", "'", "ʼ", "'", "–", "-", "‐", "-", "—", "-").Replace(text)
	switch {
	case text == "" && required:
		return "", idp.Wrong(field, field+".empty")
	case text == "" || text == "-" && !required:
		return "", nil
	case text == "-":
		return text, nil
	case len([]rune(text)) > 100:
		return "", idp.Wrong(field, "name.long")
	}
	var cyrillic, latin bool
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Cyrillic, r):
			cyrillic = true
		case unicode.Is(unicode.Latin, r):
			latin = true
		case strings.ContainsRune("-' .", r), unicode.Is(unicode.Mn, r) && (latin || cyrillic):
		default:
			return "", idp.Wrong(field, "name.sign")
		}
	}
	if cyrillic && latin {
		return "", idp.Wrong(field, "name.mixed")
	}
	if !cyrillic && !latin {
		return "", idp.Wrong(field, "name.sign")
	}
	return text, nil
}

// sending describes the code of a registration; by e-mail a link goes with it.
func (s *Service) sending(r store.Registration, link string) authn.Sending {
	m := notify.Message{Kind: notify.Registration, Lang: r.Language, Link: link}
	life := int64(authn.SMSCodeLife)
	if r.Phone == "" {
		life = authn.MailLinkLife
	}
	return authn.Sending{Flow: r.ID, Purpose: authn.ForRegistration, To: r.Contact(), Life: life, Budget: "new", Message: m}
}

func (s *Service) send(ctx context.Context, tx *store.Tx, r store.Registration, v authn.Visitor, now time.Time) error {
	if r.Phone != "" {
		return s.Authn.SendCode(ctx, tx, s.sending(r, ""), now)
	}
	token := idp.NewSecret()
	if err := s.Authn.SendCode(ctx, tx, s.sending(r, confirmPath+token), now); err != nil {
		return err
	}
	return tx.AddLink(ctx, store.Link{Hash: authn.Hash(token), Purpose: linkRegistration, Flow: r.ID, Contact: string(r.Email),
		CreatedAt: now.Unix(), ExpiresAt: now.Unix() + authn.MailLinkLife})
}

const (
	confirmPath      = "/confirm/"
	linkRegistration = "register"
	linkEmail        = "email" // second address of an account
)

// Again sends a new code for a registration that is not proved yet. Errors: TooMany code.wait and the like.
func (s *Service) Again(ctx context.Context, v authn.Visitor, r store.Registration, now time.Time) error {
	if err := check(r, v, now); err != nil {
		return err
	}
	if r.ProvedAt > 0 {
		return idp.Fail(idp.Gone, "registration.proved")
	}
	if err := s.Authn.CountRegistration(ctx, v, now.Unix()); err != nil {
		return err
	}
	err := s.Store.InTx(ctx, func(tx *store.Tx) error { return s.send(ctx, tx, r, v, now) })
	s.Authn.Woken()
	return err
}

// ForVisitor returns a registration of the visitor's browser; NotFound for any other.
func (s *Service) ForVisitor(ctx context.Context, v authn.Visitor, id idp.ID, now time.Time) (store.Registration, error) {
	r, err := s.Store.Registration(ctx, id)
	if err != nil {
		return r, err
	}
	return r, check(r, v, now)
}

func check(r store.Registration, v authn.Visitor, now time.Time) error {
	switch {
	case !authn.SameDevice(r.DeviceHash, v):
		return idp.Fail(idp.Denied, "request.other_browser")
	case now.Unix() >= r.ExpiresAt:
		return idp.Fail(idp.Gone, "registration.expired")
	case r.DoneOID != 0:
		return idp.Fail(idp.Gone, "registration.done")
	}
	return nil
}

// Prove judges the code of a registration. Errors: Invalid code.*, TooMany, Gone.
func (s *Service) Prove(ctx context.Context, v authn.Visitor, r store.Registration, typed string, now time.Time) error {
	if err := check(r, v, now); err != nil {
		return err
	}
	if r.ProvedAt > 0 {
		return nil // sent again, or in another tab: the present step is shown
	}
	if err := s.Authn.CountNetwork(ctx, v, now.Unix()); err != nil {
		return err
	}
	in := s.sending(r, "")
	c, err := s.Authn.TryCode(ctx, r.ID, authn.ForRegistration, typed, now)
	if err != nil {
		return s.refused(ctx, r, in, c, err, now)
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		ok, err := tx.TakeCode(ctx, c)
		if err != nil || !ok {
			return gone(err)
		}
		if err := in.Refund(ctx, tx); err != nil {
			return err
		}
		if ok, err = tx.RegistrationProved(ctx, r.ID, v.Device, now.Unix()); err != nil || !ok {
			return gone(err)
		}
		return tx.EndLinks(ctx, r.ID, linkRegistration, now.Unix())
	})
}

// refused counts a code that is spent. By e-mail, after three of them, only the link is left.
func (s *Service) refused(ctx context.Context, r store.Registration, in authn.Sending, c store.OneTimeCode, refusal error, now time.Time) error {
	if c.Tries >= authn.CodeTries {
		paused, err := s.Authn.CountSpent(ctx, in, now.Unix())
		if err != nil {
			return err
		}
		if paused && r.Phone == "" {
			return idp.Wrong("code", "email.code_closed")
		}
	}
	return refusal
}

func gone(err error) error {
	if err != nil {
		return err
	}
	return idp.Fail(idp.Gone, "registration.proved")
}

// Taken tells, after the contact was proved, whether it leads to an account already.
func (s *Service) Taken(ctx context.Context, r store.Registration) (bool, error) {
	_, err := s.Store.Holder(ctx, r.Contact())
	if errors.Is(err, idp.NotFound) {
		return false, nil
	}
	return err == nil, err
}
