package oidc

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/grant"
	"propusk/idp/web"
)

// parameters of the authorization endpoint that we read; each may come once. Others are passed over (RFC 6749, 3.1).
func askOf(form url.Values) grant.Ask {
	return grant.Ask{Face: idp.FaceOIDC, ClientID: form.Get("client_id"), RedirectURI: form.Get("redirect_uri"), ResponseType: form.Get("response_type"),
		ResponseMode: form.Get("response_mode"), Scope: form.Get("scope"), State: form.Get("state"), Nonce: form.Get("nonce"),
		CodeChallenge: form.Get("code_challenge"), CodeChallengeMethod: form.Get("code_challenge_method"), ACRValues: form.Get("acr_values"),
		Claims: form.Get("claims"), Prompt: form.Get("prompt"), MaxAge: form.Get("max_age"), LoginHint: form.Get("login_hint"),
		IDTokenHint: form.Get("id_token_hint"), UILocales: form.Get("ui_locales"), Resource: form.Get("resource"), Request: form.Get("request"),
		RequestURI: form.Get("request_uri")}
}

// postedAuthorize answers a request by POST with the same request by GET: a cross-site POST comes without our cookies
// (SameSite=Lax), the GET that follows brings them.
func (f *Face) postedAuthorize(w http.ResponseWriter, r *http.Request, _ time.Time) error {
	if err := readForm(r); err != nil {
		return err
	}
	http.Redirect(w, r, "/authorize?"+r.PostForm.Encode(), http.StatusSeeOther)
	return nil
}

// authorize is the authorization endpoint (OpenID Connect Core, 3.1.2).
func (f *Face) authorize(w http.ResponseWriter, r *http.Request, now time.Time) error {
	form, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badRequest("the query cannot be decoded")
	}
	for _, name := range []string{"client_id", "redirect_uri"} { // whom to tell, and where, is not known then
		if len(form[name]) > 1 {
			return badRequest("parameter " + name + " comes more than once")
		}
	}
	ask := askOf(form)
	request, client, err := f.Grant.Begin(ask, now)
	if err == nil {
		err = once(form)
	}
	if refusal, ok := grant.AsRefusal(err); ok && !refusal.Untold && client != nil {
		return f.toClient(w, r, answer{RedirectURI: ask.RedirectURI, Mode: request.ResponseMode, State: ask.State, ClientID: client.ID}, refusal)
	}
	if err != nil {
		return err
	}
	visitor, err := f.Visitors.Visitor(r, ask.UILocales, now)
	if err != nil {
		return err
	}
	return f.begin(w, r, request, visitor, now)
}

// begin answers at once where nothing is left to do, else it stores the request and sends the browser to its login.
func (f *Face) begin(w http.ResponseWriter, r *http.Request, request idp.AuthRequest, visitor authn.Visitor, now time.Time) error {
	flow, err := f.Grant.Flow(r.Context(), request, visitor, now)
	if err != nil {
		return err
	}
	step := authn.Next(flow)
	if step == authn.Done {
		return f.issue(w, r, flow, now)
	}
	if request.Prompt("none") {
		return f.toClient(w, r, answerOf(request), silent(step))
	}
	if err := f.Authn.CountBeginning(r.Context(), visitor, now.Unix()); err != nil {
		return err
	}
	f.Visitors.Ensure(w, &visitor)
	path := func(id idp.ID) string { return callbackPath + "?request=" + string(id) }
	if err := f.Grant.Keep(r.Context(), &request, visitor.Device, path, now); err != nil {
		return err
	}
	if step == authn.Register {
		http.Redirect(w, r, "/signup?request="+string(request.ID), http.StatusSeeOther)
		return nil
	}
	http.Redirect(w, r, "/login?request="+string(request.ID), http.StatusSeeOther)
	return nil
}

// silent is the answer to prompt=none when a person would have to act (OpenID Connect Core, 3.1.2.6; OpenID Connect
// Unmet Authentication Requirements 1.0).
func silent(step authn.Step) *grant.Refusal {
	code := "login_required"
	switch step {
	case authn.Consent:
		code = "consent_required"
	case authn.ContinueAs:
		code = "account_selection_required"
	case authn.Raise:
		return unmet
	}
	return &grant.Refusal{Code: code, Reason: code, Text: "prompt=none, but the person has to act: send the request without it"}
}

var unmet = &grant.Refusal{Code: "unmet_authentication_requirements", Reason: "unmet_authentication_requirements",
	Text: "the account does not reach the level that the request or the client demands"}

// callback is where the browser comes when the login has nothing left to ask, or when the person leaves it.
func (f *Face) callback(w http.ResponseWriter, r *http.Request, now time.Time) error {
	request, err := f.Authn.Store.Request(r.Context(), idp.ID(r.URL.Query().Get("request")))
	if err != nil {
		return err
	}
	visitor, err := f.Visitors.Visitor(r, string(request.Language), now)
	if err != nil {
		return err
	}
	if request.Face != idp.FaceOIDC || !authn.Bound(request, visitor) {
		return idp.Fail(idp.Denied, "request.other_browser")
	}
	flow, err := f.Grant.Flow(r.Context(), request, visitor, now)
	if err != nil {
		return err
	}
	step := authn.Next(flow)
	switch {
	case step == authn.Done && !r.URL.Query().Has("leave"):
		return f.issue(w, r, flow, now)
	case step == authn.Finished || step == authn.Expired && request.RefusedAt > 0:
		return f.toLogin(w, r, request)
	case r.URL.Query().Has("leave") || step == authn.Expired:
		return f.leave(w, r, request, visitor, left(step), now)
	}
	return f.toLogin(w, r, request)
}

func (f *Face) toLogin(w http.ResponseWriter, r *http.Request, request idp.AuthRequest) error {
	http.Redirect(w, r, "/login?request="+string(request.ID), http.StatusSeeOther)
	return nil
}

// left is what the portal is told when the person leaves at a step.
func left(step authn.Step) *grant.Refusal {
	switch step {
	case authn.Raise:
		return unmet
	case authn.OtherPerson:
		return &grant.Refusal{Code: "login_required", Reason: "other_person", Text: "another person than that of id_token_hint is signed in"}
	}
	return &grant.Refusal{Code: "access_denied", Reason: "access_denied", Text: "the person left the sign-in or did not allow the data to be passed on"}
}

// leave finishes a request with an error, once.
func (f *Face) leave(w http.ResponseWriter, r *http.Request, request idp.AuthRequest, visitor authn.Visitor, refusal *grant.Refusal, now time.Time) error {
	err := f.Grant.Refuse(r.Context(), visitor, request, now)
	if errors.Is(err, idp.Gone) {
		return f.toLogin(w, r, request)
	}
	if err != nil {
		return err
	}
	return f.toClient(w, r, answerOf(request), refusal)
}

func (f *Face) issue(w http.ResponseWriter, r *http.Request, flow authn.Flow, now time.Time) error {
	code, err := f.Grant.Issue(r.Context(), flow, now)
	if errors.Is(err, idp.Gone) {
		return f.toLogin(w, r, flow.Request) // taken a moment ago, by a second click
	}
	if refusal, ok := grant.AsRefusal(err); ok {
		return f.toClient(w, r, answerOf(flow.Request), &grant.Refusal{Code: "access_denied", Reason: refusal.Reason, Text: refusal.Text})
	}
	if err != nil {
		return err
	}
	return f.send(w, r, answerOf(flow.Request), "code", code)
}

// answer is where and how the client gets the answer to its request.
type answer struct {
	RedirectURI string
	Mode        string
	State       string
	ClientID    string
	Lang        idp.Language
}

func answerOf(r idp.AuthRequest) answer {
	return answer{RedirectURI: r.RedirectURI, Mode: r.ResponseMode, State: r.State, ClientID: r.ClientID, Lang: r.Language}
}

// toClient sends an error to a client whose redirect address is trusted (RFC 6749, 4.1.2.1). The reference code ends the text.
func (f *Face) toClient(w http.ResponseWriter, r *http.Request, a answer, refusal *grant.Refusal) error {
	reference := idp.NewReference()
	w.Header().Set("X-Reference", reference)
	f.refused(r, refusal, a.ClientID, reference)
	return f.send(w, r, a, "error", refusal.Code, "error_description", refusal.Text+" ["+reference+"]")
}

// send answers the client by query or by form_post, with state and iss (RFC 9207).
func (f *Face) send(w http.ResponseWriter, r *http.Request, a answer, pairs ...string) error {
	if a.State != "" {
		pairs = append(pairs, "state", a.State)
	}
	pairs = append(pairs, "iss", f.issuer)
	w.Header().Set("Cache-Control", "no-store")
	if a.Mode == "form_post" {
		var fields []web.Hidden
		for i := 0; i < len(pairs); i += 2 {
			fields = append(fields, web.Hidden{Name: pairs[i], Value: pairs[i+1]})
		}
		return f.Site.FormPost(w, f.Site.Language(r, string(a.Lang)), a.RedirectURI, fields)
	}
	var b strings.Builder
	b.WriteString(a.RedirectURI)
	separator := "?"
	if strings.Contains(a.RedirectURI, "?") {
		separator = "&"
	}
	for i := 0; i < len(pairs); i += 2 {
		b.WriteString(separator + pairs[i] + "=" + url.QueryEscape(pairs[i+1]))
		separator = "&"
	}
	http.Redirect(w, r, b.String(), http.StatusSeeOther)
	return nil
}
