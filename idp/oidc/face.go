// Package oidc is the face of OpenID Connect. It parses, names the claims and spells the errors; every rule is grant's.
//
// The OpenID library (zitadel/oidc) serves /token and /revoke: it decodes, finds the credentials and the grant type, and
// encodes the answer; each of its methods that matters is overridden by protocolServer. It embeds UnimplementedServer, so
// that a method which a new version brings fails closed. The other endpoints are handlers of ours.
//
// Decision of 24 November 2026: /authorize and /logout are not mounted from the library either. Of their work it would do
// only the decoding: the redirect rules, PKCE, the pages for a person and the questions are ours, and an error page for the
// citizen would have to be fished out of its JSON (library-facts.md 1.5, rows 1-13, 38, 39).
package oidc

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"propusk/idp/authn"
	"propusk/idp/grant"
	"propusk/idp/web"
)

// Face serves the standard endpoints of CONTRACT.md section 4.
type Face struct {
	Grant    *grant.Service
	Authn    *authn.Service
	Site     *web.Site
	Visitors *web.Visitors
	Refused  func(web.Refused) // told of every refusal: the log, and in the stand the integrator's page
	issuer   string
	metadata document
	shell    http.Handler
}

// New prepares what never changes: the discovery document and the library's handler.
func New(f Face) *Face {
	f.issuer = f.Grant.Issuer
	f.metadata = discovery(f.issuer)
	f.shell = newShell(&f)
	return &f
}

// Routes lists the face, in the order of a login.
func (f *Face) Routes(e *echo.Echo) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		e.Add(method, "/.well-known/openid-configuration", f.public(f.showDiscovery))
		e.Add(method, "/jwks", f.public(f.showKeys))
	}
	e.GET("/authorize", f.handle(f.authorize))
	e.POST("/authorize", f.handle(f.postedAuthorize))
	e.GET(callbackPath, f.handle(f.callback))
	e.POST("/token", f.protocol(f.shell.ServeHTTP))
	e.GET("/userinfo", f.protocol(f.userinfo))
	e.POST("/userinfo", f.protocol(f.userinfo))
	e.POST("/introspect", f.protocol(f.introspect))
	e.POST("/revoke", f.protocol(f.shell.ServeHTTP))
	e.GET("/logout", f.handle(f.logout))
	e.POST("/logout", f.handle(f.postedLogout))
	e.POST("/logout/confirm", f.handle(f.confirmLogout))
}

// CrossSite lists the paths whose POST may come from another site (library-facts.md 5.2).
func CrossSite() []string {
	return []string{"/authorize", "/token", "/userinfo", "/introspect", "/revoke", "/logout"}
}

const callbackPath = "/authorize/callback"

// page is a handler that answers a person: what it returns as an error is shown by f.fail.
type page func(w http.ResponseWriter, r *http.Request, now time.Time) error

func (f *Face) handle(h page) echo.HandlerFunc {
	return func(c echo.Context) error {
		now := time.Now()
		if err := h(c.Response(), c.Request(), now); err != nil {
			f.fail(c.Response(), c.Request(), err, now)
		}
		return nil
	}
}

// public is for the documents that every site may read: prebuilt, with an entity tag, open to all origins.
func (f *Face) public(h http.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set("Access-Control-Allow-Origin", "*")
		h(c.Response(), c.Request())
		return nil
	}
}

// protocol is for the endpoints that answer programs.
func (f *Face) protocol(h http.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		f.guard(c.Response(), c.Request(), h)
		return nil
	}
}

// allowOrigin lets a browser client read the answer if the origin is that of a redirect address of a client that may be
// public; credentials are never allowed (library-facts.md 1.5, row 40).
func (f *Face) allowOrigin(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	w.Header().Add("Vary", "Origin")
	for _, c := range f.Grant.Clients() {
		if !c.Public() || c.Disabled {
			continue
		}
		for _, uri := range c.RedirectURIs {
			if u, err := url.Parse(uri); err == nil && strings.EqualFold(u.Scheme+"://"+u.Host, origin) {
				w.Header().Set("Access-Control-Allow-Origin", origin)
				w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
				w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
				return
			}
		}
	}
}
