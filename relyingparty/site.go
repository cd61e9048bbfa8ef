package relyingparty

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// SiteConfig is what the sample portal needs. Client is required.
type SiteConfig struct {
	Client   *Client      // its RedirectURL ends in /callback and its PostLogoutURL is the root of the site
	NoAgency bool         // leaves out the page of the agency, which is open to everybody
	Log      *slog.Logger // slog.Default if nil
}

// site is the sample portal.
type site struct {
	client   *Client
	agency   bool
	log      *slog.Logger
	register register
}

// NewSite returns the sample portal, «Портал обращений». It keeps everything in memory, uses no JavaScript and needs
// nothing but its provider, which may start later.
func NewSite(config SiteConfig) http.Handler {
	s := &site{client: config.Client, agency: !config.NoAgency, log: cmp.Or(config.Log, slog.Default())}
	forgery := http.NewCrossOriginProtection()
	forgery.SetDenyHandler(http.HandlerFunc(s.showForeign))
	return s.headers(forgery.Handler(s.routes()))
}

// routes lists the pages in the order of a visitor's journey.
func (s *site) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.showHome)
	mux.HandleFunc("GET /login", s.showLogin)
	mux.HandleFunc("GET /callback", s.showCallback)
	mux.HandleFunc("GET /me", s.signedIn(s.showMe))
	mux.HandleFunc("POST /me/passport", s.signedIn(s.submitPassport))
	mux.HandleFunc("POST /me/again", s.signedIn(s.submitAgain))
	mux.HandleFunc("POST /me/refresh", s.signedIn(s.submitRefresh))
	mux.HandleFunc("POST /step-up", s.submitStepUp)
	mux.HandleFunc("GET /how", s.showHow)

	guard := Guard{Client: s.client, Ask: s.showLevel, Begin: s.begin}
	for _, kind := range appealKinds {
		need := guard.RequireTier(kind.Tier)
		mux.Handle("GET "+kind.Path, need(s.formPage(kind)))
		mux.Handle("POST "+kind.Path, need(s.submitAppeal(kind)))
	}
	mux.HandleFunc("GET /appeals", s.signedIn(s.showAppeals))
	mux.HandleFunc("GET /appeals/{id}", s.signedIn(s.showAppeal))
	mux.HandleFunc("POST /appeals/{id}/rate", s.signedIn(s.submitRating))
	if s.agency {
		mux.HandleFunc("GET /agency", s.showAgency)
		mux.HandleFunc("GET /agency/{id}", s.showAgencyAppeal)
		mux.HandleFunc("POST /agency/{id}/take", s.submitTake)
		mux.HandleFunc("POST /agency/{id}/answer", s.submitAnswer)
	}
	mux.HandleFunc("POST /logout", s.submitLogout)
	mux.HandleFunc("POST /backchannel-logout", s.client.BackChannelLogout)
	for _, path := range []string{"/me/passport", "/me/again", "/me/refresh", "/step-up", "/logout"} {
		mux.Handle("GET "+path, http.RedirectHandler("/me", http.StatusSeeOther)) // an address bar sends no form
	}
	mux.HandleFunc("GET "+stylePath, serveFile("text/css; charset=utf-8", style, "public, max-age=31536000, immutable"))
	mux.HandleFunc("GET /propusk/button.svg", serveFile("image/svg+xml", mustRead("static/button.svg"), "public, max-age=3600"))
	mux.HandleFunc("GET /propusk/icon.svg", serveFile("image/svg+xml", mustRead("static/icon.svg"), "public, max-age=3600"))
	mux.HandleFunc("/", s.showNotFound)
	return mux
}

func serveFile(contentType string, body []byte, caching string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", caching)
		if _, err := w.Write(body); err != nil {
			return // the browser hung up
		}
	}
}

// headers sets what every answer carries, bounds what is read and keeps the choice of language.
func (s *site) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' "+
			strings.Join(s.client.Origins(), " ")+"; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Add("Vary", "Accept-Language, Cookie")
		if chosen, ok := parseLanguage(r.URL.Query().Get("lang")); ok {
			s.client.setCookie(w, languageCookie, chosen.tag(), 365*24*time.Hour)
		}
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		if r.URL.Path != "/backchannel-logout" && !s.readForm(w, r) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// readForm parses a form once for all handlers, and answers itself if there is nothing to read.
func (s *site) readForm(w http.ResponseWriter, r *http.Request) bool {
	err := r.ParseForm()
	if err == nil {
		return true
	}
	status := http.StatusBadRequest
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		status = http.StatusRequestEntityTooLarge
	}
	s.showMessage(w, r, status, "message.unreadable")
	return false
}

// page is a handler for a visitor who is signed in.
type page func(w http.ResponseWriter, r *http.Request, session *Session)

// signedIn sends a visitor without a session to sign in; after a GET they come back to the page they wanted.
func (s *site) signedIn(next page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		session, ok := s.client.Session(r)
		switch {
		case ok:
			next(w, r, session)
		case r.Method == http.MethodPost:
			s.begin(w, r, Request{ReturnTo: "/me"})
		default:
			s.begin(w, r, Request{ReturnTo: localOr(r.URL.RequestURI(), "/me")})
		}
	}
}

// messagePage is a sentence with a way on.
type messagePage struct{ Text, Path, Label string }

func (s *site) showMessage(w http.ResponseWriter, r *http.Request, status int, key string) {
	l := s.language(r)
	s.show(w, r, status, view{name: "message", step: "error", heading: l.text(key),
		body: messagePage{Text: l.text(key + "-why"), Path: "/", Label: l.text("error.home")}})
}

func (s *site) showNotFound(w http.ResponseWriter, r *http.Request) {
	s.showMessage(w, r, http.StatusNotFound, "message.not-found")
}

func (s *site) showForeign(w http.ResponseWriter, r *http.Request) {
	s.showMessage(w, r, http.StatusForbidden, "message.foreign")
}

// homePage is the struct of home.html (screen G1).
type homePage struct {
	Left     bool
	Name     string // a sentence with the visitor's name, empty if nobody is signed in
	About    string
	Services []serviceLine
	Request  Exchange
}

type serviceLine struct{ Path, Name, What, Level string }

func (s *site) showHome(w http.ResponseWriter, r *http.Request) {
	s.home(w, r, http.StatusOK, s.client.LoggedOut(r))
}

// home shows the first page; if the provider is away it says so, whatever brought the visitor here.
func (s *site) home(w http.ResponseWriter, r *http.Request, status int, left bool) {
	l := s.language(r)
	body := homePage{Left: left, About: strings.TrimSuffix(s.client.Issuer(), "/") + "/help#what"}
	if session, ok := s.client.Session(r); ok {
		body.Name = l.text("home.signed-in", fullName(session, l))
	}
	for _, kind := range appealKinds {
		key := "service." + kind.Name
		body.Services = append(body.Services, serviceLine{Path: kind.Path, Name: l.text(key), What: l.text(key + "-what"),
			Level: l.text("service.level", l.atLeast(kind.Tier))})
	}
	v := view{name: "home", step: "portal", heading: l.text("home.title")}
	example, err := s.client.Example(r, Request{Locale: l.tag()})
	if err != nil || status == http.StatusServiceUnavailable {
		v.trouble = l.text("home.away")
	}
	body.Request = example
	v.body = body
	s.show(w, r, status, v)
}

// fullName is the visitor's name as the provider gave it.
func fullName(session *Session, l language) string {
	parts := strings.TrimSpace(session.Text("given_name") + " " + session.Text("family_name"))
	return cmp.Or(session.Text("name"), parts, l.text("form.nameless"))
}
