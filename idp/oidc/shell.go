package oidc

import (
	"context"
	"net/http"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"propusk/idp"
	"propusk/idp/grant"
)

// protocolServer is what the library's shell calls for /token and /revoke. Everything it does not override fails closed.
type protocolServer struct {
	op.UnimplementedServer
	face *Face
}

type writerKey struct{}

// newShell builds the library's handler for the two paths that it serves. Its router answers others too (health, discovery);
// they are never mounted.
func newShell(f *Face) http.Handler {
	endpoints := op.Endpoints{Token: op.NewEndpoint("/token"), Revocation: op.NewEndpoint("/revoke")}
	library := op.RegisterServer(protocolServer{face: f}, endpoints, op.WithServerCORSOptions(nil))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown, err := grant.Credentials{}, f.checkForm(r)
		if err == nil {
			shown, err = f.credentials(r)
		}
		if err != nil {
			f.answerError(w, r, err, shown.ClientID)
			return
		}
		library.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), writerKey{}, requestOf{w, r, shown})))
	})
}

// requestOf gives the methods of protocolServer what the library does not pass on: the headers of the answer, and the
// credentials with the method by which they came.
type requestOf struct {
	w     http.ResponseWriter
	r     *http.Request
	shown grant.Credentials
}

// checkForm answers what the library would answer with less: a grant type that is not offered, a parameter that is absent.
func (f *Face) checkForm(r *http.Request) error {
	needed := []string{"token"}
	if r.URL.Path == "/token" {
		switch r.PostForm.Get("grant_type") {
		case "":
			needed = []string{"grant_type"}
		case idp.GrantCode:
			needed = []string{"code", "redirect_uri"}
		case idp.GrantRefresh:
			needed = []string{"refresh_token"}
		case idp.GrantCredentials:
			needed = nil
		default:
			return &grant.Refusal{Code: "unsupported_grant_type", Reason: "grant_type_unsupported",
				Text: "grant_type is not offered: there are authorization_code, refresh_token, client_credentials"}
		}
	}
	for _, name := range needed {
		if r.PostForm.Get(name) == "" {
			return &grant.Refusal{Code: "invalid_request", Reason: name + "_missing", Text: name + " is missing"}
		}
	}
	return nil
}

func (s protocolServer) fail(ctx context.Context, err error, clientID string) error {
	of := ctx.Value(writerKey{}).(requestOf)
	return s.face.asLibrary(of.w, of.r, err, clientID)
}

// VerifyClient authenticates the client by the method it is registered for (library-facts.md 1.5, rows 23, 27-29). It takes
// the credentials as we read them: the library forgets whether they came by the header or in the form.
func (s protocolServer) VerifyClient(ctx context.Context, r *op.Request[op.ClientCredentials]) (op.Client, error) {
	shown := ctx.Value(writerKey{}).(requestOf).shown
	c, err := s.face.Grant.Authenticate(ctx, shown, time.Now())
	if err != nil {
		return nil, s.fail(ctx, err, shown.ClientID)
	}
	if g := r.Form.Get("grant_type"); r.URL.Path == "/token" && !c.Allows(g) {
		return nil, s.fail(ctx, &grant.Refusal{Code: "unauthorized_client", Reason: "grant_type_not_registered",
			Text: "the client is not registered for grant_type " + g}, c.ID)
	}
	return libraryClient{c}, nil
}

// audiences are the names that a client assertion may give us (library-facts.md 1.6, profile `standard`).
func (f *Face) audiences(path string) []string {
	return []string{f.issuer, f.issuer + "/token", f.issuer + path}
}

// CodeExchange redeems a code.
func (s protocolServer) CodeExchange(ctx context.Context, r *op.ClientRequest[oidc.AccessTokenRequest]) (*op.Response, error) {
	c := r.Client.(libraryClient).Client
	now := time.Now()
	issued, err := s.face.Grant.Redeem(ctx, c, grant.CodeUse{Code: r.Data.Code, RedirectURI: r.Data.RedirectURI, Verifier: r.Data.CodeVerifier,
		Resource: r.Form.Get("resource")}, now)
	return s.respond(ctx, c, issued, err, now)
}

// RefreshToken rotates a refresh token.
func (s protocolServer) RefreshToken(ctx context.Context, r *op.ClientRequest[oidc.RefreshTokenRequest]) (*op.Response, error) {
	c := r.Client.(libraryClient).Client
	now := time.Now()
	issued, err := s.face.Grant.Refresh(ctx, c, grant.RefreshUse{Token: r.Data.RefreshToken, Scope: r.Form.Get("scope"), Resource: r.Form.Get("resource")}, now)
	return s.respond(ctx, c, issued, err, now)
}

// ClientCredentialsExchange gives a client a token of its own.
func (s protocolServer) ClientCredentialsExchange(ctx context.Context, r *op.ClientRequest[oidc.ClientCredentialsRequest]) (*op.Response, error) {
	c := r.Client.(libraryClient).Client
	now := time.Now()
	issued, err := s.face.Grant.Machine(ctx, c, r.Form.Get("scope"), r.Form.Get("resource"), now)
	return s.respond(ctx, c, issued, err, now)
}

func (s protocolServer) respond(ctx context.Context, c *idp.Client, issued grant.Issued, err error, now time.Time) (*op.Response, error) {
	if err != nil {
		return nil, s.fail(ctx, err, c.ID)
	}
	release, err := s.face.releaseForIDToken(ctx, issued)
	if err != nil {
		return nil, s.fail(ctx, err, c.ID)
	}
	body, err := s.face.spell(issued, release, now)
	if err != nil {
		return nil, s.fail(ctx, err, c.ID)
	}
	return op.NewResponse(body), nil
}

// releaseForIDToken reads what may leave, if the claims parameter wants any of it in the ID token.
func (f *Face) releaseForIDToken(ctx context.Context, in grant.Issued) (*idp.Release, error) {
	if !in.IDToken || in.Grant.Claims == "" {
		return nil, nil
	}
	r, err := f.Grant.Release(ctx, grant.Live{Access: grant.Access{Scopes: in.Scopes}, Client: in.Client, Grant: in.Grant, Account: in.Account})
	return &r, err
}

// Revocation ends the grant of a token (RFC 7009, 2). A token that is not ours or not this client's is answered alike.
func (s protocolServer) Revocation(ctx context.Context, r *op.ClientRequest[oidc.RevocationRequest]) (*op.Response, error) {
	c := r.Client.(libraryClient).Client
	now := time.Now()
	done, err := s.face.Grant.RevokeRefresh(ctx, c, r.Data.Token, now)
	if err == nil && !done {
		access, readErr := s.face.readAccess(ctx, r.Data.Token, now)
		if readErr == nil {
			err = s.face.Grant.RevokeAccess(ctx, c, access, now)
		}
	}
	if err != nil {
		return nil, s.fail(ctx, err, c.ID)
	}
	return op.NewResponse(nil), nil
}

// libraryClient shows a client to the library, which asks it for its grant types and its method. The rest is never used.
type libraryClient struct{ *idp.Client }

func (c libraryClient) GetID() string                       { return c.ID }
func (c libraryClient) RedirectURIs() []string              { return c.Client.RedirectURIs }
func (c libraryClient) PostLogoutRedirectURIs() []string    { return c.PostLogoutURIs }
func (c libraryClient) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c libraryClient) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethod(c.Client.AuthMethod) }
func (c libraryClient) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c libraryClient) LoginURL(string) string               { return "" }
func (c libraryClient) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeJWT }
func (c libraryClient) IDTokenLifetime() time.Duration       { return idp.IDTokenLife * time.Second }
func (c libraryClient) DevMode() bool                        { return false }
func (c libraryClient) IsScopeAllowed(string) bool           { return false }
func (c libraryClient) IDTokenUserinfoClaimsAssertion() bool { return false }
func (c libraryClient) ClockSkew() time.Duration             { return 0 }
func (c libraryClient) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func([]string) []string { return nil }
}
func (c libraryClient) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func([]string) []string { return nil }
}

func (c libraryClient) GrantTypes() []oidc.GrantType {
	out := make([]oidc.GrantType, len(c.Client.GrantTypes))
	for i, g := range c.Client.GrantTypes {
		out[i] = oidc.GrantType(g)
	}
	return out
}
