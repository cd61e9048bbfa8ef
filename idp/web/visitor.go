package web

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
)

// Visitors reads and writes the two cookies of a browser: the device, which lives long and to which every login is bound,
// and the session. Both are random values of which the store keeps a hash.
type Visitors struct {
	Authn   *authn.Service
	Site    *Site
	secure  bool
	device  string
	session string
}

// NewVisitors names the cookies once: __Host- and Secure, but for an http issuer (this machine alone), where the port joins
// the name because the ports of localhost share their cookies.
func NewVisitors(a *authn.Service, site *Site, issuer string) *Visitors {
	v := &Visitors{Authn: a, Site: site, secure: true, device: "__Host-device", session: "__Host-session"}
	if u, err := url.Parse(issuer); err == nil && u.Scheme == "http" {
		suffix := ""
		if p := u.Port(); p != "" {
			suffix = "_" + p
		}
		v.secure, v.device, v.session = false, "device"+suffix, "session"+suffix
	}
	return v
}

type clientKey struct{}

// WithClient keeps the address of the client, as the edge found it, for the handlers behind it.
func WithClient(r *http.Request, a netip.Addr) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), clientKey{}, a))
}

// Client is the address of the client; the zero Addr if the edge did not say.
func Client(r *http.Request) netip.Addr {
	a, _ := r.Context().Value(clientKey{}).(netip.Addr)
	return a
}

const maxAgent = 300 // bytes of a User-Agent that are kept

// Visitor reads who is at the other end.
func (v *Visitors) Visitor(r *http.Request, uiLocales string, now time.Time) (authn.Visitor, error) {
	agent := strings.ToValidUTF8(r.UserAgent(), "")
	if len(agent) > maxAgent {
		agent = strings.ToValidUTF8(agent[:maxAgent], "")
	}
	out := authn.Visitor{Network: Client(r), Agent: strings.ReplaceAll(agent, "\x00", ""), Lang: v.Site.Language(r, uiLocales)}
	out.Named = Agent(out.Agent, out.Lang)
	c, err := r.Cookie(v.device)
	if err != nil || len(c.Value) != 43 {
		return out, nil
	}
	out.Device = authn.Hash(c.Value)
	s, err := r.Cookie(v.session)
	if err != nil {
		return out, nil
	}
	out.Session, out.Account, err = v.Authn.ReadSession(r.Context(), s.Value, out.Device, now)
	return out, err
}

// Ensure gives the browser a device cookie if it has none, before something is bound to it.
func (v *Visitors) Ensure(w http.ResponseWriter, visitor *authn.Visitor) {
	if len(visitor.Device) > 0 {
		return
	}
	value := idp.NewSecret()
	visitor.Device = authn.Hash(value)
	http.SetCookie(w, v.cookie(v.device, value, 400*86400))
}

// SignedIn writes the cookie of a sign-in; nothing if there was none.
func (v *Visitors) SignedIn(w http.ResponseWriter, p authn.Proved) {
	if p.Cookie != "" {
		http.SetCookie(w, v.cookie(v.session, p.Cookie, 0))
	}
}

// SignedOut takes the session cookie away.
func (v *Visitors) SignedOut(w http.ResponseWriter) {
	http.SetCookie(w, v.cookie(v.session, "", -1))
}

func (v *Visitors) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: maxAge, Secure: v.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// Cookies tells whether the browser sent any cookie of ours: without one, cookies may be switched off.
func (v *Visitors) Cookies(r *http.Request) bool {
	_, err := r.Cookie(v.device)
	return err == nil
}
