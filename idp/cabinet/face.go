// Package cabinet is the face that citizens see: sign-in, registration, consent and their own account. It knows no protocol:
// a login that a portal began returns to the path that its face set.
package cabinet

import (
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"propusk/idp"
	"propusk/idp/account"
	"propusk/idp/authn"
	"propusk/idp/grant"
	"propusk/idp/web"
)

// Cabinet serves the pages of citizens.
type Cabinet struct {
	Authn    *authn.Service
	Account  *account.Service
	Grant    *grant.Service
	Site     *web.Site
	Visitors *web.Visitors
}

// Routes lists the face, in the order of the citizen's journey.
func (c *Cabinet) Routes(e *echo.Echo) {
	e.GET("/", c.page(c.showHome))

	e.GET("/login", c.page(c.showLogin))
	e.POST("/login/password", c.post(c.submitPassword))
	e.POST("/login/code", c.post(c.submitCode))
	e.POST("/login/code/new", c.post(c.submitCodeAgain))
	e.POST("/login/totp", c.post(c.submitCode))
	e.GET("/login/other", c.page(c.showOther))
	e.POST("/login/other", c.post(c.submitOther))
	e.POST("/login/continue", c.post(c.submitContinue))
	e.POST("/login/consent", c.post(c.submitConsent))
	e.POST("/login/leave", c.post(c.submitLeave))

	e.GET("/signup", c.page(c.showSignup))
	e.POST("/signup", c.post(c.submitSignup))
	e.POST("/signup/code", c.post(c.submitSignupCode))
	e.POST("/signup/code/new", c.post(c.submitSignupAgain))
	e.POST("/signup/change", c.post(c.submitSignupChange))
	e.POST("/signup/password", c.post(c.submitSignupPassword))
	e.GET("/confirm/:token", c.page(c.showConfirm))
	e.POST("/confirm/:token", c.post(c.submitConfirm))

	e.GET("/cabinet", c.page(c.showCabinet))
	e.GET("/cabinet/sessions", c.page(c.showSessions))
	e.POST("/cabinet/sessions/end", c.post(c.submitEndSession))
	e.GET("/cabinet/permissions", c.page(c.showPermissions))
	e.POST("/cabinet/permissions/withdraw", c.post(c.submitWithdraw))

	for _, name := range []DocumentName{Help, Accessibility, Privacy, Terms} {
		e.GET("/"+string(name), c.page(func(v *visit) error { return c.showDocument(v, name) }))
	}

	for _, path := range []string{"/login/password", "/login/code", "/login/code/new", "/login/totp", "/login/continue", "/login/consent", "/login/leave"} {
		e.GET(path, c.page(c.toPresentStep))
	}
	for _, path := range []string{"/signup/code", "/signup/code/new", "/signup/change", "/signup/password"} {
		e.GET(path, c.page(c.toPresentSignup))
	}
}

// visit is one request of a browser, with what every handler needs.
type visit struct {
	w       http.ResponseWriter
	r       *http.Request
	now     time.Time
	visitor authn.Visitor
	param   func(name string) string // of the path
}

func (v *visit) unix() int64 { return v.now.Unix() }

func (v *visit) form(name string) string { return v.r.PostForm.Get(name) }

func (v *visit) see(path string) error {
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

type handler func(v *visit) error

// page runs a handler of GET. What it returns as an error is shown by the pages that all faces share.
func (c *Cabinet) page(h handler) echo.HandlerFunc {
	return func(ec echo.Context) error {
		v := &visit{w: ec.Response(), r: ec.Request(), now: time.Now(), param: ec.Param}
		var err error
		if v.visitor, err = c.Visitors.Visitor(v.r, "", v.now); err == nil {
			err = h(v)
		}
		if err != nil {
			c.Site.Trouble(v.w, v.r, err, v.now)
		}
		return nil
	}
}

// post is page for handlers of POST: the form is read first, and each field may come once.
func (c *Cabinet) post(h handler) echo.HandlerFunc {
	return c.page(func(v *visit) error {
		v.r.URL.RawQuery = ""
		if err := v.r.ParseForm(); err != nil {
			return idp.Wrong("form", "form.unreadable").Because(err)
		}
		for name, values := range v.r.PostForm {
			if len(values) > 1 && name != "item" {
				return idp.Wrong(name, "form.doubled")
			}
			if strings.ContainsRune(values[0], 0) || !utf8.ValidString(values[0]) {
				return idp.Wrong(name, "form.unreadable")
			}
		}
		v.visitor.Lang = c.Site.Language(v.r, "")
		return h(v)
	})
}

// signing is the state of a login in this browser.
type signing struct {
	request idp.AuthRequest
	flow    authn.Flow
	step    authn.Step
}

// open reads the login that a page or a form names. A request of another browser is an error with a page of its own.
func (c *Cabinet) open(v *visit, id string) (signing, error) {
	var l signing
	var err error
	if l.request, err = c.Authn.Store.Request(v.r.Context(), idp.ID(id)); err != nil {
		return l, err
	}
	if !authn.Bound(l.request, v.visitor) {
		return l, idp.Fail(idp.Denied, "request.other_browser")
	}
	v.visitor.Lang = c.Site.Language(v.r, string(l.request.Language))
	if l.flow, err = c.Grant.Flow(v.r.Context(), l.request, v.visitor, v.now); err != nil {
		return l, err
	}
	l.step = authn.Next(l.flow)
	return l, nil
}

// frame begins a page of a login.
func (c *Cabinet) frame(v *visit, l signing) web.Frame {
	f := c.Site.Frame(v.r, string(l.request.Language), v.unix())
	f.Self = "/login?request=" + url.QueryEscape(string(l.request.ID))
	f.Request = string(l.request.ID)
	if l.flow.Client != nil {
		f.Service = &web.Service{Name: l.flow.Client.Shown(), Host: idp.Host(l.request.RedirectURI)}
		f.FormOrigin = idp.Origin(l.request.RedirectURI)
	}
	if l.flow.Session != nil {
		f.Account = string(l.flow.Session.ID)
	}
	return f
}

func loginPath(id idp.ID) string { return "/login?request=" + string(id) }

// toPresentStep answers GET of a path that only takes POST, as after «back» and «reload».
func (c *Cabinet) toPresentStep(v *visit) error {
	if id := v.r.URL.Query().Get("request"); id != "" {
		return v.see(loginPath(idp.ID(url.QueryEscape(id))))
	}
	return v.see("/login")
}

// begin stores a login that the citizen began at our own pages.
func (c *Cabinet) begin(v *visit, returnTo string, prompts ...string) (idp.AuthRequest, error) {
	r := idp.AuthRequest{Face: idp.FaceCabinet, MaxAge: -1, Prompts: prompts}
	if err := c.Authn.CountBeginning(v.r.Context(), v.visitor, v.unix()); err != nil {
		return r, err
	}
	c.Visitors.Ensure(v.w, &v.visitor)
	err := c.Grant.Keep(v.r.Context(), &r, v.visitor.Device, func(idp.ID) string { return returnTo }, v.now)
	return r, err
}
