package relyingparty

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
)

// begin starts a sign-in in the visitor's language. If the provider is away the first page says so.
func (s *site) begin(w http.ResponseWriter, r *http.Request, request Request) {
	request.Locale = s.language(r).tag()
	if session, ok := s.client.Session(r); ok && request.Scopes == nil {
		request.Scopes = s.scopesWith(session)
	}
	if err := s.client.Start(w, r, request); err != nil {
		s.logRefusal(r, "start sign-in", err)
		s.home(w, r, http.StatusServiceUnavailable, false)
	}
}

// scopesWith are the configured scopes, what the session was granted beyond them, and more: a new sign-in must not lose
// the passport that the visitor already shared.
func (s *site) scopesWith(session *Session, more ...string) []string {
	scopes := slices.Clone(s.client.scopes(nil))
	for _, scope := range append(slices.Clone(session.Scopes), more...) {
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

func (s *site) showLogin(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet { // HEAD: a link checker begins no sign-in
		return
	}
	s.begin(w, r, Request{ReturnTo: localOr(r.URL.Query().Get("return"), "/me")})
}

// showCallback is where the provider sends the browser back to.
func (s *site) showCallback(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet { // HEAD must not use up the code
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	result, err := s.client.Finish(w, r)
	if err == nil {
		http.Redirect(w, r, localOr(result.Request.ReturnTo, "/me"), http.StatusSeeOther)
		return
	}
	s.logRefusal(r, "finish sign-in", err)
	s.showError(w, r, result.Request, err)
}

// logRefusal writes what went wrong, without anything of the person.
func (s *site) logRefusal(r *http.Request, doing string, err error) {
	attrs := []slog.Attr{slog.String("error", err.Error())}
	if check := (*CheckError)(nil); errors.As(err, &check) {
		attrs = append(attrs, slog.String("check", string(check.Check)))
	}
	s.log.LogAttrs(r.Context(), slog.LevelWarn, doing, attrs...)
}

// errorPage is the struct of error.html (screen G3).
type errorPage struct {
	What, Why              string
	Again, Back, BackText  string
	Code, Description, URI string // what the provider said, for developers
}

func (s *site) showError(w http.ResponseWriter, r *http.Request, request Request, err error) {
	l := s.language(r)
	status, page := explain(l, request, err)
	page.Again = retryPath(request)
	page.Back, page.BackText = "/", l.text("error.home")
	heading := l.text("error.title")
	if _, ok := s.client.Session(r); ok {
		page.Back, page.BackText = "/me", l.text("layout.me")
		heading = l.text("error.title-signed-in")
		if status == http.StatusForbidden && page.Code == "access_denied" {
			page.Why = l.text("error.denied-signed-in")
		}
	}
	s.show(w, r, status, view{name: "error", step: "portal-error", heading: heading, body: page})
}

// retryPath begins again. Where a level was demanded, the page that demanded it does so.
func retryPath(request Request) string {
	returnTo := localOr(request.ReturnTo, "/me")
	if request.Essential {
		return returnTo
	}
	return "/login?" + url.Values{"return": {returnTo}}.Encode()
}

// explain puts an error of Finish into words.
func explain(l language, request Request, err error) (int, errorPage) {
	if said := (*ProviderError)(nil); errors.As(err, &said) {
		return explainAnswer(l, request, said)
	}
	if check := (*CheckError)(nil); errors.As(err, &check) {
		return explainCheck(l, check.Check)
	}
	if errors.Is(err, ErrNoSession) {
		return http.StatusBadRequest, errorPage{What: l.text("error.ended"), Why: l.text("error.ended-why")}
	}
	return http.StatusServiceUnavailable, errorPage{What: l.text("home.away"), Why: l.text("error.away-why")}
}

// explainAnswer: errors that the provider sent.
func explainAnswer(l language, request Request, said *ProviderError) (int, errorPage) {
	page := errorPage{Code: said.Code, Description: said.Description, URI: said.URI}
	switch said.Code {
	case "access_denied": // RFC 6749, 4.1.2.1
		page.What, page.Why = l.text("error.denied"), l.text("error.denied-why")
		return http.StatusForbidden, page
	case "unmet_authentication_requirements": // OpenID Connect Core Unmet Authentication Requirements 1.0
		want := Simplified
		if len(request.ACR) > 0 {
			want = request.ACR[0].Tier
		}
		page.What, page.Why = l.text("error.unmet"), l.text("error.unmet-why", l.atLeast(want))
		return http.StatusForbidden, page
	case "temporarily_unavailable", "server_error":
		page.What, page.Why = l.text("home.away"), l.text("error.away-why")
		return http.StatusServiceUnavailable, page
	}
	page.What, page.Why = l.text("error.other"), l.text("error.other-why")
	return http.StatusBadGateway, page
}

// explainCheck: answers that this site did not believe.
func explainCheck(l language, check Check) (int, errorPage) {
	switch check {
	case CheckState, CheckBrowser:
		return http.StatusBadRequest, errorPage{What: l.text("error.browser"), Why: l.text("error.browser-why")}
	case CheckAnswer, CheckIssParam, CheckTokenType:
		return http.StatusBadRequest, errorPage{What: l.text("error.answer", check), Why: l.text("error.token-why")}
	}
	return http.StatusBadGateway, errorPage{What: l.text("error.token", check), Why: l.text("error.token-why")}
}

// levelPage is the struct of level.html: why a service needs more, before the visitor is sent to prove it.
type levelPage struct{ Have, Why, ACR, Return, Label string }

func (s *site) showLevel(w http.ResponseWriter, r *http.Request, up StepUp) {
	l := s.language(r)
	key, label := "level.standard", l.text("level.raise")
	switch {
	case up.Have.Satisfies(ACR{Tier: up.Want.Tier}):
		key, label = "level.factor", l.text("me.again")
	case up.Want.Tier == Confirmed:
		key, label = "level.confirmed", l.text("me.confirm")
	}
	s.show(w, r, http.StatusForbidden, view{name: "level", step: "portal-level", heading: l.text(key), body: levelPage{
		Have: l.text("level.have", l.level(up.Have)), Why: l.text(key + "-why"), ACR: up.Want.String(),
		Return: up.ReturnTo, Label: label}})
}

// submitStepUp demands a level. The visitor may have lost the session meanwhile: the sign-in is the same.
func (s *site) submitStepUp(w http.ResponseWriter, r *http.Request) {
	want, err := ParseACR(r.PostForm.Get("acr"))
	if err != nil {
		s.showMessage(w, r, http.StatusBadRequest, "message.unreadable")
		return
	}
	s.begin(w, r, Request{ReturnTo: localOr(r.PostForm.Get("return"), "/me"), ACR: []ACR{want}, Essential: true})
}

// submitLogout signs out here and at the provider.
func (s *site) submitLogout(w http.ResponseWriter, r *http.Request) {
	s.client.Logout(w, r, s.language(r).tag())
}
