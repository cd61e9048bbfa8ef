package grant

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"propusk/idp"
	"propusk/keys"
)

// Credentials are what a client showed of itself, as a face read them.
type Credentials struct {
	ClientID  string // may be empty with an assertion
	Secret    string
	Method    string // one of idp.AuthBasic, AuthPost, AuthPrivateKey, AuthNone: how it was shown
	Assertion string
	Audiences []string // that an assertion may name: the issuer and the endpoint
}

// Authenticate finds the client and checks that it is who it says, by the method it is registered for and no other.
// Every refusal is invalid_client; the text names the cause without telling what is stored.
func (s *Service) Authenticate(ctx context.Context, in Credentials, now time.Time) (*idp.Client, error) {
	id := in.ClientID
	if in.Method == idp.AuthPrivateKey {
		if named := unverifiedSubject(in.Assertion); id == "" {
			id = named
		} else if named != id {
			return nil, refuse("invalid_client", "assertion_client", "client_id differs from the subject of client_assertion")
		}
	}
	c := s.registered(id)
	if c == nil {
		s.wrongSecret(nil, in)
		return nil, refuse("invalid_client", "client_unknown", "the client is not registered here, or is stopped")
	}
	if c.AuthMethod != in.Method {
		return nil, refuse("invalid_client", "auth_method", "the client is registered for token_endpoint_auth_method "+c.AuthMethod)
	}
	switch in.Method {
	case idp.AuthBasic, idp.AuthPost:
		if s.wrongSecret(c.Client, in) {
			return nil, refuse("invalid_client", "client_secret", "client_secret is wrong")
		}
	case idp.AuthPrivateKey:
		if refusal, err := s.checkAssertion(ctx, c, in, now); refusal != nil || err != nil {
			if err != nil {
				return nil, err
			}
			return nil, refusal
		}
	}
	return c.Client, nil
}

func (s *Service) wrongSecret(c *idp.Client, in Credentials) bool {
	shown := secretHash(s.Master, in.ClientID, in.Secret)
	if c == nil {
		return true
	}
	return !keys.Equal(shown, c.SecretHash)
}

// unverifiedSubject only finds the client whose keys verify the assertion; nothing is decided by it.
func unverifiedSubject(assertion string) string {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 || len(assertion) > keys.MaxToken {
		return ""
	}
	payload, err := b64.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.Subject
}

type assertion struct {
	Issuer    string          `json:"iss"`
	Subject   string          `json:"sub"`
	Audience  json.RawMessage `json:"aud"`
	Expires   *float64        `json:"exp"`
	IssuedAt  *float64        `json:"iat"`
	NotBefore *float64        `json:"nbf"`
	ID        string          `json:"jti"`
}

// checkAssertion verifies private_key_jwt (RFC 7523, 3; OpenID Connect Core, 9) and takes its jti once, for all processes.
func (s *Service) checkAssertion(ctx context.Context, c *registered, in Credentials, now time.Time) (*Refusal, error) {
	bad := func(reason, text string) (*Refusal, error) {
		return refuse("invalid_client", "assertion_"+reason, "client_assertion: "+text), nil
	}
	if c.keys == nil {
		return bad("keys", "the client has no keys registered")
	}
	payload, err := c.keys.Verify(in.Assertion, keys.Algs())
	if err != nil {
		return bad("signature", "the signature does not verify with the registered keys")
	}
	var a assertion
	if json.Unmarshal(payload, &a) != nil {
		return bad("shape", "the claims are not of the types that RFC 7523 gives")
	}
	t := float64(now.Unix())
	switch {
	case a.Issuer != c.ID || a.Subject != c.ID:
		return bad("issuer", "iss and sub must both be the client_id")
	case !ours(a.Audience, in.Audiences):
		return bad("audience", "aud must be the issuer or the token endpoint and nothing else")
	case a.Expires == nil || *a.Expires <= t:
		return bad("expired", "exp is missing or past")
	case *a.Expires > t+idp.AssertionMaxAge+idp.ClockSkew:
		return bad("lifetime", "exp is more than 10 minutes ahead")
	case a.IssuedAt != nil && *a.IssuedAt > t+idp.ClockSkew, a.NotBefore != nil && *a.NotBefore > t+idp.ClockSkew:
		return bad("early", "iat or nbf is ahead of our clock by more than 10 seconds")
	case a.ID == "" || len(a.ID) > 256:
		return bad("jti", "jti is missing or longer than 256 characters")
	}
	fresh, err := s.Store.UseAssertion(ctx, hash([]byte(c.ID+"\x00"+a.ID)), int64(*a.Expires)+1)
	if err != nil {
		return nil, err
	}
	if !fresh {
		return bad("replayed", "jti was used before: make a new assertion for each request")
	}
	return nil, nil
}

// ours: a string that is one of audiences, or an array of which each entry is.
func ours(raw json.RawMessage, audiences []string) bool {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return slices.Contains(audiences, one)
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil || len(many) == 0 {
		return false
	}
	for _, a := range many {
		if !slices.Contains(audiences, a) {
			return false
		}
	}
	return true
}
