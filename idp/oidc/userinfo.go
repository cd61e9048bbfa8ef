package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"propusk/idp"
	"propusk/idp/grant"
	"propusk/keys"
)

// readAccess reads an access token of ours: a JWT of the type at+jwt (an ID token is none), or an opaque one.
func (f *Face) readAccess(ctx context.Context, token string, now time.Time) (grant.Access, error) {
	unknown := idp.Fail(idp.NotFound, "token.unknown")
	if strings.Count(token, ".") != 2 {
		return f.Grant.Opaque(ctx, token, now)
	}
	v, err := f.Grant.Ring().Verify(token, keys.ES256)
	if err != nil || v.Typ != "at+jwt" {
		return grant.Access{}, unknown
	}
	var c accessClaims
	if json.Unmarshal(v.Payload, &c) != nil || c.Issuer != f.issuer || now.Unix() >= c.Expires {
		return grant.Access{}, unknown
	}
	return grant.Access{JTI: c.ID, ClientID: c.ClientID, Scopes: strings.Fields(c.Scope), Audience: c.Audience, IssuedAt: c.IssuedAt, ExpiresAt: c.Expires}, nil
}

// userinfo is OpenID Connect Core, 5.3. The token comes in the header or in a form, never in the query.
func (f *Face) userinfo(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	if r.Header.Get("Authorization") != "" && r.PostForm.Get("access_token") != "" { // RFC 6750, 2 and 3.1
		f.answerError(w, r, &grant.Refusal{Code: "invalid_request", Reason: "token_ways", Text: "access_token came besides the Authorization header"}, "")
		return
	}
	token, shown := bearer(r)
	if !shown {
		f.challenge(w, r, http.StatusUnauthorized, "")
		return
	}
	access, err := f.readAccess(r.Context(), token, now)
	var live grant.Live
	if err == nil {
		live, err = f.Grant.Check(r.Context(), access, now)
	}
	switch {
	case errors.Is(err, idp.NotFound), err == nil && (!live.ForPerson() || !slices.Contains(live.Audience, f.issuer)):
		f.challenge(w, r, http.StatusUnauthorized, "invalid_token")
	case err != nil:
		f.answerError(w, r, err, access.ClientID)
	case !slices.Contains(live.Scopes, idp.ScopeOpenID):
		f.challenge(w, r, http.StatusForbidden, "insufficient_scope")
	default:
		f.writeUserinfo(w, r, live)
	}
}

func (f *Face) writeUserinfo(w http.ResponseWriter, r *http.Request, live grant.Live) {
	release, err := f.Grant.Release(r.Context(), live)
	if err != nil {
		f.answerError(w, r, err, live.ClientID)
		return
	}
	claims := personClaims(release)
	body, err := json.Marshal(levelOf(live.Grant))
	if err == nil {
		err = json.Unmarshal(body, &claims)
	}
	if err != nil {
		f.answerError(w, r, err, live.ClientID)
		return
	}
	claims["sub"] = f.Grant.Subject(live.Client, live.Grant.OID)
	if live.Grant.SessionID != "" {
		claims["sid"] = f.Grant.SessionID(live.Client, live.Grant.SessionID)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(claims)
}

func bearer(r *http.Request) (string, bool) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, ok := strings.Cut(h, " ")
		return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
	}
	if r.Method == http.MethodPost {
		token := r.PostForm.Get("access_token")
		return token, token != ""
	}
	return "", false
}

// challenge is the answer of a protected resource to a token that does not do (RFC 6750, 3). Without a token it names no error.
func (f *Face) challenge(w http.ResponseWriter, r *http.Request, status int, code string) {
	text := map[string]string{"invalid_token": "the access token is not one of ours for userinfo, or has ended",
		"insufficient_scope": "the access token was given without the scope openid", "": "send the access token as Authorization: Bearer"}[code]
	reference := f.note(w, r, nil, &grant.Refusal{Code: code, Reason: "userinfo_token", Text: text}, "")
	header := `Bearer realm="` + f.issuer + `"`
	body := map[string]string{"error": "invalid_request", "error_description": text + " [" + reference + "]"}
	if code != "" {
		header += `, error="` + code + `", error_description="` + text + `"`
		body["error"] = code
	}
	w.Header().Set("WWW-Authenticate", header)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// introspection is RFC 7662, 2.2.
type introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	Expires   int64    `json:"exp,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  audience `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	ID        string   `json:"jti,omitempty"`
	level
}

// introspect speaks of a token to the client it was issued to and to those its audience names; to others it is not active.
func (f *Face) introspect(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	c, err := f.authenticate(r, now)
	if err == nil && c.Public() {
		err = &grant.Refusal{Code: "invalid_client", Reason: "client_public", Text: "introspection is for clients that can authenticate"}
	}
	token := r.PostForm.Get("token")
	if err == nil && token == "" {
		err = &grant.Refusal{Code: "invalid_request", Reason: "token_missing", Text: "token is missing"}
	}
	if err != nil {
		f.answerError(w, r, err, "")
		return
	}
	answer, err := f.introspectFor(r.Context(), c, token, now)
	if err != nil {
		f.answerError(w, r, err, c.ID)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (f *Face) introspectFor(ctx context.Context, c *idp.Client, token string, now time.Time) (introspection, error) {
	access, err := f.readAccess(ctx, token, now)
	var live grant.Live
	if err == nil {
		if !grant.Speaks(c, access) {
			return introspection{}, nil
		}
		live, err = f.Grant.Check(ctx, access, now)
	}
	if errors.Is(err, idp.NotFound) {
		return introspection{}, nil
	}
	if err != nil {
		return introspection{}, err
	}
	out := introspection{Active: true, Scope: strings.Join(live.Scopes, " "), ClientID: live.ClientID, TokenType: "Bearer", Expires: live.ExpiresAt,
		IssuedAt: live.IssuedAt, Audience: live.Audience, Issuer: f.issuer, ID: live.JTI, Subject: live.ClientID}
	if live.ForPerson() {
		out.Subject, out.level = f.Grant.Subject(live.Client, live.Grant.OID), levelOf(live.Grant)
	}
	return out, nil
}
