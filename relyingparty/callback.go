package relyingparty

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Result is what came of a sign-in.
type Result struct {
	Session *Session
	Request Request // as given to Start; with ReturnTo checked. Known whenever the browser is the one that began
}

// finishWithin bounds the calls of one Finish: token, keys and userinfo.
const finishWithin = 20 * time.Second

// Finish reads the provider's answer at the redirect_uri, and if everything is right opens a session and sets its cookie.
// An older session of the browser ends then. The same answer may come twice in one browser: it is redeemed once, and both
// get the same outcome. Errors are a CheckError, a ProviderError, an Unavailable or ErrNoSession.
func (c *Client) Finish(w http.ResponseWriter, r *http.Request) (Result, error) {
	now := time.Now()
	q := r.URL.Query()
	if err := single(q); err != nil {
		return Result{}, err
	}
	f, err := c.flow(r, q.Get("state"), now)
	if err != nil {
		return Result{}, err
	}
	result := Result{Request: f.request}
	f.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), finishWithin)
		defer cancel() // a browser that goes away does not undo a redeemed code
		f.session, f.err = c.open(ctx, f, r.URL, now)
		if f.err == nil {
			c.sessions.take(digestOf(c.cookie(r, "")), now)
		}
	})
	if f.err != nil {
		return result, f.err
	}
	session, ok := c.sessions.get(digestOf(f.session), now)
	if !ok {
		return result, ErrNoSession
	}
	result.Session = session
	c.setCookie(w, "", f.session, c.config.SessionLife)
	return result, nil
}

// single refuses a repeated parameter (RFC 6749, 3.1).
func single(q url.Values) error {
	for _, name := range []string{"state", "code", "iss", "error", "error_description"} {
		if len(q[name]) > 1 {
			return fails(CheckAnswer, "parameter %s is repeated", name)
		}
	}
	return nil
}

// flow finds the sign-in of a state in the browser that began it. Another browser does not use it up.
func (c *Client) flow(r *http.Request, state string, now time.Time) (*flow, error) {
	if state == "" {
		return nil, fails(CheckState, "no state")
	}
	f, ok := c.flows.get(digestOf(state), now)
	switch {
	case !ok:
		return nil, fails(CheckState, "state is not of a sign-in under way here")
	case digestOf(c.cookie(r, browserCookie)) != f.browser: // digests: timing tells nothing of the cookie
		return nil, fails(CheckBrowser, "the sign-in was begun in another browser")
	}
	return f, nil
}

// open checks the answer, redeems the code and keeps a session; it returns the value of its cookie.
func (c *Client) open(ctx context.Context, f *flow, answer *url.URL, now time.Time) (string, error) {
	q := answer.Query()
	md, err := c.provider.get(ctx, now)
	if err != nil {
		return "", err
	}
	if err := c.checkAnswer(md, q); err != nil {
		return "", err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {q.Get("code")},
		"redirect_uri": {c.config.RedirectURL}, "code_verifier": {f.verifier}}
	got, exchange, err := c.redeem(ctx, "token", form, now)
	if err != nil {
		return "", err
	}
	want := expectation{nonce: f.nonce, accessToken: got.AccessToken, since: f.request.authenticatedSince(f.started)}
	if f.request.Essential {
		want.acr = f.request.ACR
	}
	claims, err := c.verifyIDToken(ctx, got.IDToken, want, now)
	if err != nil {
		return "", err
	}
	info, about, err := c.userinfo(ctx, got.AccessToken, claims.Subject, now)
	if err != nil {
		return "", err
	}
	session := &Session{Claims: claims, UserInfo: info, IDToken: got.IDToken, Started: now}
	session.renew(got, c.scopes(f.request.Scopes), now)
	came := browserExchange("callback", c.redirect.ResolveReference(&url.URL{Path: answer.Path, RawQuery: answer.RawQuery}), now)
	session.trace(f.sent, came, exchange, about)
	return c.keep(session, now), nil
}

// checkAnswer: who sent it (RFC 9207, 2.4), whether it is an error, and whether there is a code. iss comes first: an
// error of another provider is nothing to show either.
func (c *Client) checkAnswer(md *metadata, q url.Values) error {
	switch iss := q.Get("iss"); {
	case iss == "" && md.IssParameter:
		return fails(CheckIssParam, "no iss although the provider sends one")
	case iss != "" && iss != c.config.Issuer:
		return fails(CheckIssParam, "iss is %q, expected %q", iss, c.config.Issuer)
	case q.Get("error") != "":
		return &ProviderError{Endpoint: "authorize", Code: q.Get("error"), Description: q.Get("error_description"),
			URI: c.ownPage(q.Get("error_uri"))}
	case q.Get("code") == "":
		return fails(CheckAnswer, "neither code nor error")
	}
	return nil
}

// ownPage returns a URL only if it is a page of the issuer: a link to anywhere else is not shown.
func (c *Client) ownPage(raw string) string {
	page, err := url.Parse(raw)
	issuer, issuerErr := url.Parse(c.config.Issuer)
	if err != nil || issuerErr != nil || page.Scheme != issuer.Scheme || page.Host != issuer.Host || page.User != nil {
		return ""
	}
	if !strings.HasPrefix(page.Path, "/") {
		return ""
	}
	return raw
}
