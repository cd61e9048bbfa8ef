package grant

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"propusk/idp"
	"propusk/store"
)

// Access is an access token as it was presented: read from the JWT by the face, or from the store.
type Access struct {
	JTI       string
	ClientID  string
	Scopes    []string
	Audience  []string
	IssuedAt  int64
	ExpiresAt int64
	isOpaque  bool // found in the store; its grant is opaque
	opaque    store.GrantKey
}

// Opaque finds an opaque access token; NotFound if it is none of ours, ended or expired.
func (s *Service) Opaque(ctx context.Context, token string, now time.Time) (Access, error) {
	if !strings.HasPrefix(token, opaquePrefix) || len(token) > 100 {
		return Access{}, idp.Fail(idp.NotFound, "token.unknown")
	}
	t, err := s.Store.AccessToken(ctx, hash([]byte(token)))
	if err != nil {
		return Access{}, err
	}
	if t.Revoked || now.Unix() >= t.ExpiresAt {
		return Access{}, idp.Fail(idp.NotFound, "token.ended")
	}
	return Access{ClientID: t.ClientID, Scopes: t.Scopes, Audience: strings.Fields(t.Audience), IssuedAt: t.IssuedAt, ExpiresAt: t.ExpiresAt,
		isOpaque: true, opaque: t.Grant, JTI: token}, nil
}

// Live is an access token that counts now.
type Live struct {
	Access
	Client  *idp.Client
	Grant   idp.Grant   // zero for client_credentials
	Account idp.Account // zero for client_credentials
}

// ForPerson tells whether the token speaks of a person.
func (l Live) ForPerson() bool { return l.Grant.ID != "" }

// Check asks the store whether a token still counts: its grant lives, and so does the session it came from unless it is for
// offline use. NotFound if not. What ended elsewhere ends here at once: nothing is cached.
func (s *Service) Check(ctx context.Context, a Access, now time.Time) (Live, error) {
	ended := idp.Fail(idp.NotFound, "token.ended")
	c := s.Client(a.ClientID)
	if c == nil || now.Unix() >= a.ExpiresAt {
		return Live{}, ended
	}
	k, ok := s.keyOfAccess(a)
	if !ok {
		return Live{Access: a, Client: c}, s.machineRevoked(ctx, a)
	}
	g, account, session, err := s.Store.GrantWith(ctx, k, now.Unix())
	if err != nil {
		return Live{}, err
	}
	if g.ClientID != c.ID || !g.Offline && !session {
		return Live{}, ended
	}
	if refusal := s.gate(&g, account, c, now.Unix()); refusal != nil {
		return Live{}, ended
	}
	return Live{a, c, g, account}, nil
}

func (s *Service) keyOfAccess(a Access) (store.GrantKey, bool) {
	if a.isOpaque {
		return a.opaque, a.opaque.ID != ""
	}
	return s.readJTI(a.JTI)
}

func (s *Service) machineRevoked(ctx context.Context, a Access) error {
	if a.isOpaque {
		return nil // Opaque has looked
	}
	t, err := s.Store.AccessToken(ctx, hash([]byte(a.JTI)))
	if errors.Is(err, idp.NotFound) {
		return nil
	}
	if err == nil && t.Revoked {
		return idp.Fail(idp.NotFound, "token.ended")
	}
	return err
}

// Speaks tells whether a client may learn of a token: the one it was issued to, and those that its audience names.
func Speaks(c *idp.Client, a Access) bool {
	return c.ID == a.ClientID || slices.Contains(a.Audience, c.ID)
}

// Attributes lists what a token opens: what the person allowed, within the scopes of this token.
func (l Live) Attributes() []idp.Attribute {
	r := idp.AuthRequest{Scopes: l.Scopes, Claims: l.Grant.Claims}
	var out []idp.Attribute
	for _, a := range Wanted(r) {
		if slices.Contains(l.Grant.Attributes, a) {
			out = append(out, a)
		}
	}
	return out
}

// Release is what leaves for a token, by userinfo or by a REST face.
func (s *Service) Release(ctx context.Context, l Live) (idp.Release, error) {
	attributes := l.Attributes()
	var documents []idp.Document
	if slices.Contains(attributes, idp.AttrDocument) {
		var err error
		if documents, err = s.Store.Documents(ctx, l.Account.OID); err != nil {
			return idp.Release{}, err
		}
	}
	return idp.ReleaseOf(l.Account, documents, attributes), nil
}

// RevokeRefresh ends the grant of a refresh token (RFC 7009, 2.1). False: it is no refresh token of this client.
func (s *Service) RevokeRefresh(ctx context.Context, c *idp.Client, token string, now time.Time) (bool, error) {
	k, _, _, ok := s.readRefresh(token)
	if !ok {
		return false, nil
	}
	return s.revoke(ctx, c, k, now)
}

// RevokeAccess ends the grant of an access token: every token of it, the refresh token too (RFC 7009, 2.1 leaves that to us).
func (s *Service) RevokeAccess(ctx context.Context, c *idp.Client, a Access, now time.Time) error {
	if a.ClientID != c.ID {
		return nil
	}
	if k, ok := s.keyOfAccess(a); ok {
		_, err := s.revoke(ctx, c, k, now)
		return err
	}
	return s.Store.AddAccessToken(ctx, store.AccessToken{Hash: hash([]byte(a.JTI)), ClientID: c.ID, Scopes: a.Scopes,
		Audience: strings.Join(a.Audience, " "), IssuedAt: a.IssuedAt, ExpiresAt: a.ExpiresAt, Revoked: true})
}

func (s *Service) revoke(ctx context.Context, c *idp.Client, k store.GrantKey, now time.Time) (bool, error) {
	g, err := s.Store.Grant(ctx, k)
	if errors.Is(err, idp.NotFound) || err == nil && g.ClientID != c.ID {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, s.end(ctx, k, idp.Event{OID: g.OID, What: idp.TokensRevoked, ClientID: c.ID, Session: g.SessionID}, now)
}
