package idp

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Client is an OAuth 2.0 client, a relying party (информационная система): CONTRACT.md section 5 in Go.
type Client struct {
	ID             string
	Name           string
	Organization   string // shown by consent; empty: Name
	PolicyURI      string
	SecretHash     []byte // SHA-256 of a random secret; nil for other methods
	AuthMethod     string // token_endpoint_auth_method
	JWKS           string // public keys of private_key_jwt
	RedirectURIs   []string
	PostLogoutURIs []string
	BackchannelURI string
	GrantTypes     []string
	Scopes         []string
	Pairwise       bool
	SectorID       string // host of the pairwise sector
	IDTokenAlg     string
	RequirePKCE    bool
	OpaqueTokens   bool
	MinimumTier    Tier // empty: none
	TierMethods    []TierMethod
	Purposes       map[string]string // by scope
	Disabled       bool
	Version        int64
	CreatedAt      int64
	UpdatedAt      int64
}

// The values of token_endpoint_auth_method that we accept.
const (
	AuthBasic      = "client_secret_basic"
	AuthPost       = "client_secret_post"
	AuthPrivateKey = "private_key_jwt"
	AuthNone       = "none"
)

// The grant types that we serve.
const (
	GrantCode        = "authorization_code"
	GrantRefresh     = "refresh_token"
	GrantCredentials = "client_credentials"
)

// Public tells whether the client cannot keep a secret.
func (c *Client) Public() bool { return c.AuthMethod == AuthNone }

// NeedsPKCE: always for public clients; for confidential ones unless the operator switched it off.
func (c *Client) NeedsPKCE() bool { return c.RequirePKCE || c.Public() }

// Allows tells whether the client may use a grant type.
func (c *Client) Allows(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// Shown is the name that a citizen reads.
func (c *Client) Shown() string {
	if c.Name != "" {
		return c.Name
	}
	return c.ID
}

// Asker is who gets the data, in consent.
func (c *Client) Asker() string {
	if c.Organization != "" {
		return c.Organization
	}
	return c.Shown()
}

// RedirectAllowed compares a redirect_uri with the registered ones: the exact string, but for the port of a loopback
// address of a client (RFC 8252, 7.3).
func (c *Client) RedirectAllowed(uri string) bool { return uriRegistered(c.RedirectURIs, uri) }

// PostLogoutAllowed is the same for post_logout_redirect_uri.
func (c *Client) PostLogoutAllowed(uri string) bool { return uriRegistered(c.PostLogoutURIs, uri) }

func uriRegistered(registered []string, uri string) bool {
	if slices.Contains(registered, uri) {
		return true
	}
	stripped, ok := withoutLoopbackPort(uri)
	if !ok {
		return false
	}
	for _, r := range registered {
		if s, ok := withoutLoopbackPort(r); ok && s == stripped {
			return true
		}
	}
	return false
}

// withoutLoopbackPort drops the port of an http address with a literal loopback IP; false for any other address.
func withoutLoopbackPort(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" || u.User != nil || u.ForceQuery || strings.Contains(raw, "#") {
		return "", false
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err != nil || !ip.IsLoopback() {
		return "", false
	}
	return u.Scheme + "://[" + u.Hostname() + "]" + u.EscapedPath() + "?" + u.RawQuery, true
}

// Host is what a page shows of a redirect address: its host, or the scheme of a native app.
func Host(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil {
		return ""
	}
	if u.Host == "" {
		return u.Scheme
	}
	return u.Host
}

// Origin is the origin of a redirect address for the directive form-action of our pages: scheme and host, or the custom
// scheme of a native app with a colon.
func Origin(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme == "" {
		return ""
	}
	if u.Scheme == "http" || u.Scheme == "https" {
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + ":"
}

// Loopback tells whether a host (with or without a port) is this machine.
func Loopback(host string) bool {
	u := url.URL{Host: host}
	name := strings.ToLower(u.Hostname())
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.IsLoopback()
}
