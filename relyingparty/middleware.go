package relyingparty

import (
	"fmt"
	"net/http"
)

// StepUp is what a page has to explain before a visitor is sent to raise the level of the sign-in.
type StepUp struct {
	Session  *Session
	Have     ACR
	Want     ACR
	ReturnTo string // the page the visitor wanted
}

// Guard keeps pages for those who are signed in well enough. Ask and Begin give it the look of the site.
type Guard struct {
	Client *Client
	// Ask answers a visitor whose level is too low. Its page should explain and lead to Begin with a Request whose ACR
	// is Want and whose Essential is true. A bare link to the provider's consent would surprise: hence a page first.
	Ask func(w http.ResponseWriter, r *http.Request, up StepUp)
	// Begin starts a sign-in and answers by itself if that fails. Client.Start with a plain error page if nil.
	Begin func(w http.ResponseWriter, r *http.Request, request Request)
}

// RequireTier lets through who signed in at this tier or a higher one.
func (g Guard) RequireTier(tier Tier) func(http.Handler) http.Handler {
	return g.RequireACR(ACR{Tier: tier})
}

// RequireACR lets through who reached this level or a higher one. Who is not signed in is sent to sign in at it at once;
// who is, but lower, gets the page of Ask with status 403. Afterwards both come back to the page they wanted. A POST
// comes back as a GET of the same path: what was typed is lost, so let the page of the form be guarded too.
func (g Guard) RequireACR(want ACR) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			returnTo := localOr(r.URL.RequestURI(), "/")
			session, ok := g.Client.Session(r)
			switch {
			case !ok:
				g.begin(w, r, Request{ReturnTo: returnTo, ACR: []ACR{want}, Essential: true})
			case !session.Level().Satisfies(want):
				g.ask(w, r, StepUp{Session: session, Have: session.Level(), Want: want, ReturnTo: returnTo})
			default:
				next.ServeHTTP(w, r)
			}
		})
	}
}

func (g Guard) begin(w http.ResponseWriter, r *http.Request, request Request) {
	if g.Begin != nil {
		g.Begin(w, r, request)
		return
	}
	if err := g.Client.Start(w, r, request); err != nil {
		http.Error(w, "Sign-in does not answer now. Try again later.", http.StatusServiceUnavailable)
	}
}

func (g Guard) ask(w http.ResponseWriter, r *http.Request, up StepUp) {
	if g.Ask != nil {
		g.Ask(w, r, up)
		return
	}
	http.Error(w, fmt.Sprintf("This page needs the level %s. You signed in at %s.", up.Want, up.Have), http.StatusForbidden)
}
