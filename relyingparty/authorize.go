package relyingparty

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Request says what one sign-in asks for beyond the configuration. The zero value is an ordinary sign-in.
type Request struct {
	ReturnTo string   // a path of this site to go to afterwards; anything else counts as "/"
	Scopes   []string // in place of Config.Scopes, if not empty; openid is added

	ACR       []ACR // levels by preference (acr_values); nil asks for none
	Essential bool  // demands one of ACR (claims parameter, essential): the provider refuses rather than give less

	Reauthenticate bool          // max_age=0: the person proves again who they are, whatever session the provider has
	MaxAge         time.Duration // max_age, if positive: the same when the last proof is older
	Prompt         string        // prompt as it stands, e.g. login or consent; login is checked like Reauthenticate
	Locale         string        // ui_locales
}

// flow is a sign-in under way. It is kept under the digest of its state, and a second answer with that state in the same
// browser (reload, back button, double click) gets the outcome of the first.
type flow struct {
	browser  digest
	nonce    string
	verifier string
	request  Request
	sent     Exchange
	started  time.Time

	once    sync.Once // guards what follows
	session string    // the cookie of the session that came of it
	err     error
}

const browserCookie = "_login"

// Start begins a sign-in: it answers with a redirect to the provider. If it returns an error, an Unavailable, nothing was
// written yet. Several sign-ins of one browser may be under way at once.
func (c *Client) Start(w http.ResponseWriter, r *http.Request, request Request) error {
	now := time.Now()
	md, err := c.provider.alive(r.Context(), now)
	if err != nil {
		return err
	}
	request.ReturnTo = localOr(request.ReturnTo, "/")
	state := secretText()
	f := &flow{browser: c.bindBrowser(w, r), nonce: secretText(), verifier: secretText() + secretText(), request: request,
		started: now}
	target, err := c.authorizeURL(md, f, state)
	if err != nil {
		return &Unavailable{"discovery", err}
	}
	f.sent = browserExchange("authorize", target, now)
	c.flows.put(digestOf(state), f, now)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
	return nil
}

// bindBrowser returns the digest of the browser's cookie, which is made or prolonged.
func (c *Client) bindBrowser(w http.ResponseWriter, r *http.Request) digest {
	value := c.cookie(r, browserCookie)
	if len(value) != len(secretText()) {
		value = secretText()
	}
	c.setCookie(w, browserCookie, value, time.Hour)
	return digestOf(value)
}

// authorizeURL is the Authentication Request (OpenID Connect Core 1.0, 3.1.2.1) with PKCE (RFC 7636, 4.3).
func (c *Client) authorizeURL(md *metadata, f *flow, state string) (*url.URL, error) {
	target, err := url.Parse(md.AuthorizationEndpoint)
	if err != nil {
		return nil, err
	}
	challenge := sha256.Sum256([]byte(f.verifier))
	q := target.Query() // RFC 6749, 3.1: a query of the endpoint itself is kept
	q.Set("response_type", "code")
	q.Set("client_id", c.config.ClientID)
	q.Set("redirect_uri", c.config.RedirectURL)
	q.Set("scope", strings.Join(c.scopes(f.request.Scopes), " "))
	q.Set("state", state)
	q.Set("nonce", f.nonce)
	q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(challenge[:]))
	q.Set("code_challenge_method", "S256")
	f.request.fill(q)
	target.RawQuery = q.Encode()
	return target, nil
}

// fill adds the parameters that differ between requests.
func (request Request) fill(q url.Values) {
	if request.Locale != "" {
		q.Set("ui_locales", request.Locale)
	}
	if request.Prompt != "" {
		q.Set("prompt", request.Prompt)
	}
	if request.Reauthenticate {
		q.Set("max_age", "0")
	} else if request.MaxAge > 0 {
		q.Set("max_age", strconv.Itoa(int(request.MaxAge.Seconds())))
	}
	var values []string
	for _, acr := range request.ACR {
		values = append(values, acr.String())
	}
	switch {
	case len(values) > 0 && request.Essential:
		q.Set("claims", essentialACR(values))
	case len(values) > 0:
		q.Set("acr_values", strings.Join(values, " "))
	}
}

// essentialACR is the claims parameter that demands a level (OpenID Connect Core 1.0, 5.5.1.1).
func essentialACR(values []string) string {
	raw, err := json.Marshal(map[string]any{"id_token": map[string]any{
		"acr": map[string]any{"essential": true, "values": values}}})
	if err != nil {
		return "" // a map of strings always encodes
	}
	return string(raw)
}

// authenticatedSince is the earliest auth_time that this request accepts; zero if it asked for nothing.
func (request Request) authenticatedSince(started time.Time) time.Time {
	switch {
	case request.Reauthenticate, slices.Contains(strings.Fields(request.Prompt), "login"):
		return started.Add(-leeway)
	case request.MaxAge > 0:
		return started.Add(-request.MaxAge - leeway)
	}
	return time.Time{}
}

func (c *Client) scopes(wanted []string) []string {
	if len(wanted) == 0 {
		return c.config.Scopes
	}
	if !slices.Contains(wanted, "openid") {
		return append([]string{"openid"}, wanted...)
	}
	return wanted
}

// Example is the authorization request as Start would send it, with the values of one use only left out. It calls the
// provider if its endpoints are not known yet.
func (c *Client) Example(r *http.Request, request Request) (Exchange, error) {
	now := time.Now()
	md, err := c.provider.get(r.Context(), now)
	if err != nil {
		return Exchange{}, err
	}
	target, err := c.authorizeURL(md, &flow{request: request}, "")
	if err != nil {
		return Exchange{}, &Unavailable{"discovery", err}
	}
	e := browserExchange("authorize", target, now)
	for i, field := range e.Fields {
		if slices.Contains([]string{"state", "nonce", "code_challenge"}, field.Name) {
			e.Fields[i].Value = "…"
		}
		e.Fields[i].Value = cmp.Or(e.Fields[i].Value, "…")
	}
	return e, nil
}
