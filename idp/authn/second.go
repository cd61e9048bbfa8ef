package authn

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"propusk/idp"
	"propusk/store"
)

// CodeState is what the page of a code shows.
type CodeState struct {
	Contact   idp.Identifier // to which it goes
	SentAt    int64          // 0: none was sent (a limit)
	ExpiresAt int64
	NextAt    int64 // when a new one may be asked for
}

// CodeState reads the state of the code of a step.
func (s *Service) CodeState(ctx context.Context, f Flow, step Step) (CodeState, error) {
	purpose, contact := ForSignIn, f.Account.Phone.Identifier()
	if step == EmailCode {
		purpose, contact = ForNewDevice, f.Account.Email.Identifier()
	}
	return s.codeState(ctx, f.Request.ID, purpose, contact)
}

func (s *Service) codeState(ctx context.Context, flow idp.ID, p Purpose, contact idp.Identifier) (CodeState, error) {
	st := CodeState{Contact: contact}
	c, err := s.Store.Code(ctx, flow, string(p))
	if isNotFound(err) || err == nil && c.Contact != contact.Value { // sent to whoever was here before
		return st, nil
	}
	st.SentAt, st.ExpiresAt, st.NextAt = c.SentAt, c.ExpiresAt, c.SentAt+s.Limits.CodeGap
	return st, err
}

// RegistrationCodeState is CodeState for a registration.
func (s *Service) RegistrationCodeState(ctx context.Context, r store.Registration) (CodeState, error) {
	return s.codeState(ctx, r.ID, ForRegistration, r.Contact())
}

// ProveCode judges the code that the present step asks for (Code, EmailCode or TOTP) and, where it was the last thing
// lacking, signs the browser in. A step that is not asked for now is Gone request.finished: the caller shows the present one.
func (s *Service) ProveCode(ctx context.Context, v Visitor, f Flow, typed string, now time.Time) (Proved, error) {
	if err := s.checkRequest(f.Request, v, now.Unix()); err != nil {
		return Proved{}, err
	}
	if err := s.CountNetwork(ctx, v, now.Unix()); err != nil {
		return Proved{}, err
	}
	switch step := Next(f); step {
	case Code, EmailCode:
		return s.proveSent(ctx, v, f, step, typed, now)
	case TOTP:
		return s.proveTOTP(ctx, v, f, typed, now)
	}
	return Proved{}, idp.Fail(idp.Gone, "request.finished")
}

func (s *Service) proveSent(ctx context.Context, v Visitor, f Flow, step Step, typed string, now time.Time) (Proved, error) {
	known, err := s.Store.KnownDevice(ctx, f.Account.OID, v.Device, now.Unix()-store.DeviceMemory)
	if err != nil {
		return Proved{}, err
	}
	in := s.sending(f.Request, *f.Account, step, v, known)
	c, err := s.TryCode(ctx, in.Flow, in.Purpose, typed, now)
	if err != nil {
		return Proved{}, s.codeRefused(ctx, v, f, in, c, err, now)
	}
	if c.Contact != in.To.Value { // the contact changed since: this code proves nothing
		return Proved{}, idp.Wrong("code", "code.expired")
	}
	return s.factRecorded(ctx, v, f, now, func(tx *store.Tx) (bool, error) {
		if ok, err := tx.TakeCode(ctx, c); err != nil || !ok {
			return false, err
		}
		if err := in.Refund(ctx, tx); err != nil {
			return false, err
		}
		if step == EmailCode {
			return tx.RequestEmail(ctx, f.Request.ID, f.Account.OID, now.Unix())
		}
		return tx.RequestSecond(ctx, f.Request.ID, f.Account.OID, idp.SMSFactor, now.Unix())
	})
}

// codeRefused leaves the event of a wrong code behind, and counts a code that is spent.
func (s *Service) codeRefused(ctx context.Context, v Visitor, f Flow, in Sending, c store.OneTimeCode, refusal error, now time.Time) error {
	if c.Tries == 0 {
		return refusal
	}
	what := idp.CodeWrong
	if c.Tries >= CodeTries {
		what = idp.CodeSpent
		if _, err := s.CountSpent(ctx, in, now.Unix()); err != nil {
			return err
		}
	}
	e := idp.Event{OID: f.Account.OID, What: what, ClientID: f.Request.ClientID, Details: map[string]string{"purpose": string(in.Purpose)}}
	if err := s.event(ctx, s.Store.Queries, v, e, now); err != nil {
		return err
	}
	return refusal
}

// factRecorded runs the taking of a proof and what follows from it in one transaction.
func (s *Service) factRecorded(ctx context.Context, v Visitor, f Flow, now time.Time, take func(*store.Tx) (bool, error)) (Proved, error) {
	var p Proved
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		p = Proved{}
		if ok, err := take(tx); err != nil || !ok {
			return orFinished(err)
		}
		return s.goOn(ctx, tx, v, f.Request.ID, &p, now)
	})
	s.Woken()
	return p, err
}

// totpTries bounds wrong codes of the app, like those of a message: five, then growing pauses, per account and device.
func (s *Service) proveTOTP(ctx context.Context, v Visitor, f Flow, typed string, now time.Time) (Proved, error) {
	code, err := ReadCode(typed)
	if err != nil {
		return Proved{}, err
	}
	a := f.Account
	device, err := s.deviceKey(ctx, a.OID, v, now.Unix())
	if err != nil {
		return Proved{}, err
	}
	bucket := "totp:" + a.OID.String() + ":" + device
	tried, ok, err := s.Store.TryPaused(ctx, bucket, now.Unix())
	if err != nil {
		return Proved{}, err
	}
	if !ok {
		return Proved{}, tooMany("code.paused", tried.Until-now.Unix(), map[string]string{"until": strconv.FormatInt(tried.Until, 10)})
	}
	step, err := s.totpStep(*a, code, now)
	if err != nil {
		return Proved{}, err
	}
	if step == 0 {
		e := idp.Event{OID: a.OID, What: idp.CodeWrong, ClientID: f.Request.ClientID, Details: map[string]string{"purpose": "totp"}}
		if err := s.event(ctx, s.Store.Queries, v, e, now); err != nil {
			return Proved{}, err
		}
		return Proved{}, idp.Wrong("code", "totp.wrong")
	}
	used := false
	p, err := s.factRecorded(ctx, v, f, now, func(tx *store.Tx) (bool, error) {
		fresh, err := tx.TakeTOTP(ctx, a.OID, step)
		if err != nil || !fresh {
			used = err == nil
			return false, err
		}
		if err := tx.ClearAttempts(ctx, bucket); err != nil {
			return false, err
		}
		return tx.RequestSecond(ctx, f.Request.ID, a.OID, idp.TOTPFactor, now.Unix())
	})
	if used {
		return Proved{}, idp.Wrong("code", "totp.used")
	}
	return p, err
}

const totpPeriod = 30

// totpStep finds the time step whose code was typed, one step to either side; 0 if none (RFC 6238, 5.2).
func (s *Service) totpStep(a idp.Account, code string, now time.Time) (int64, error) {
	secret, err := s.Master.Open("totp", a.TOTPSecret, []byte(a.OID.String()))
	if err != nil {
		return 0, err
	}
	current := now.Unix() / totpPeriod
	for _, step := range []int64{current, current - 1, current + 1} {
		ok, err := hotp.ValidateCustom(code, uint64(step), string(secret), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, err
		}
		if ok {
			return step, nil
		}
	}
	return 0, nil
}

// SealTOTP seals a base32 secret for its account's row.
func (s *Service) SealTOTP(oid idp.OID, secret string) []byte {
	return s.Master.Seal("totp", []byte(secret), []byte(oid.String()))
}

// SendAgain sends a new code for the step that asks for one now. Errors: TooMany code.wait {left}, code.paused, code.too_many {until}.
func (s *Service) SendAgain(ctx context.Context, v Visitor, f Flow, now time.Time) error {
	if err := s.checkRequest(f.Request, v, now.Unix()); err != nil {
		return err
	}
	step := Next(f)
	if step != Code && step != EmailCode {
		return idp.Fail(idp.Gone, "request.finished")
	}
	known, err := s.Store.KnownDevice(ctx, f.Account.OID, v.Device, now.Unix()-store.DeviceMemory)
	if err != nil {
		return err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		return s.SendCode(ctx, tx, s.sending(f.Request, *f.Account, step, v, known), now)
	})
	s.Woken()
	return err
}

// Choose records which second factor the person wants to use, and sends the code if it needs one.
func (s *Service) Choose(ctx context.Context, v Visitor, f Flow, method idp.Factor, now time.Time) error {
	if err := s.checkRequest(f.Request, v, now.Unix()); err != nil {
		return err
	}
	step := Next(f)
	asked := step == ChooseMethod || step == Code || step == TOTP
	if !asked || f.Account == nil || !slices.Contains(f.Account.Factors(), method) {
		return idp.Wrong("method", "method.unknown")
	}
	known, err := s.Store.KnownDevice(ctx, f.Account.OID, v.Device, now.Unix()-store.DeviceMemory)
	if err != nil {
		return err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if ok, err := tx.RequestMethod(ctx, f.Request.ID, f.Account.OID, method, now.Unix()); err != nil || !ok {
			return orFinished(err)
		}
		if method != idp.SMSFactor {
			return nil
		}
		return limitsAside(s.SendCode(ctx, tx, s.sending(f.Request, *f.Account, Code, v, known), now))
	})
	s.Woken()
	return err
}

// Continue records that the person goes on as the account of the session.
func (s *Service) Continue(ctx context.Context, v Visitor, r idp.AuthRequest, now time.Time) error {
	if err := s.checkRequest(r, v, now.Unix()); err != nil || v.Session == nil {
		return err
	}
	ok, err := s.Store.RequestChosen(ctx, r.ID, v.Session.OID, now.Unix())
	if err != nil || !ok {
		return orFinished(err)
	}
	return nil
}

// Forget sets the request back to the sign-in page: «Войти другим».
func (s *Service) Forget(ctx context.Context, v Visitor, r idp.AuthRequest, now time.Time) error {
	if err := s.checkRequest(r, v, now.Unix()); err != nil {
		return err
	}
	ok, err := s.Store.RequestForget(ctx, r.ID, now.Unix())
	if err != nil || !ok {
		return orFinished(err)
	}
	return nil
}

// SignOut ends the visitor's session on every process, and the tokens that live with it.
func (s *Service) SignOut(ctx context.Context, v Visitor, clientID string, now time.Time) error {
	if v.Session == nil {
		return nil
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		ended, err := tx.EndSession(ctx, v.Session.OID, v.Session.ID, now.Unix())
		if err != nil || !ended {
			return err
		}
		return s.event(ctx, tx.Queries, v, idp.Event{OID: v.Session.OID, What: idp.SignedOut, ClientID: clientID, Session: v.Session.ID}, now)
	})
}
