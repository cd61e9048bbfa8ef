package relyingparty

import (
	"cmp"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Config is what the provider's registration of this site says, and the bounds of what is kept in memory.
// Issuer, ClientID and RedirectURL are required; every other member has a usable zero value.
type Config struct {
	Issuer       string // exactly as the provider spells it: it is compared as a string (OpenID Connect Core 1.0, 3.1.3.7)
	ClientID     string
	ClientSecret string // sent by client_secret_basic; empty with Key, or for a public client
	SecretInBody bool   // sends the secret by client_secret_post in place of client_secret_basic

	Key    crypto.Signer // signs private_key_jwt assertions (RFC 7523); excludes ClientSecret
	KeyID  string        // kid of Key in the registered jwks
	KeyAlg string        // alg of Key; ES256 if empty

	RedirectURL   string   // the registered redirect_uri; Finish is served there
	PostLogoutURL string   // the registered post_logout_redirect_uri; the root of RedirectURL's origin if empty
	Scopes        []string // openid profile if empty; openid is added when it is missing
	IDTokenAlg    string   // the registered id_token_signed_response_alg, the only one accepted; ES256 if empty

	CookieName  string        // "portal" if empty; see cookieName for what is added
	HTTPClient  *http.Client  // for calls to the provider; one with a timeout of 10 seconds if nil
	MaxSessions int           // 10000 if zero; the least recently seen gives way
	SessionIdle time.Duration // one hour if zero
	SessionLife time.Duration // eight hours if zero
}

// leeway is how far the provider's clock may be from ours.
const leeway = 30 * time.Second

// Client is one registration at one provider. It is safe for concurrent use.
type Client struct {
	config   Config
	redirect *url.URL
	http     *http.Client
	signer   jose.Signer // nil unless private_key_jwt
	provider *provider

	sessions *table[*Session] // by digest of the session cookie
	flows    *table[*flow]    // by digest of state: sign-ins under way
	leaving  *table[digest]   // by digest of the logout's state: the browser that left
	seen     *table[struct{}] // by digest of jti: logout tokens already used
}

// New checks the settings and returns a client. It does not call the provider, which may start later than the site:
// discovery happens at the first need and is repeated until it succeeds.
func New(config Config) (*Client, error) {
	redirect, err := config.check()
	if err != nil {
		return nil, err
	}
	config.fill(redirect)
	c := &Client{config: config, redirect: redirect, http: httpClient(config.HTTPClient)}
	if config.Key != nil {
		if c.signer, err = assertionSigner(config); err != nil {
			return nil, fmt.Errorf("relyingparty: Key: %w", err)
		}
	}
	c.provider = &provider{issuer: config.Issuer, http: c.http, fetches: bucket{size: 3, every: 20 * time.Second}}
	c.sessions = newTable[*Session](config.MaxSessions, config.SessionLife, config.SessionIdle)
	c.flows = newTable[*flow](10_000, time.Hour, time.Hour)
	c.leaving = newTable[digest](10_000, time.Hour, time.Hour)
	c.seen = newTable[struct{}](10_000, 2*maxTokenAge, 2*maxTokenAge)
	return c, nil
}

// check reports every wrong setting at once and returns the parsed redirect URL.
func (config Config) check() (*url.URL, error) {
	var errs []error
	if _, err := absoluteURL(config.Issuer); err != nil {
		errs = append(errs, fmt.Errorf("relyingparty: Issuer: %w", err))
	}
	if config.ClientID == "" {
		errs = append(errs, errors.New("relyingparty: ClientID is empty"))
	}
	if config.Key != nil && config.ClientSecret != "" {
		errs = append(errs, errors.New("relyingparty: Key and ClientSecret exclude each other"))
	}
	if config.IDTokenAlg != "" && !slices.Contains(signatureAlgs, jose.SignatureAlgorithm(config.IDTokenAlg)) {
		errs = append(errs, fmt.Errorf("relyingparty: IDTokenAlg %q is not a signature by a public key", config.IDTokenAlg))
	}
	if config.PostLogoutURL != "" {
		if _, err := absoluteURL(config.PostLogoutURL); err != nil {
			errs = append(errs, fmt.Errorf("relyingparty: PostLogoutURL: %w", err))
		}
	}
	redirect, err := absoluteURL(config.RedirectURL)
	if err != nil {
		errs = append(errs, fmt.Errorf("relyingparty: RedirectURL: %w", err))
	}
	return redirect, errors.Join(errs...)
}

func (config *Config) fill(redirect *url.URL) {
	if len(config.Scopes) == 0 {
		config.Scopes = []string{"openid", "profile"}
	}
	if !slices.Contains(config.Scopes, "openid") {
		config.Scopes = append([]string{"openid"}, config.Scopes...)
	}
	config.PostLogoutURL = cmp.Or(config.PostLogoutURL, redirect.Scheme+"://"+redirect.Host+"/")
	config.IDTokenAlg = cmp.Or(config.IDTokenAlg, string(jose.ES256))
	config.KeyAlg = cmp.Or(config.KeyAlg, string(jose.ES256))
	config.CookieName = cmp.Or(config.CookieName, "portal")
	config.MaxSessions = cmp.Or(config.MaxSessions, 10_000)
	config.SessionIdle = cmp.Or(config.SessionIdle, time.Hour)
	config.SessionLife = cmp.Or(config.SessionLife, 8*time.Hour)
}

// absoluteURL accepts https, and http on a loopback host or a stand's name: a redirect_uri without TLS anywhere else is
// the provider's to refuse at registration, this site only has to drop the Secure mark of its cookies.
func absoluteURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is not a URL", raw)
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", u.User != nil, u.Fragment != "":
		return nil, fmt.Errorf("%q is not an http(s) URL without user and fragment", raw)
	}
	return u, nil
}

// httpClient refuses redirects: no endpoint of the provider answers with one, and a redirect would carry a secret on.
func httpClient(given *http.Client) *http.Client {
	client := http.Client{Timeout: 10 * time.Second}
	if given != nil {
		client = *given
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// secure says whether the site is served by https.
func (c *Client) secure() bool { return c.redirect.Scheme == "https" }

// cookieName is NAME with the prefix __Host- on https (RFC 6265bis, 4.1.3). On http the port joins it: cookies of
// localhost are shared by all its ports, the provider's included.
func (c *Client) cookieName(suffix string) string {
	if c.secure() {
		return "__Host-" + c.config.CookieName + suffix
	}
	port := c.redirect.Port()
	if port == "" {
		port = "80"
	}
	return c.config.CookieName + "_" + port + suffix
}

// setCookie keeps a random value in the browser; without a value it takes the cookie away. Lax lets it come along when
// the provider's page leads back here by GET.
func (c *Client) setCookie(w http.ResponseWriter, suffix, value string, life time.Duration) {
	age := int(life.Seconds())
	if value == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{Name: c.cookieName(suffix), Value: value, Path: "/", MaxAge: age,
		Secure: c.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// cookie returns the value of a cookie of ours, empty if it is absent.
func (c *Client) cookie(r *http.Request, suffix string) string {
	found, err := r.Cookie(c.cookieName(suffix))
	if err != nil {
		return ""
	}
	return found.Value
}

// Origins are the origins a form of this site may lead to: a POST that starts a sign-in or a sign-out is redirected to
// the provider, and Chromium holds such redirects against the form-action of the page (CSP level 3).
func (c *Client) Origins() []string {
	list := []string{c.config.Issuer}
	if md := c.provider.known(); md != nil {
		list = append(list, md.AuthorizationEndpoint, md.EndSessionEndpoint)
	}
	var origins []string
	for _, raw := range list {
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" {
			continue
		}
		if origin := u.Scheme + "://" + u.Host; !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins
}

// Issuer is the provider's identifier as configured.
func (c *Client) Issuer() string { return c.config.Issuer }

// LocalPath says whether raw is a path of this site that a visitor may be sent back to: it begins with one slash and
// names no host, not even in the spellings that browsers repair ("/\host", a tab inside, "//host").
func LocalPath(raw string) bool {
	if !strings.HasPrefix(raw, "/") || strings.HasPrefix(raw, "//") || len(raw) > 2000 {
		return false
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }) {
		return false
	}
	u, err := url.Parse(raw)
	return err == nil && u.Scheme == "" && u.Host == "" && u.User == nil
}

// localOr returns raw if it is a local path, otherwise the path given.
func localOr(raw, otherwise string) string {
	if LocalPath(raw) {
		return raw
	}
	return otherwise
}
