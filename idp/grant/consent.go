package grant

import (
	"context"
	"slices"
	"strings"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/store"
)

// Flow gathers everything that decides the next step of a request in the visitor's browser.
func (s *Service) Flow(ctx context.Context, r idp.AuthRequest, v authn.Visitor, now time.Time) (authn.Flow, error) {
	f, err := s.Authn.Flow(ctx, r, v, now)
	if err != nil || r.ClientID == "" {
		return f, err
	}
	f.Client = s.Client(r.ClientID)
	if f.Client == nil {
		return f, &Refusal{Code: "unauthorized_client", Reason: "client_stopped", Text: "the client is stopped", Untold: true}
	}
	f.Wants = registeredOnly(Wanted(r), f.Client)
	f.Offline = slices.Contains(r.Scopes, idp.ScopeOffline) && f.Client.Allows(idp.GrantRefresh)
	if f.Account != nil {
		f.Consent, err = s.Store.Consent(ctx, f.Account.OID, r.ClientID)
	}
	return f, err
}

// registeredOnly keeps the attributes that the client's registered scopes open: the claims parameter asks for single claims, not
// for more than the operator approved.
func registeredOnly(wants []idp.Attribute, c *idp.Client) []idp.Attribute {
	approved := idp.Opens(c.Scopes)
	return slices.DeleteFunc(wants, func(a idp.Attribute) bool { return !slices.Contains(approved, a) })
}

// claimScope says which scope opens a claim that is asked for by the `claims` parameter.
var claimScope = map[string]string{
	"name": idp.ScopeFullname, "family_name": idp.ScopeFullname, "given_name": idp.ScopeFullname, "middle_name": idp.ScopeFullname,
	"birthdate": idp.ScopeBirthdate, "gender": idp.ScopeGender, "email": idp.ScopeEmail, "email_verified": idp.ScopeEmail,
	"phone_number": idp.ScopePhone, "phone_number_verified": idp.ScopePhone, "snils": idp.ScopeSNILS, "inn": idp.ScopeINN,
	"citizenship": idp.ScopeCitizenship, "birthplace": idp.ScopeBirthplace, "documents": idp.ScopeDocument,
}

// Wanted lists the attributes that a request asks for, by scope or by claim.
func Wanted(r idp.AuthRequest) []idp.Attribute {
	scopes := slices.Clone(r.Scopes)
	asked, err := ReadClaims(r.Claims)
	if err != nil {
		return idp.Opens(scopes)
	}
	for _, part := range []map[string]*ClaimAsked{asked.IDToken, asked.UserInfo} {
		for name := range part {
			if sc, ok := claimScope[name]; ok {
				scopes = append(scopes, sc)
			}
		}
	}
	return idp.Opens(scopes)
}

// Allow records that the person of the session lets the data of the request leave. session is the session the page was drawn for.
func (s *Service) Allow(ctx context.Context, v authn.Visitor, f authn.Flow, session idp.ID, now time.Time) error {
	if err := samePerson(v, f, session); err != nil {
		return err
	}
	t := now.Unix()
	c := idp.Consent{OID: f.Session.OID, ClientID: f.Client.ID, Attributes: f.Wants, Offline: f.Offline, GrantedAt: t, ExpiresAt: t + idp.ConsentLife,
		Purposes: map[string]string{}}
	if old := f.Consent; old != nil && t < old.ExpiresAt { // more is added to what was allowed, nothing is taken away
		c.Offline = c.Offline || old.Offline
		c.Attributes = union(old.Attributes, f.Wants)
		for k, p := range old.Purposes {
			c.Purposes[k] = p
		}
	}
	for _, scope := range f.Request.Scopes {
		if p, ok := f.Client.Purposes[scope]; ok {
			c.Purposes[scope] = p
		}
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		if ok, err := tx.RequestConsented(ctx, f.Request.ID, f.Session.OID, t); err != nil || !ok {
			return orFinished(err)
		}
		if err := tx.PutConsent(ctx, c); err != nil {
			return err
		}
		names := make([]string, len(f.Wants))
		for i, a := range f.Wants {
			names[i] = string(a)
		}
		return tx.AddEvent(ctx, idp.Event{OID: c.OID, ID: idp.NewID(now), At: t, What: idp.ConsentGiven, ClientID: c.ClientID, Session: f.Session.ID,
			Agent: v.Agent, Details: map[string]string{"attributes": strings.Join(names, " ")}})
	})
}

func union(a, b []idp.Attribute) []idp.Attribute {
	out := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// samePerson: the page is answered by the person it was drawn for, and consent is what is asked now.
func samePerson(v authn.Visitor, f authn.Flow, session idp.ID) error {
	if !authn.Bound(f.Request, v) {
		return idp.Fail(idp.Denied, "request.other_browser")
	}
	if authn.Next(f) != authn.Consent {
		return idp.Fail(idp.Gone, "request.finished")
	}
	if v.Session == nil || f.Session == nil || f.Session.ID != session {
		return idp.Fail(idp.Conflict, "session.changed")
	}
	return nil
}

// Refuse ends a request without a code; the face tells the client. Gone if it was finished before.
func (s *Service) Refuse(ctx context.Context, v authn.Visitor, r idp.AuthRequest, now time.Time) error {
	if !authn.Bound(r, v) {
		return idp.Fail(idp.Denied, "request.other_browser")
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		if ok, err := tx.RequestRefused(ctx, r.ID, now.Unix()); err != nil || !ok {
			return orFinished(err)
		}
		if v.Session == nil || r.ClientID == "" {
			return nil
		}
		return tx.AddEvent(ctx, idp.Event{OID: v.Session.OID, ID: idp.NewID(now), At: now.Unix(), What: idp.ConsentDenied, ClientID: r.ClientID,
			Session: v.Session.ID, Agent: v.Agent})
	})
}

// Withdraw takes back what a citizen allowed a client; its tokens end on every process.
func (s *Service) Withdraw(ctx context.Context, v authn.Visitor, clientID string, now time.Time) error {
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		ok, err := tx.WithdrawConsent(ctx, v.Session.OID, clientID, now.Unix())
		if err != nil || !ok {
			return err
		}
		return tx.AddEvent(ctx, idp.Event{OID: v.Session.OID, ID: idp.NewID(now), At: now.Unix(), What: idp.ConsentWithdrawn, ClientID: clientID,
			Session: v.Session.ID, Agent: v.Agent})
	})
}

func orFinished(err error) error {
	if err != nil {
		return err
	}
	return idp.Fail(idp.Gone, "request.finished")
}

// Issue gives the code of a request for which nothing is left to do. A stored request gives one code in its life; one that was
// never stored (the browser was signed in and everything was allowed) is answered at once.
func (s *Service) Issue(ctx context.Context, f authn.Flow, now time.Time) (string, error) {
	t := now.Unix()
	r := f.Request
	g := idp.Grant{ID: idp.NewID(now), OID: f.Account.OID, ClientID: f.Client.ID, Face: r.Face, SessionID: f.Session.ID, RedirectURI: r.RedirectURI,
		CodeChallenge: r.CodeChallenge, CodeExpiresAt: t + idp.CodeLife, Scopes: r.Scopes, Attributes: f.Wants, Claims: r.Claims, Resource: r.Resource,
		Nonce: r.Nonce, ACRs: r.ACRs, Auth: f.Session.Auth.Now(*f.Account), Epoch: f.Account.Epoch, Offline: f.Offline, CreatedAt: t}
	g.ExpiresAt = t + idp.CodeLife + idp.AccessLife
	if g.Offline {
		g.ExpiresAt = t + idp.RefreshLife
	}
	code, codeHash, refreshHash := s.newCode(key(g))
	g.CodeHash, g.RefreshHash = codeHash, refreshHash
	if refusal := s.gate(&g, *f.Account, f.Client, t); refusal != nil {
		return "", refusal
	}
	if r.ID == "" {
		return code, s.Store.AddGrant(ctx, g)
	}
	return code, s.Store.InTx(ctx, func(tx *store.Tx) error {
		if ok, err := tx.RequestGranted(ctx, r.ID, g.OID, t); err != nil || !ok {
			return orFinished(err)
		}
		return tx.AddGrant(ctx, g)
	})
}

// Keep stores a request bound to a browser, so that the login can begin. path makes the address to return to from its ID.
func (s *Service) Keep(ctx context.Context, r *idp.AuthRequest, device []byte, path func(idp.ID) string, now time.Time) error {
	r.ID, r.DeviceHash = idp.NewID(now), device
	r.ReturnTo = path(r.ID)
	if r.CreatedAt == 0 {
		r.CreatedAt, r.ExpiresAt = now.Unix(), now.Unix()+idp.RequestLife
	}
	return s.Store.AddRequest(ctx, *r)
}
