package oidc

import (
	"net/http"
	"net/url"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/grant"
	"propusk/idp/web"
)

// leaving is a checked logout request (OpenID Connect RP-Initiated Logout 1.0).
type leaving struct {
	client *idp.Client // nil: nobody is named
	hint   *grant.Hint
	uri    string // registered; empty: our own page
	state  string
	form   url.Values
}

// logout signs out at once where the cookie and the hint name the same session, else it asks: a link must not sign a person out.
func (f *Face) logout(w http.ResponseWriter, r *http.Request, now time.Time) error {
	form, err := logoutForm(r)
	if err != nil {
		return err
	}
	l, err := f.readLeaving(form)
	if err != nil {
		return err
	}
	visitor, err := f.Visitors.Visitor(r, form.Get("ui_locales"), now)
	if err != nil {
		return err
	}
	if visitor.Session == nil {
		return f.left(w, r, l, now)
	}
	if l.hint != nil && l.hint.OID == visitor.Session.OID && l.hint.SessionID == f.Grant.SessionID(l.client, visitor.Session.ID) {
		return f.signOut(w, r, l, visitor, now)
	}
	return f.askLogout(w, r, l, visitor, now)
}

// postedLogout answers a request by POST with the same request by GET, which brings our cookies: see postedAuthorize. Without
// them the session would look absent, and live on.
func (f *Face) postedLogout(w http.ResponseWriter, r *http.Request, _ time.Time) error {
	if err := readForm(r); err != nil {
		return err
	}
	http.Redirect(w, r, "/logout?"+r.PostForm.Encode(), http.StatusSeeOther)
	return nil
}

func logoutForm(r *http.Request) (url.Values, error) {
	form, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("the query cannot be decoded")
	}
	return form, once(form)
}

func (f *Face) readLeaving(form url.Values) (leaving, error) {
	l := leaving{state: form.Get("state"), form: form}
	id := form.Get("client_id")
	if token := form.Get("id_token_hint"); token != "" {
		hint, err := f.Grant.ReadHint(token)
		if err != nil {
			return l, badRequest("id_token_hint is not an ID token that was issued here")
		}
		if id != "" && id != hint.Client.ID {
			return l, badRequest("client_id differs from the client of id_token_hint")
		}
		l.hint, l.client = &hint, hint.Client
	} else if id != "" {
		if l.client = f.Grant.Client(id); l.client == nil {
			return l, badRequest("client_id is not registered here")
		}
	}
	uri := form.Get("post_logout_redirect_uri")
	if uri == "" {
		return l, nil
	}
	if l.client == nil {
		return l, badRequest("post_logout_redirect_uri needs id_token_hint or client_id beside it")
	}
	if !l.client.PostLogoutAllowed(uri) {
		r := badRequest("post_logout_redirect_uri differs from the registered ones: they are compared letter by letter")
		r.Reason, r.Came = "post_logout_redirect_uri_mismatch", uri
		return l, r
	}
	l.uri = uri
	return l, nil
}

func (f *Face) askLogout(w http.ResponseWriter, r *http.Request, l leaving, visitor authn.Visitor, now time.Time) error {
	p := web.LogoutPage{Frame: f.Site.Frame(r, l.form.Get("ui_locales"), now.Unix())}
	ids, err := f.Authn.Store.SessionClients(r.Context(), visitor.Session.OID, visitor.Session.ID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if c := f.Grant.Client(id); c != nil {
			p.Services = append(p.Services, c.Shown())
		}
	}
	p.Hidden = append(p.Hidden, web.Hidden{Name: "session", Value: string(visitor.Session.ID)})
	for _, name := range []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"} {
		if v := l.form.Get(name); v != "" {
			p.Hidden = append(p.Hidden, web.Hidden{Name: name, Value: v})
		}
	}
	if l.uri != "" {
		p.FormOrigin = idp.Origin(l.uri)
	}
	return f.Site.Render(w, http.StatusOK, p)
}

// confirmLogout is the answer to the question. It signs out of the session that the question was drawn for.
func (f *Face) confirmLogout(w http.ResponseWriter, r *http.Request, now time.Time) error {
	if err := readForm(r); err != nil {
		return err
	}
	l, err := f.readLeaving(r.PostForm)
	if err != nil {
		return err
	}
	visitor, err := f.Visitors.Visitor(r, r.PostForm.Get("ui_locales"), now)
	if err != nil {
		return err
	}
	if visitor.Session == nil {
		return f.left(w, r, l, now)
	}
	if string(visitor.Session.ID) != r.PostForm.Get("session") {
		return f.askLogout(w, r, l, visitor, now)
	}
	return f.signOut(w, r, l, visitor, now)
}

func (f *Face) signOut(w http.ResponseWriter, r *http.Request, l leaving, visitor authn.Visitor, now time.Time) error {
	id := ""
	if l.client != nil {
		id = l.client.ID
	}
	if err := f.Authn.SignOut(r.Context(), visitor, id, now); err != nil {
		return err
	}
	f.Visitors.SignedOut(w)
	return f.left(w, r, l, now)
}

// left sends the browser back to the portal, or tells the person that they are signed out.
func (f *Face) left(w http.ResponseWriter, r *http.Request, l leaving, now time.Time) error {
	if l.uri == "" {
		return f.Site.Render(w, http.StatusOK, web.SignedOutPage{Frame: f.Site.Frame(r, l.form.Get("ui_locales"), now.Unix())})
	}
	target := l.uri
	if l.state != "" {
		u, err := url.Parse(target)
		if err != nil {
			return err
		}
		q := u.Query()
		q.Set("state", l.state)
		u.RawQuery = q.Encode()
		target = u.String()
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}
