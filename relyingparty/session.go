package relyingparty

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Session is a visitor who is signed in, as it was when it was asked for: a value that never changes. Refresh and a new
// sign-in put another one in its place.
type Session struct {
	Claims   *Claims        // of the ID token of the sign-in, or of the latest refresh that brought one
	UserInfo map[string]any // of the sign-in or of the latest refresh; numbers are json.Number
	IDToken  string         // the raw ID token, for id_token_hint
	Scopes   []string       // granted
	Started  time.Time
	Renewed  time.Time // when the access token came
	Expiry   time.Time // of the access token; zero if the provider did not say
	Trace    []Exchange

	key          digest
	accessToken  string
	refreshToken string
	refresh      *sync.Mutex // shared by all values of one session: a refresh token is used once
}

// CanRefresh says whether the provider gave a refresh token.
func (s *Session) CanRefresh() bool { return s.refreshToken != "" }

// Level is the tier and the factor reached.
func (s *Session) Level() ACR { return s.Claims.Level() }

// Claim returns a claim of userinfo or, where that has none, of the ID token, with the name of its source ("userinfo" or
// "id_token"). The source is empty if there is none.
func (s *Session) Claim(name string) (value any, source string) {
	if value, ok := s.UserInfo[name]; ok {
		return value, "userinfo"
	}
	if value, ok := s.Claims.All[name]; ok {
		return value, "id_token"
	}
	return nil, ""
}

// Text returns a claim that is a string, empty otherwise.
func (s *Session) Text(name string) string {
	value, _ := s.Claim(name)
	text, _ := value.(string)
	return text
}

// ClaimNames lists every claim that Claim knows, sorted.
func (s *Session) ClaimNames() []string {
	names := map[string]bool{}
	for name := range s.UserInfo {
		names[name] = true
	}
	for name := range s.Claims.All {
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// renew takes over an answer of the token endpoint. The caller has not shared s yet.
func (s *Session) renew(got tokens, asked []string, now time.Time) {
	s.accessToken, s.Renewed, s.Expiry = got.AccessToken, now, time.Time{}
	if got.ExpiresIn > 0 {
		s.Expiry = now.Add(time.Duration(min(got.ExpiresIn, 1<<31)) * time.Second)
	}
	if got.RefreshToken != "" {
		s.refreshToken = got.RefreshToken
	}
	s.Scopes = asked // RFC 6749, 5.1: scope may be left out if it is what was asked for
	if got.Scope != "" {
		s.Scopes = strings.Fields(got.Scope)
	}
}

// trace adds exchanges to a copy of the list, leaving out those that did not happen, and drops the oldest beyond maxTrace.
func (s *Session) trace(exchanges ...Exchange) {
	list := slices.Clone(s.Trace)
	for _, e := range exchanges {
		if e.Step != "" {
			list = append(list, e)
		}
	}
	if len(list) > maxTrace {
		list = list[len(list)-maxTrace:]
	}
	s.Trace = list
}

// keep stores a new session and returns the value of its cookie.
func (c *Client) keep(s *Session, now time.Time) string {
	cookie := secretText()
	s.key, s.refresh = digestOf(cookie), new(sync.Mutex)
	c.sessions.put(s.key, s, now)
	return cookie
}

// Session returns the session of a request, if the visitor is signed in.
func (c *Client) Session(r *http.Request) (*Session, bool) {
	value := c.cookie(r, "")
	if value == "" {
		return nil, false
	}
	return c.sessions.get(digestOf(value), time.Now())
}

// Refresh gets new tokens and userinfo for a session (OpenID Connect Core 1.0, 12). If another request refreshed it
// meanwhile, that outcome is returned and nothing is sent. A refresh token that the provider refuses is forgotten.
func (c *Client) Refresh(ctx context.Context, s *Session) (*Session, error) {
	s.refresh.Lock()
	defer s.refresh.Unlock()
	now := time.Now()
	current, ok := c.sessions.get(s.key, now)
	switch {
	case !ok:
		return nil, ErrNoSession
	case current != s:
		return current, nil
	case s.refreshToken == "":
		return nil, ErrNoRefreshToken
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer cancel() // a visitor who goes away must not lose the new refresh token
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {s.refreshToken}}
	got, exchange, err := c.redeem(ctx, "refresh", form, now)
	next := *s
	next.trace(exchange)
	if refused(err) {
		next.refreshToken = ""
		c.sessions.replace(s.key, &next, now)
	}
	if err != nil {
		return nil, err
	}
	next.renew(got, s.Scopes, now) // kept even if a check fails: the old refresh token is used up
	err = c.reread(ctx, &next, got, now)
	if err != nil {
		next.Claims, next.UserInfo, next.IDToken = s.Claims, s.UserInfo, s.IDToken
	}
	if !c.sessions.replace(s.key, &next, now) {
		return nil, ErrNoSession
	}
	return &next, err
}

// refused says whether the refresh token is of no use any more (RFC 6749, 5.2).
func refused(err error) bool {
	said := (*ProviderError)(nil)
	return errors.As(err, &said) && said.Code == "invalid_grant"
}

// reread brings the claims of a refreshed session up to date: from the new ID token, if one came, and from userinfo.
func (c *Client) reread(ctx context.Context, next *Session, got tokens, now time.Time) error {
	if got.IDToken != "" {
		claims, err := c.verifyIDToken(ctx, got.IDToken, expectation{accessToken: got.AccessToken}, now)
		if err != nil {
			return err
		}
		if err := samePerson(next.Claims, claims); err != nil {
			return err
		}
		next.Claims, next.IDToken = claims, got.IDToken
	}
	info, about, err := c.userinfo(ctx, got.AccessToken, next.Claims.Subject, now)
	next.trace(about)
	if err != nil {
		return err
	}
	next.UserInfo = info
	return nil
}

// samePerson holds a refreshed ID token against the first one (OpenID Connect Core 1.0, 12.2): the same sub, the original
// auth_time, the same azp, and no other nonce. iss and aud were compared with the configuration, hence with the first.
func samePerson(before, after *Claims) error {
	switch {
	case after.Subject != before.Subject:
		return fails(CheckSub, "the refreshed ID token has another sub")
	case after.Azp != before.Azp:
		return fails(CheckAzp, "the refreshed ID token has another azp")
	case after.Nonce != "" && after.Nonce != before.Nonce:
		return fails(CheckNonce, "the refreshed ID token has another nonce")
	case after.AuthTime != nil && before.AuthTime != nil && *after.AuthTime != *before.AuthTime:
		return fails(CheckAuthTime, "the refreshed ID token has another auth_time")
	}
	return nil
}
