package cabinet

import (
	"errors"
	"net/http"
	"net/url"

	"propusk/idp"
	"propusk/idp/account"
	"propusk/idp/authn"
	"propusk/idp/web"
	"propusk/store"
)

// showSignup shows the step that a registration is at.
func (c *Cabinet) showSignup(v *visit) error {
	q := v.r.URL.Query()
	if id := q.Get("registration"); id != "" {
		return c.showRegistration(v, id)
	}
	if q.Get("request") == "" {
		r, err := c.begin(v, "/cabinet", "create")
		if err != nil {
			return err
		}
		return v.see("/signup?request=" + string(r.ID))
	}
	l, err := c.open(v, q.Get("request"))
	if err != nil {
		return err
	}
	if l.step == authn.Finished || l.step == authn.Expired {
		return v.see(loginPath(l.request.ID))
	}
	return c.Site.Render(v.w, http.StatusOK, RegisterPage{Frame: c.signupFrame(v, l, ""), Phone: hint(l, idp.ByPhone), Email: hint(l, idp.ByEmail)})
}

// hint fills the contact that the portal named, if it is one.
func hint(l signing, kind idp.IdentifierKind) string {
	if id, err := idp.ParseLogin(l.request.LoginHint); err == nil && id.Kind == kind {
		return l.request.LoginHint
	}
	return ""
}

func (c *Cabinet) signupFrame(v *visit, l signing, registration idp.ID) web.Frame {
	f := c.frame(v, l)
	f.Self = "/signup?request=" + url.QueryEscape(f.Request)
	if registration != "" {
		f.Registration = string(registration)
		f.Self += "&registration=" + url.QueryEscape(string(registration))
	}
	return f
}

// submitSignup begins a registration.
func (c *Cabinet) submitSignup(v *visit) error {
	l, err := c.open(v, v.form("request"))
	if err != nil {
		return err
	}
	f := account.Form{LastName: v.form("last_name"), FirstName: v.form("first_name"), MiddleName: v.form("middle_name"), Phone: v.form("phone"),
		Email: v.form("email"), Request: l.request.ID}
	r, err := c.Account.Begin(v.r.Context(), v.visitor, f, v.now)
	if errors.Is(err, idp.Invalid) {
		return c.Site.Render(v.w, http.StatusUnprocessableEntity, RegisterPage{Frame: c.signupFrame(v, l, "").With(err), LastName: f.LastName,
			FirstName: f.FirstName, MiddleName: f.MiddleName, Phone: f.Phone, Email: f.Email})
	}
	if err != nil {
		return err
	}
	return v.see(signupPath(r))
}

func signupPath(r store.Registration) string {
	path := "/signup?registration=" + string(r.ID)
	if r.RequestID != "" {
		path += "&request=" + string(r.RequestID)
	}
	return path
}

// loginOf is the login in which a registration began; an empty one if it is over or belongs to another browser.
func (c *Cabinet) loginOf(v *visit, r store.Registration) signing {
	l, err := c.open(v, string(r.RequestID))
	if err != nil {
		return signing{}
	}
	return l
}

func (c *Cabinet) showRegistration(v *visit, id string) error {
	r, err := c.Account.ForVisitor(v.r.Context(), v.visitor, idp.ID(id), v.now)
	var e *idp.Error
	if errors.As(err, &e) {
		switch {
		case e.Code == "registration.done":
			return c.showRegistered(v, r)
		case e.Code == "registration.expired", e.Kind == idp.NotFound:
			return c.Site.Render(v.w, http.StatusGone, web.ExpiredPage{Frame: c.Site.Frame(v.r, "", v.unix()), StartURL: "/signup", Signup: true})
		case e.Code == "request.other_browser" && r.ProvedAt > 0:
			return c.Site.Render(v.w, http.StatusOK, RegisterElsewherePage{Frame: c.Site.Frame(v.r, "", v.unix())})
		}
	}
	if err != nil {
		return err
	}
	return c.showRegistrationStep(v, r, http.StatusOK, nil)
}

func (c *Cabinet) showRegistrationStep(v *visit, r store.Registration, status int, problem error) error {
	f := c.signupFrame(v, c.loginOf(v, r), r.ID)
	if problem != nil {
		f = f.With(problem)
	}
	if r.ProvedAt == 0 {
		return c.showRegisterCode(v, r, f, status, problem)
	}
	taken, err := c.Account.Taken(v.r.Context(), r)
	if err != nil {
		return err
	}
	if taken {
		return c.Site.Render(v.w, status, RegisterTakenPage{Frame: f, Email: r.Phone == ""})
	}
	contact := string(r.Phone)
	if contact == "" {
		contact = r.Email.Readable()
	}
	return c.Site.Render(v.w, status, RegisterPasswordPage{Frame: f, Length: c.Account.Policy == authn.PolicyLength, Login: contact})
}

func (c *Cabinet) showRegisterCode(v *visit, r store.Registration, f web.Frame, status int, problem error) error {
	st, err := c.Authn.RegistrationCodeState(v.r.Context(), r)
	if err != nil {
		return err
	}
	p := RegisterCodePage{Frame: f, CodeState: CodeState{Until: st.ExpiresAt, From: st.NextAt, UserAgent: v.visitor.Agent, AskedAt: st.SentAt},
		Phone: r.Phone}
	if r.Phone == "" {
		p.Email = r.Email
	}
	var e *idp.Error
	p.CodeClosed = errors.As(problem, &e) && e.Code == "email.code_closed"
	if v.r.URL.Query().Has("sent") && st.SentAt > 0 {
		p.Notice = NoticeNewCode
	}
	return c.Site.Render(v.w, status, p)
}

// showRegistered is the end, seen again: the person goes on to the service or signs in.
func (c *Cabinet) showRegistered(v *visit, r store.Registration) error {
	l := c.loginOf(v, r)
	return c.Site.Render(v.w, http.StatusOK, RegisterDonePage{Frame: c.signupFrame(v, l, r.ID), Elsewhere: l.request.ID == "" || l.flow.Session == nil})
}

func (c *Cabinet) submitSignupCode(v *visit) error {
	r, err := c.Account.ForVisitor(v.r.Context(), v.visitor, idp.ID(v.form("registration")), v.now)
	if err == nil {
		err = c.Account.Prove(v.r.Context(), v.visitor, r, v.form("code"), v.now)
	}
	return c.answerSignup(v, r, err, "")
}

func (c *Cabinet) submitSignupAgain(v *visit) error {
	r, err := c.Account.ForVisitor(v.r.Context(), v.visitor, idp.ID(v.form("registration")), v.now)
	if err == nil {
		err = c.Account.Again(v.r.Context(), v.visitor, r, v.now)
	}
	return c.answerSignup(v, r, err, "&sent=1")
}

// answerSignup ends every POST of a registration: 303 to the present step, or 422 with what is wrong.
func (c *Cabinet) answerSignup(v *visit, r store.Registration, err error, suffix string) error {
	var e *idp.Error
	switch {
	case err == nil:
		return v.see(signupPath(r) + suffix)
	case errors.Is(err, idp.Gone), errors.Is(err, idp.Denied) && r.ID != "" && r.ProvedAt > 0:
		return v.see(signupPath(r))
	case errors.Is(err, idp.Invalid), errors.As(err, &e) && e.Kind == idp.TooMany && e.Field != "":
		return c.showRegistrationStep(v, r, http.StatusUnprocessableEntity, err)
	}
	return err
}

// submitSignupChange goes back to the first page with the names kept and the contact to be typed anew.
func (c *Cabinet) submitSignupChange(v *visit) error {
	r, err := c.Account.ForVisitor(v.r.Context(), v.visitor, idp.ID(v.form("registration")), v.now)
	if err != nil {
		return c.answerSignup(v, r, err, "")
	}
	return c.Site.Render(v.w, http.StatusOK, RegisterPage{Frame: c.signupFrame(v, c.loginOf(v, r), ""), LastName: r.Person.LastName,
		FirstName: r.Person.FirstName, MiddleName: r.Person.MiddleName, Phone: r.Phone.Spaced(), Email: r.Email.Readable()})
}

func (c *Cabinet) submitSignupPassword(v *visit) error {
	r, err := c.Account.ForVisitor(v.r.Context(), v.visitor, idp.ID(v.form("registration")), v.now)
	if err != nil {
		return c.answerSignup(v, r, err, "")
	}
	done, err := c.Account.Finish(v.r.Context(), v.visitor, r, v.form("password"), v.form("password_repeat"), v.now)
	if errors.Is(err, idp.Conflict) { // somebody made an account with the contact meanwhile: the page says so
		return v.see(signupPath(r))
	}
	if err != nil {
		return c.answerSignup(v, r, err, "")
	}
	c.Visitors.SignedIn(v.w, done.Proved)
	f := c.signupFrame(v, c.loginOf(v, r), r.ID)
	return c.Site.Render(v.w, http.StatusOK, RegisterDonePage{Frame: f, EmailUntil: done.EmailUntil, Elsewhere: done.Cookie == ""})
}

// toPresentSignup answers GET of a path that only takes POST.
func (c *Cabinet) toPresentSignup(v *visit) error {
	q := url.Values{}
	for _, name := range []string{"registration", "request"} {
		if value := v.r.URL.Query().Get(name); value != "" {
			q.Set(name, value)
		}
	}
	return v.see("/signup?" + q.Encode())
}

// showConfirm is behind the link of a letter. Nothing happens until its button is pressed: mail scanners open links.
func (c *Cabinet) showConfirm(v *visit) error {
	letter, err := c.Account.OpenLink(v.r.Context(), v.param("token"), v.now)
	if err != nil {
		return c.showConfirmEnd(v, letter, err)
	}
	return c.Site.Render(v.w, http.StatusOK, ConfirmEmailPage{Frame: c.Site.Frame(v.r, "", v.unix()), Action: "/confirm/" + v.param("token"),
		Email: idp.Email(letter.Link.Contact), AskedAt: letter.Link.CreatedAt, Second: letter.Second})
}

func (c *Cabinet) submitConfirm(v *visit) error {
	if v.form("decision") == "no" {
		if err := c.Account.Disown(v.r.Context(), v.param("token"), v.now); err != nil {
			return c.showConfirmEnd(v, account.Letter{}, err)
		}
		return c.confirmEnd(v, ConfirmEndPage{State: ConfirmRefused})
	}
	c.Visitors.Ensure(v.w, &v.visitor)
	letter, err := c.Account.FollowLink(v.r.Context(), v.visitor, v.param("token"), v.now)
	if err != nil {
		return c.showConfirmEnd(v, letter, err)
	}
	if letter.Second {
		return c.confirmEnd(v, ConfirmEndPage{State: ConfirmConfirmed})
	}
	return v.see(signupPath(letter.Registration))
}

func (c *Cabinet) showConfirmEnd(v *visit, letter account.Letter, err error) error {
	var e *idp.Error
	if !errors.As(err, &e) || e.Kind != idp.Gone && e.Kind != idp.NotFound && e.Kind != idp.Conflict {
		return err
	}
	p := ConfirmEndPage{State: ConfirmUsed, ExpiredAt: letter.Link.ExpiresAt}
	switch e.Code {
	case "link.expired":
		p.State = ConfirmExpired
	case "link.replaced":
		p.State = ConfirmReplaced
	}
	return c.confirmEnd(v, p)
}

func (c *Cabinet) confirmEnd(v *visit, p ConfirmEndPage) error {
	status := http.StatusOK
	if p.State == ConfirmExpired || p.State == ConfirmReplaced || p.State == ConfirmUsed {
		status = http.StatusGone
	}
	p.Frame = c.Site.Frame(v.r, "", v.unix())
	return c.Site.Render(v.w, status, p)
}
