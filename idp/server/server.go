// Package server is the one place where the parts meet: it builds the handler of all faces and the background loop.
package server

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"runtime"
	"time"

	"github.com/labstack/echo/v4"

	"propusk/idp"
	"propusk/idp/account"
	"propusk/idp/authn"
	"propusk/idp/cabinet"
	"propusk/idp/grant"
	"propusk/idp/notify"
	"propusk/idp/oidc"
	"propusk/idp/stand"
	"propusk/idp/web"
	"propusk/store"
)

// Server is a whole provider on an open database.
type Server struct {
	Settings
	Store   *store.DB
	Authn   *authn.Service
	Grant   *grant.Service
	Site    *web.Site
	Stand   *stand.Stand // nil in `idp serve`
	handler http.Handler
	senders notify.Senders
	loop    loop
}

// StandOptions switch a server to `idp dev`. Nothing that is set in production can make them.
type StandOptions struct {
	Portal string // address of the sample portal
	Data   string // folder of -data; empty: temporary
}

// How many password hashes may wait, and how long, before the answer is 503.
const (
	hashQueue = 64
	hashWait  = 4 * time.Second
)

// New builds a provider. The database must be open and at this version. standing is nil in production.
func New(ctx context.Context, s Settings, db *store.DB, standing *StandOptions) (*Server, error) {
	srv := &Server{Settings: s, Store: db}
	srv.loop.wake = make(chan struct{}, 1)
	pool := authn.NewHashPool(runtime.GOMAXPROCS(0), hashQueue, hashWait)
	srv.Authn = &authn.Service{Store: db, Master: s.Master, Pool: pool, Limits: s.Limits, Wake: srv.loop.poke}
	srv.Grant = &grant.Service{Store: db, Master: s.Master, Authn: srv.Authn, Issuer: s.Issuer}
	faces := []fs.FS{cabinet.Files}
	if standing != nil {
		faces = append(faces, stand.Files)
	}
	var err error
	if srv.Site, err = web.New(web.Options{Brand: s.Brand, Issuer: s.Issuer, Stand: standing != nil, Faces: faces}); err != nil {
		return nil, err
	}
	if err := srv.Grant.Reload(ctx, time.Now()); err != nil {
		return nil, fmt.Errorf("IDP_MASTER_KEY_FILE or IDP_DATABASE: %w", err)
	}
	if len(srv.Grant.Ring().Algs(time.Now())) == 0 {
		return nil, fmt.Errorf("IDP_DATABASE: there are no signing keys; is it the right database? `idp migrate` makes the first ones")
	}
	zone, _ := time.LoadLocation(s.Brand.TimeZone) // web.New has checked it; UTC for the empty name is replaced by the brand's default
	brand := notify.Brand{Issuer: s.Issuer, Name: srv.Site.BrandName(idp.Russian), NameEN: srv.Site.BrandName(idp.English),
		HelpPhone: s.Brand.HelpPhone}
	if s.Brand.TimeZone != "" {
		brand.Zone = zone
	}
	srv.senders = notify.Senders{Brand: brand, SMS: s.SMS, Email: s.SMTP}
	var outbox *notify.Outbox
	if standing != nil {
		outbox = &notify.Outbox{}
		srv.senders.SMS, srv.senders.Email, srv.senders.Letter = outbox, outbox, outbox
		srv.Stand = stand.New(stand.Options{Store: db, Authn: srv.Authn, Grant: srv.Grant, Site: srv.Site, Outbox: outbox, Issuer: s.Issuer,
			Portal: standing.Portal, Data: standing.Data})
	}
	srv.handler, err = srv.mount()
	return srv, err
}

// Handler is everything that the public sees.
func (s *Server) Handler() http.Handler { return s.handler }

func (s *Server) mount() (http.Handler, error) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	visitors := web.NewVisitors(s.Authn, s.Site, s.Issuer)
	refused := logRefusal
	if s.Stand != nil {
		refused = func(r web.Refused) { logRefusal(r); s.Stand.Refused(r) }
	}
	accounts := &account.Service{Store: s.Store, Authn: s.Authn, Policy: s.PasswordPolicy, TermsVersion: cabinet.TermsVersion + "/" + cabinet.PrivacyVersion}
	(&cabinet.Cabinet{Authn: s.Authn, Account: accounts, Grant: s.Grant, Site: s.Site, Visitors: visitors}).Routes(e)
	oidc.New(oidc.Face{Grant: s.Grant, Authn: s.Authn, Site: s.Site, Visitors: visitors, Refused: refused}).Routes(e)
	assets := echo.WrapHandler(s.Site.Assets())
	for _, path := range []string{"/assets/*", "/favicon.ico", "/button.css", "/button.svg"} {
		e.GET(path, assets)
		e.HEAD(path, assets)
	}
	e.GET("/healthz", s.alive)
	e.GET("/readyz", s.ready)
	if s.Stand != nil {
		s.Stand.Routes(e)
	}
	e.HTTPErrorHandler = s.missing
	e.IPExtractor = extractor(s.Proxies)
	u, err := url.Parse(s.Issuer)
	if err != nil {
		return nil, fmt.Errorf("IDP_ISSUER: %w", err)
	}
	return s.edge(e, u), nil
}
