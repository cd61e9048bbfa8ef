// Package idptest runs a whole provider in the process of a test: real pages, real codes, a database of its own. Its Browser
// follows forms as a person does who has no JavaScript.
//
//	p := idptest.Start(t, idptest.Options{})
//	p.AddClient(`{"client_id": "portal", ...}`)
//	b := p.Browser()
//	b.Get("/authorize?...")
//	b.SignIn(p.Citizen("+79000000001"))
package idptest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/grant"
	"propusk/idp/notify"
	"propusk/idp/server"
	"propusk/idp/stand"
	"propusk/keys"
	"propusk/relyingparty"
	"propusk/store"
	"propusk/store/storetest"
)

// Options choose the provider. The zero value is a stand on SQLite with the limits of a stand.
type Options struct {
	Postgres   bool // the database; a test without a server skips
	Production bool // as `idp serve`: no /dev path, no banner. Messages still go to the outbox.
	Limits     authn.Limits
}

// IdP is a provider that runs until the test ends.
type IdP struct {
	Issuer   string // http://localhost:PORT
	Server   *server.Server
	Outbox   *notify.Outbox
	Citizens []stand.Citizen // the fixed citizens of the stand
	t        testing.TB
	inbox    *inbox
}

// inbox remembers which messages were given.
type inbox struct {
	mu   sync.Mutex
	read map[string]string // address -> id of the last entry
}

// In is the same provider, which reports to a subtest.
func (p *IdP) In(t testing.TB) *IdP {
	sub := *p
	sub.t = t
	return &sub
}

// Limits are those of a stand without the pause between two codes.
var Limits = authn.Limits{NetworkTries: 100_000, CodesPerHour: 10_000, CodesPerDay: 100_000}

// master seals what is in the image, too.
var master, _ = keys.NewMaster()

// image is a database with the citizens of the stand: hashing their passwords takes seconds, copying takes none.
var image struct {
	once     sync.Once
	bytes    []byte
	citizens []stand.Citizen
}

// Start runs a provider on a port of this machine until the test ends.
func Start(t testing.TB, o Options) *IdP {
	t.Helper()
	if o.Limits == (authn.Limits{}) {
		o.Limits = Limits
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	slog.SetLogLoggerLevel(slog.LevelWarn) // a line for every request would bury what fails
	p := &IdP{Issuer: localURL(listener), t: t, inbox: &inbox{read: map[string]string{}}}
	db := p.database(o)
	settings := server.Settings{Issuer: p.Issuer, Master: master, Limits: o.Limits, PasswordPolicy: authn.PolicyState}
	standing := &server.StandOptions{Portal: "http://localhost"}
	if o.Production {
		standing, p.Outbox = nil, &notify.Outbox{}
		settings.SMS, settings.SMTP = p.Outbox, p.Outbox
	}
	if p.Server, err = server.New(t.Context(), settings, db, standing); err != nil {
		t.Fatal(err)
	}
	if !o.Production {
		p.Outbox = p.Server.Stand.Outbox
		if err := p.Server.Stand.Seed(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	serve(t, listener, p.Server.Handler())
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() { defer close(stopped); p.Server.Run(ctx) }()
	t.Cleanup(func() { stop(); <-stopped })
	return p
}

// database is a fresh one with the keys and, on SQLite, the citizens.
func (p *IdP) database(o Options) *store.DB {
	p.t.Helper()
	image.once.Do(func() { seedImage(p.t) })
	p.Citizens = image.citizens
	if o.Postgres {
		db := storetest.Postgres(p.t)
		if err := server.KeepKeys(p.t.Context(), db, master, time.Now()); err != nil {
			p.t.Fatal(err)
		}
		return db
	}
	path := filepath.Join(p.t.TempDir(), "idp.db")
	if err := os.WriteFile(path, image.bytes, 0o600); err != nil {
		p.t.Fatal(err)
	}
	return storetest.Open(p.t, "sqlite:"+path)
}

func seedImage(t testing.TB) {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	address := storetest.SQLiteURL(t)
	db, err := store.Open(t.Context(), address, store.Options{})
	check(err)
	check(server.KeepKeys(t.Context(), db, master, time.Now()))
	settings := server.Settings{Issuer: "http://localhost", Master: master, Limits: Limits}
	srv, err := server.New(t.Context(), settings, db, &server.StandOptions{})
	check(err)
	check(srv.Stand.Seed(t.Context(), time.Now()))
	image.citizens, err = srv.Stand.Citizens(t.Context())
	check(err)
	check(db.Close())
	image.bytes, err = os.ReadFile(strings.TrimPrefix(address, "sqlite:"))
	check(err)
}

func serve(t testing.TB, l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
}

func localURL(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "http://localhost:" + port
}

// AddClient registers a client, JSON as in CONTRACT.md section 5, at once.
func (p *IdP) AddClient(text string) grant.Registration {
	p.t.Helper()
	list, err := grant.ReadRegistrations([]byte(text))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, r := range list {
		row, err := r.Row(master, time.Now().Unix())
		if err != nil {
			p.t.Fatal(err)
		}
		if err := p.Server.Store.InTx(p.t.Context(), func(tx *store.Tx) error { _, err := tx.PutClient(p.t.Context(), row); return err }); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := p.Server.Grant.Reload(p.t.Context(), time.Now()); err != nil {
		p.t.Fatal(err)
	}
	return list[0]
}

// AddPortal starts the sample portal at 127.0.0.1, which is another site than the provider's localhost, and returns its URL.
func (p *IdP) AddPortal() string {
	p.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	secret := idp.NewSecret()
	p.AddClient(fmt.Sprintf(`{"client_id": "portal", "client_name": "Портал обращений", "client_secret": %q,
		"redirect_uris": [%q], "post_logout_redirect_uris": [%q], "backchannel_logout_uri": %q,
		"grant_types": ["authorization_code", "refresh_token"], "scope": "openid profile email phone snils id_doc offline_access",
		"organization_name": "Администрация Примерска (образец)", "purposes": {"snils": "найти ваше обращение"}}`,
		secret, url+"/callback", url+"/", url+"/backchannel-logout"))
	client, err := relyingparty.New(relyingparty.Config{Issuer: p.Issuer, ClientID: "portal", ClientSecret: secret, RedirectURL: url + "/callback",
		PostLogoutURL: url + "/", Scopes: []string{"openid", "profile", "email", "phone", "snils", "offline_access"}})
	if err != nil {
		p.t.Fatal(err)
	}
	serve(p.t, l, relyingparty.NewSite(relyingparty.SiteConfig{Client: client}))
	return url
}

// Citizen is the fixed citizen of a phone or an e-mail.
func (p *IdP) Citizen(login string) stand.Citizen {
	p.t.Helper()
	for _, c := range p.Citizens {
		if string(c.Phone) == login || string(c.Email) == login {
			return c
		}
	}
	p.t.Fatalf("no citizen has the login %s", login)
	return stand.Citizen{}
}

// Message waits for the next message to an address, which Message has not given yet, and gives the newest.
func (p *IdP) Message(to string) notify.Entry {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	p.inbox.mu.Lock()
	after := p.inbox.read[to]
	p.inbox.mu.Unlock()
	found := p.Outbox.Wait(ctx, to, after)
	if len(found) == 0 {
		p.t.Fatalf("no message to %s", to)
	}
	newest := found[len(found)-1]
	p.inbox.mu.Lock()
	p.inbox.read[to] = newest.ID
	p.inbox.mu.Unlock()
	return newest
}
