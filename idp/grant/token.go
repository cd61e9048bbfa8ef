package grant

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"

	"propusk/idp"
	"propusk/keys"
	"propusk/store"
)

// Issued is what a token request was given; the face spells it. The access token is either Opaque, or a JWT that the face
// makes with the identifier JTI.
type Issued struct {
	Client    *idp.Client
	Grant     idp.Grant   // zero for client_credentials
	Account   idp.Account // zero for client_credentials
	Scopes    []string    // of the access token
	Audience  []string
	JTI       string
	Opaque    string
	Refresh   string // empty without offline access
	IDToken   bool
	IssuedAt  int64
	ExpiresAt int64 // of the access token
}

// CodeUse is a token request with a code.
type CodeUse struct {
	Code        string
	RedirectURI string
	Verifier    string
	Resource    string
}

// Redeem exchanges an authorization code, once (RFC 6749, 4.1.3). A second use ends everything that the first one gave.
func (s *Service) Redeem(ctx context.Context, c *idp.Client, in CodeUse, now time.Time) (Issued, error) {
	k, secret, ok := s.readCode(in.Code)
	if !ok {
		return Issued{}, badGrant("code_unknown", "the code is not one of ours, or was cut off")
	}
	t := now.Unix()
	g, err := s.Store.Redeem(ctx, k, hash(secret), c.ID, t)
	if errors.Is(err, idp.NotFound) {
		return Issued{}, s.whyNoCode(ctx, c, k, hash(secret), now)
	}
	if err != nil {
		return Issued{}, err
	}
	if refusal := checkBinding(g, in); refusal != nil { // the code is spent: whoever has it without its binding is not its owner
		if _, err := s.Store.EndGrant(ctx, k, t); err != nil {
			return Issued{}, err
		}
		return Issued{}, refusal
	}
	refresh := ""
	if g.Offline {
		refresh = s.refreshToken(k, s.refreshSecret(k, secret), 0)
	}
	return s.issue(ctx, c, g, tokenWish{resource: in.Resource, refresh: refresh}, now)
}

func checkBinding(g idp.Grant, in CodeUse) *Refusal {
	if in.RedirectURI != g.RedirectURI {
		return badGrant("redirect_uri_differs", "redirect_uri differs from that of the authorization request")
	}
	if g.CodeChallenge == "" {
		if in.Verifier != "" {
			return badGrant("pkce_unasked", "code_verifier came, but the authorization request had no code_challenge")
		}
		return nil
	}
	sum := sha256.Sum256([]byte(in.Verifier))
	if len(in.Verifier) < 43 || len(in.Verifier) > 128 || !keys.Equal([]byte(b64.EncodeToString(sum[:])), []byte(g.CodeChallenge)) {
		return badGrant("pkce_verifier", "code_verifier is missing or does not fit the code_challenge of the authorization request")
	}
	return nil
}

// whyNoCode explains a code that was not taken, and ends the grant of one that came twice.
func (s *Service) whyNoCode(ctx context.Context, c *idp.Client, k store.GrantKey, codeHash []byte, now time.Time) error {
	g, err := s.Store.Grant(ctx, k)
	switch {
	case errors.Is(err, idp.NotFound) || err == nil && (!keys.Equal(g.CodeHash, codeHash) || g.ClientID != c.ID):
		return badGrant("code_unknown", "the code was not issued to this client, or is long past")
	case err != nil:
		return err
	case g.RedeemedAt > 0:
		if err := s.end(ctx, k, idp.Event{OID: g.OID, What: idp.CodeReused, ClientID: c.ID, Session: g.SessionID}, now); err != nil {
			return err
		}
		return badGrant("code_reused", "the code was used before; the tokens that came from it have ended")
	case g.EndedAt > 0:
		return badGrant("grant_ended", "the person has signed out or withdrawn consent")
	}
	return badGrant("code_expired", "the code is older than a minute")
}

// end ends a grant with its event; a grant that is ended already leaves no second event.
func (s *Service) end(ctx context.Context, k store.GrantKey, e idp.Event, now time.Time) error {
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		first, err := tx.EndGrant(ctx, k, now.Unix())
		if err != nil || !first {
			return err
		}
		e.ID, e.At = idp.NewID(now), now.Unix()
		return tx.AddEvent(ctx, e)
	})
}

// RefreshUse is a token request with a refresh token.
type RefreshUse struct {
	Token    string
	Scope    string // empty: all that was granted
	Resource string
}

// Refresh rotates a refresh token (RFC 6749, 6; RFC 9700, 4.14.2). The token of the last ten seconds may come again.
func (s *Service) Refresh(ctx context.Context, c *idp.Client, in RefreshUse, now time.Time) (Issued, error) {
	k, secret, generation, ok := s.readRefresh(in.Token)
	if !ok {
		return Issued{}, badGrant("refresh_unknown", "the refresh token is not one of ours, or was cut off")
	}
	wish := tokenWish{resource: in.Resource, scopes: strings.Fields(in.Scope)}
	if err := s.checkWish(ctx, c, k, hash(secret), wish); err != nil {
		return Issued{}, err
	}
	t := now.Unix()
	g, err := s.Store.Rotate(ctx, k, store.RefreshUse{Hash: hash(secret), ClientID: c.ID, Generation: generation, Now: t})
	if errors.Is(err, idp.NotFound) {
		g, err = s.repeated(ctx, c, k, hash(secret), generation, now)
	}
	if err != nil {
		return Issued{}, err
	}
	wish.refresh = s.refreshToken(k, secret, g.Generation)
	return s.issue(ctx, c, g, wish, now)
}

// checkWish refuses what a refresh asks too much before the token is taken: a client that mistypes a scope keeps its family.
// A token that does not count is left to Rotate.
func (s *Service) checkWish(ctx context.Context, c *idp.Client, k store.GrantKey, refreshHash []byte, wish tokenWish) error {
	if len(wish.scopes) == 0 && wish.resource == "" {
		return nil
	}
	g, err := s.Store.Grant(ctx, k)
	if errors.Is(err, idp.NotFound) || err == nil && (!keys.Equal(g.RefreshHash, refreshHash) || g.ClientID != c.ID) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, w := range wish.scopes {
		if !slices.Contains(g.Scopes, w) {
			return refuse("invalid_scope", "scope_wider", "scope asks for more than was granted")
		}
	}
	if _, refusal := oneResource(g.Resource, wish.resource); refusal != nil {
		return refusal
	}
	return nil
}

// repeated judges a refresh token that is not the newest: the same answer again within the grace, else the end of the family.
func (s *Service) repeated(ctx context.Context, c *idp.Client, k store.GrantKey, refreshHash []byte, generation int64, now time.Time) (idp.Grant, error) {
	g, err := s.Store.Grant(ctx, k)
	switch {
	case errors.Is(err, idp.NotFound) || err == nil && (!keys.Equal(g.RefreshHash, refreshHash) || g.ClientID != c.ID):
		return g, badGrant("refresh_unknown", "the refresh token was not issued to this client, or is long past")
	case err != nil:
		return g, err
	case g.EndedAt > 0 || now.Unix() >= g.ExpiresAt:
		return g, badGrant("grant_ended", "the grant has ended: send the person to sign in again")
	case g.Generation == generation+1 && now.Unix() <= g.RotatedAt+idp.RefreshGrace:
		return g, nil
	}
	if err := s.end(ctx, k, idp.Event{OID: g.OID, What: idp.RefreshReused, ClientID: c.ID, Session: g.SessionID}, now); err != nil {
		return g, err
	}
	return g, badGrant("refresh_reused", "the refresh token was used before; its family has ended")
}

// tokenWish is what a request says of the tokens it wants.
type tokenWish struct {
	resource string
	refresh  string
	scopes   []string // empty: all of the grant
}

// issue passes the gate and fills what leaves.
func (s *Service) issue(ctx context.Context, c *idp.Client, g idp.Grant, wish tokenWish, now time.Time) (Issued, error) {
	t := now.Unix()
	a, err := s.Store.Account(ctx, g.OID)
	if err != nil {
		return Issued{}, err
	}
	if refusal := s.gate(&g, a, s.Client(c.ID), t); refusal != nil {
		return Issued{}, refusal
	}
	if wish.refresh != "" { // consent may have been withdrawn while the grant was being made
		consent, err := s.Store.Consent(ctx, g.OID, c.ID)
		if err != nil {
			return Issued{}, err
		}
		if consent == nil {
			return Issued{}, badGrant("grant_ended", "the person has withdrawn consent")
		}
	}
	resource, refusal := oneResource(g.Resource, wish.resource)
	if refusal != nil {
		return Issued{}, refusal
	}
	out := Issued{Client: c, Grant: g, Account: a, Scopes: g.Scopes, Refresh: wish.refresh, IssuedAt: t, ExpiresAt: t + idp.AccessLife}
	if len(wish.scopes) > 0 {
		out.Scopes = wish.scopes
	}
	out.IDToken = slices.Contains(out.Scopes, idp.ScopeOpenID)
	out.Audience = s.audience(c, resource, out.IDToken)
	out.JTI = s.newJTI(key(g))
	return out, s.makeOpaque(ctx, &out, key(g))
}

// oneResource: a token is for one resource, the one that was asked for first (RFC 8707, 2.2).
func oneResource(granted, asked string) (string, *Refusal) {
	if asked == "" || asked == granted {
		return granted, nil
	}
	if granted != "" {
		return "", refuse("invalid_target", "resource_differs", "resource differs from that of the authorization request")
	}
	return asked, resourceShape(asked)
}

func (s *Service) audience(c *idp.Client, resource string, openid bool) []string {
	aud := []string{c.ID}
	if resource != "" {
		aud[0] = resource
	}
	if openid {
		aud = append(aud, s.Issuer)
	}
	return aud
}

func (s *Service) makeOpaque(ctx context.Context, out *Issued, k store.GrantKey) error {
	if !out.Client.OpaqueTokens {
		return nil
	}
	out.Opaque = opaquePrefix + idp.NewSecret()
	return s.Store.AddAccessToken(ctx, store.AccessToken{Hash: hash([]byte(out.Opaque)), Grant: k, ClientID: out.Client.ID, Scopes: out.Scopes,
		Audience: strings.Join(out.Audience, " "), IssuedAt: out.IssuedAt, ExpiresAt: out.ExpiresAt})
}

const opaquePrefix = "at_"

// Machine gives a client a token of its own (RFC 6749, 4.4). Without a scope it gets all its own ones.
func (s *Service) Machine(ctx context.Context, c *idp.Client, scope, resource string, now time.Time) (Issued, error) {
	t := now.Unix()
	out := Issued{Client: c, IssuedAt: t, ExpiresAt: t + idp.MachineLife}
	asked := strings.Fields(scope)
	if len(asked) == 0 {
		asked = c.Scopes
	}
	for _, w := range asked {
		personal := idp.KnownScope(w) // what opens a person's data, or makes an ID token, needs a person
		if personal && scope == "" {
			continue
		}
		if personal || !slices.Contains(c.Scopes, w) {
			return out, refuse("invalid_scope", "scope_not_registered", "scope "+printable(w)+" is not one that the client may use without a person")
		}
		out.Scopes = append(out.Scopes, w)
	}
	if resource != "" {
		if refusal := resourceShape(resource); refusal != nil {
			return out, refusal
		}
	}
	out.Audience = s.audience(c, resource, false)
	out.JTI = machinePrefix + b64.EncodeToString(random(16))
	return out, s.makeOpaque(ctx, &out, store.GrantKey{})
}

const machinePrefix = "m."

// printable keeps a word of a request that may stand in an answer: RFC 6749 allows ASCII alone.
func printable(w string) string {
	if len(w) > 60 || strings.ContainsFunc(w, func(r rune) bool { return r < '!' || r > '~' || r == '"' || r == '\\' }) {
		return "given"
	}
	return w
}
