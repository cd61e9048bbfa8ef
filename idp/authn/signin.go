package authn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"time"

	"propusk/idp"
	"propusk/idp/notify"
	"propusk/store"
)

// PasswordProof is the form of the sign-in page.
type PasswordProof struct {
	Request  idp.AuthRequest
	Login    string // ignored by a Reauth step, which knows the account
	Password string
	Public   bool // «Чужое устройство»
}

// Proved is what a proof led to: the cookie of a session, if the sign-in is complete.
type Proved struct {
	Cookie  string
	Session *idp.Session
	Account *idp.Account
}

// ProvePassword judges login and password for a request. Unknown, wrong and locked are one answer of one duration:
// Invalid login.mismatch. Others: Invalid fields, TooMany password.paused {until}, TooMany network.too_many, Unavailable.
func (s *Service) ProvePassword(ctx context.Context, v Visitor, in PasswordProof, now time.Time) (Proved, error) {
	t := now.Unix()
	if err := s.checkRequest(in.Request, v, t); err != nil {
		return Proved{}, err
	}
	who, err := s.whoIs(ctx, v, in)
	if err != nil {
		return Proved{}, err
	}
	if err := s.CountNetwork(ctx, v, t); err != nil {
		return Proved{}, err
	}
	bucket, err := s.passwordBucket(ctx, who, v, t)
	if err != nil {
		return Proved{}, err
	}
	tried, ok, err := s.Store.TryPaused(ctx, bucket, t)
	if err != nil {
		return Proved{}, err
	}
	if !ok {
		return Proved{}, &idp.Error{Kind: idp.TooMany, Code: "password.paused", RetryAfter: time.Duration(tried.Until-t) * time.Second,
			Args: map[string]string{"until": strconv.FormatInt(tried.Until, 10)}}
	}
	right, rehash, err := s.Pool.Verify(ctx, who.hash(), in.Password)
	if err != nil {
		return Proved{}, errors.Join(err, s.Store.Uncount(ctx, bucket))
	}
	if !right || who.account == nil || who.account.Status != idp.Active {
		return Proved{}, s.wrongPassword(ctx, v, who, in.Request, tried, now)
	}
	p, err := s.passwordRight(ctx, v, in, *who.account, bucket, now)
	if err == nil && rehash {
		s.rehash(ctx, *who.account, in.Password)
	}
	return p, err
}

// person is who the login leads to: an account, or nobody.
type person struct {
	login   idp.Identifier
	account *idp.Account
}

func (p person) hash() string {
	if p.account == nil {
		return ""
	}
	return p.account.PasswordHash
}

func (s *Service) whoIs(ctx context.Context, v Visitor, in PasswordProof) (person, error) {
	if in.Login == "" && v.Account != nil {
		if in.Password == "" {
			return person{}, idp.Wrong("password", "password.empty")
		}
		return person{account: v.Account}, nil
	}
	login, err := idp.ParseLogin(in.Login)
	problems := idp.ProblemsOf(err)
	if in.Password == "" {
		problems = append(problems, idp.Wrong("password", "password.empty"))
	}
	if len(problems) > 0 {
		return person{}, problems
	}
	a, err := s.Store.AccountBy(ctx, login)
	if isNotFound(err) {
		return person{login: login}, nil
	}
	return person{login, &a}, err
}

func (s *Service) passwordBucket(ctx context.Context, who person, v Visitor, now int64) (string, error) {
	if who.account == nil {
		if _, err := s.deviceKey(ctx, 0, v, now); err != nil { // the same work as for a known login
			return "", err
		}
		h := sha256.Sum256([]byte(string(who.login.Kind) + who.login.Value))
		return "pw:?" + hex.EncodeToString(h[:12]) + ":new", nil
	}
	device, err := s.deviceKey(ctx, who.account.OID, v, now)
	return "pw:" + who.account.OID.String() + ":" + device, err
}

func (s *Service) wrongPassword(ctx context.Context, v Visitor, who person, r idp.AuthRequest, tried store.Attempt, now time.Time) error {
	// An unknown login leaves its line too, in nobody's journal: the same work, so the same time.
	e := idp.Event{What: idp.PasswordWrong, ClientID: r.ClientID, Details: map[string]string{"by": string(who.login.Kind)}}
	if who.account != nil {
		e.OID = who.account.OID
	}
	if err := s.event(ctx, s.Store.Queries, v, e, now); err != nil {
		return err
	}
	if tried.Until > now.Unix() {
		return &idp.Error{Kind: idp.TooMany, Code: "password.paused", RetryAfter: time.Duration(tried.Until-now.Unix()) * time.Second,
			Args: map[string]string{"until": strconv.FormatInt(tried.Until, 10)}}
	}
	return idp.Wrong("password", "login.mismatch")
}

// passwordRight records the fact and, in the same transaction, sends the code of the second factor or makes the session.
func (s *Service) passwordRight(ctx context.Context, v Visitor, in PasswordProof, a idp.Account, bucket string, now time.Time) (Proved, error) {
	var p Proved
	t := now.Unix()
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		p = Proved{}
		if err := tx.ClearAttempts(ctx, bucket); err != nil {
			return err
		}
		method := firstMethod(in.Request, a)
		if ok, err := tx.RequestPassword(ctx, in.Request.ID, a.OID, method, in.Public, t); err != nil || !ok {
			return orFinished(err)
		}
		return s.goOn(ctx, tx, v, in.Request.ID, &p, now)
	})
	s.Woken()
	return p, err
}

// firstMethod is the second factor asked after the password: the account's own, or the strongest where only the portal wants one.
func firstMethod(r idp.AuthRequest, a idp.Account) idp.Factor {
	if f := a.DefaultFactor(); f != idp.NoFactor {
		return f
	}
	if want, _ := r.Wanted(a); want.Strength > idp.OneFactor && len(a.Factors()) > 0 {
		return a.Factors()[0]
	}
	return ""
}

// goOn looks at what a new fact led to: a code to send, a session to make, or nothing yet.
func (s *Service) goOn(ctx context.Context, tx *store.Tx, v Visitor, id idp.ID, p *Proved, now time.Time) error {
	r, err := tx.Request(ctx, id)
	if err != nil {
		return err
	}
	a, err := tx.Account(ctx, r.OID)
	if err != nil {
		return err
	}
	known, err := tx.KnownDevice(ctx, a.OID, v.Device, now.Unix()-store.DeviceMemory)
	if err != nil {
		return err
	}
	if a.Status != idp.Active {
		return idp.Wrong("password", "login.mismatch")
	}
	if r.PasswordAt == 0 { // a step-up of the session that is there
		return s.stepUp(ctx, tx, v, r, a, p, now)
	}
	step := secondFactor(Flow{Request: r, Account: &a, Known: known, Now: now.Unix()})
	switch step {
	case Done:
		return s.makeSession(ctx, tx, v, r, a, p, now)
	case Code, EmailCode:
		return limitsAside(s.SendCode(ctx, tx, s.sending(r, a, step, v, known), now))
	}
	return nil
}

// limitsAside: that no code may be sent now does not undo the right password; the page of the code says until when.
func limitsAside(err error) error {
	if errors.Is(err, idp.TooMany) {
		return nil
	}
	return err
}

// sending describes the code of a step of sign-in.
func (s *Service) sending(r idp.AuthRequest, a idp.Account, step Step, v Visitor, known bool) Sending {
	budget := "new"
	if known {
		budget = hex.EncodeToString(v.Device[:8])
	}
	lang := a.Language
	if v.Lang != "" {
		lang = v.Lang
	}
	m := notify.Message{Kind: notify.SignIn, Lang: lang, Device: v.Named}
	if step == EmailCode {
		return Sending{Flow: r.ID, Purpose: ForNewDevice, To: a.Email.Identifier(), Life: DeviceCodeLife, Budget: budget, Message: m}
	}
	return Sending{Flow: r.ID, Purpose: ForSignIn, To: a.Phone.Identifier(), Life: SMSCodeLife, Budget: budget, Message: m}
}

// makeSession signs the browser in: a new cookie, in place of whatever session it had.
func (s *Service) makeSession(ctx context.Context, tx *store.Tx, v Visitor, r idp.AuthRequest, a idp.Account, p *Proved, now time.Time) error {
	t := now.Unix()
	secret := idp.NewSecret()
	sess := idp.Session{OID: a.OID, ID: idp.NewID(now), SecretHash: Hash(secret), DeviceHash: v.Device, CreatedAt: t, SeenAt: t,
		EndsAt: t + idp.SessionTotal, Agent: v.Agent, Public: r.Public}
	what := idp.SignedIn
	if v.Session != nil && v.Session.OID == a.OID { // renewed: the portals know the session by its number
		sess.ID, sess.CreatedAt, what = v.Session.ID, v.Session.CreatedAt, idp.SignedInAgain
		sess.Public = sess.Public || v.Session.Public // the form that asks again does not ask whose device it is
	} else if v.Session != nil {
		if _, err := tx.EndSession(ctx, v.Session.OID, v.Session.ID, t); err != nil {
			return err
		}
	}
	sess.Auth = authentication(a, methodsOf(r), t)
	if ok, err := tx.RequestSession(ctx, r.ID, a.OID, sess.ID, t); err != nil || !ok {
		return orFinished(err)
	}
	if err := tx.PutSession(ctx, sess); err != nil {
		return err
	}
	if !sess.Public {
		if err := tx.SeeDevice(ctx, a.OID, v.Device, v.Agent, t); err != nil {
			return err
		}
	}
	e := idp.Event{OID: a.OID, What: what, ClientID: r.ClientID, Session: sess.ID, Details: map[string]string{"methods": joinMethods(sess.Auth.Methods)}}
	if err := s.event(ctx, tx.Queries, v, e, now); err != nil {
		return err
	}
	*p = Proved{sessionCookie(a.OID, sess.ID, secret), &sess, &a}
	return nil
}

// stepUp adds a second factor to the session that is there, with a new cookie. The time of sign-in stays that of the password.
func (s *Service) stepUp(ctx context.Context, tx *store.Tx, v Visitor, r idp.AuthRequest, a idp.Account, p *Proved, now time.Time) error {
	if v.Session == nil || v.Session.OID != a.OID || r.SecondAt == 0 {
		return nil
	}
	sess := *v.Session
	secret := idp.NewSecret()
	sess.SecretHash, sess.SeenAt = Hash(secret), now.Unix()
	for _, m := range methodsOf(r) {
		if m != idp.MethodPassword && !slices.Contains(sess.Auth.Methods, m) {
			sess.Auth.Methods = append(slices.Clone(sess.Auth.Methods), m)
		}
	}
	if ok, err := tx.StepUpSession(ctx, sess); err != nil || !ok {
		return orFinished(err)
	}
	e := idp.Event{OID: a.OID, What: idp.SignedInAgain, ClientID: r.ClientID, Session: sess.ID, Details: map[string]string{"methods": joinMethods(sess.Auth.Methods)}}
	if err := s.event(ctx, tx.Queries, v, e, now); err != nil {
		return err
	}
	*p = Proved{sessionCookie(a.OID, sess.ID, secret), &sess, &a}
	return nil
}

func authentication(a idp.Account, methods []string, now int64) idp.Authentication {
	return idp.Authentication{Time: now, Methods: methods, Tier: a.Tier, TierAt: a.TierAt, TierMethod: a.TierMethod, RecoveredAt: a.RecentRecovery(now)}
}

func methodsOf(r idp.AuthRequest) []string {
	m := []string{idp.MethodPassword}
	if r.SecondAt > 0 {
		m = append(m, map[idp.Factor]string{idp.SMSFactor: idp.MethodSMS, idp.TOTPFactor: idp.MethodOTP}[r.Method])
	}
	return m
}

func joinMethods(m []string) string {
	out := ""
	for i, x := range m {
		if i > 0 {
			out += "+"
		}
		out += x
	}
	return out
}

func (s *Service) rehash(ctx context.Context, a idp.Account, password string) {
	if hash, err := s.Pool.Hash(ctx, password); err == nil {
		_ = s.Store.Rehash(ctx, a.OID, a.PasswordHash, hash) // the old hash still verifies: the next sign-in tries again
	}
}

func (s *Service) checkRequest(r idp.AuthRequest, v Visitor, now int64) error {
	if !Bound(r, v) {
		return idp.Fail(idp.Denied, "request.other_browser")
	}
	if !r.Open(now) {
		return idp.Fail(idp.Gone, "request.finished")
	}
	return nil
}

// orFinished is the error of a guarded write that changed nothing: the request is over, or bound to another person.
func orFinished(err error) error {
	if err != nil {
		return err
	}
	return idp.Fail(idp.Gone, "request.finished")
}
