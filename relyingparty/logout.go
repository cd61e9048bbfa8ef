package relyingparty

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Logout ends the session here and redirects to the provider, where the visitor may end the one there (OpenID Connect
// RP-Initiated Logout 1.0, 2). If the provider has no such page or does not answer, the visitor goes to PostLogoutURL.
// Call it from a POST alone: a link on another site must not sign anybody out.
func (c *Client) Logout(w http.ResponseWriter, r *http.Request, locale string) {
	now := time.Now()
	session, ok := c.sessions.take(digestOf(c.cookie(r, "")), now)
	c.setCookie(w, "", "", 0)
	target := c.config.PostLogoutURL
	md, err := c.provider.alive(r.Context(), now)
	if ok && err == nil && md.EndSessionEndpoint != "" {
		if page, err := url.Parse(md.EndSessionEndpoint); err == nil {
			state := secretText()
			c.leaving.put(digestOf(state), c.bindBrowser(w, r), now)
			target = c.endSession(page, session, state, locale)
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func (c *Client) endSession(page *url.URL, session *Session, state, locale string) string {
	q := page.Query()
	q.Set("id_token_hint", session.IDToken)
	q.Set("client_id", c.config.ClientID)
	q.Set("post_logout_redirect_uri", c.config.PostLogoutURL)
	q.Set("state", state)
	if locale != "" {
		q.Set("ui_locales", locale)
	}
	page.RawQuery = q.Encode()
	return page.String()
}

// LoggedOut says whether this request is the provider's answer to a Logout of the same browser. It is so once; anybody
// may open PostLogoutURL with a state of their own, and then it is not.
func (c *Client) LoggedOut(r *http.Request) bool {
	state := r.URL.Query().Get("state")
	if state == "" {
		return false
	}
	now := time.Now()
	browser, ok := c.leaving.get(digestOf(state), now)
	if !ok || browser != digestOf(c.cookie(r, browserCookie)) {
		return false
	}
	c.leaving.take(digestOf(state), now)
	return true
}

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// BackChannelLogout receives a logout token from the provider (OpenID Connect Back-Channel Logout 1.0, 2.5) and ends the
// sessions it names. It answers 200 also when there was none, and 400 with a JSON error to a token that is not good.
func (c *Client) BackChannelLogout(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	err := c.logoutBy(r, time.Now())
	if err == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	answer := map[string]string{"error": "invalid_request", "error_description": err.Error()}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		return // the provider hung up; it will send the token again
	}
}

// logoutBy follows 2.6 and drops the sessions: of sid, or all of sub where the token names no session.
func (c *Client) logoutBy(r *http.Request, now time.Time) error {
	raw := r.PostFormValue("logout_token")
	if raw == "" {
		return fails(CheckAnswer, "no logout_token")
	}
	claims, err := c.verified(r.Context(), raw, []string{"", "jwt", "logout+jwt"}, now)
	if err != nil {
		return err
	}
	if err := c.checkParties(claims); err != nil {
		return err
	}
	if err := checkTimes(claims, now); err != nil {
		return err
	}
	if err := checkEvents(claims); err != nil {
		return err
	}
	jti, _ := claims.All["jti"].(string)
	if jti == "" || !c.seen.add(digestOf(jti), struct{}{}, now) {
		return fails(CheckJTI, "jti is absent or was used before")
	}
	c.sessions.removeAll(func(s *Session) bool {
		if claims.SessionID != "" && s.Claims.SessionID != claims.SessionID {
			return false
		}
		return claims.Subject == "" || s.Claims.Subject == claims.Subject
	})
	return nil
}

// checkEvents: a logout token has the event, names a session or a person, and has no nonce, which an ID token has.
func checkEvents(claims *Claims) error {
	events, _ := claims.All["events"].(map[string]any)
	_, event := events[logoutEvent].(map[string]any)
	_, nonce := claims.All["nonce"]
	switch {
	case !event:
		return fails(CheckEvents, "no logout event")
	case nonce:
		return fails(CheckEvents, "a nonce, as in an ID token")
	case claims.SessionID == "" && claims.Subject == "":
		return fails(CheckEvents, "neither sub nor sid")
	}
	return nil
}
