package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/grant"
	"propusk/idp/server"
	"propusk/keys"
	"propusk/relyingparty"
	"propusk/store"
)

type devCommand struct {
	Listen  string `default:"127.0.0.1:8080" help:"Address of the provider."`
	Portal  string `default:"127.0.0.1:8081" help:"Address of the sample portal."`
	Data    string `help:"Folder for the database; made if absent. Without it everything is forgotten at the end."`
	Clients string `help:"JSON file with clients to add to the stand's own."`
	Issuer  string `help:"Public URL of the provider, if it is not http://localhost:PORT."`
	Verbose bool   `short:"v" help:"Log every request."`
}

// Run starts the stand: provider and portal in one process.
func (d devCommand) Run(ctx context.Context) error {
	level := slog.LevelWarn
	if d.Verbose {
		level = slog.LevelInfo
	}
	slog.SetDefault(slog.New(quiet{slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})}))
	extra, err := d.clients()
	if err != nil {
		return err
	}
	if err := server.CheckIssuer(d.Issuer); d.Issuer != "" && err != nil && !strings.HasPrefix(d.Issuer, "http://") {
		return usageError{fmt.Errorf("-issuer: %w", err)}
	}
	dir, cleanup, err := d.folder()
	if err != nil {
		return err
	}
	defer cleanup()
	provider, portal, err := d.listen()
	if err != nil {
		return err
	}
	issuer, portalURL := d.Issuer, localURL(portal)
	if issuer == "" {
		issuer = localURL(provider)
	}
	return d.start(ctx, standParts{dir: dir, issuer: issuer, portalURL: portalURL, provider: provider, portal: portal, clients: extra})
}

type standParts struct {
	dir, issuer, portalURL string
	provider, portal       net.Listener
	clients                []grant.Registration
}

func (d devCommand) start(ctx context.Context, p standParts) error {
	master, err := masterOf(p.dir)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(p.dir, "propusk.db"), store.Options{Create: true})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	now := time.Now()
	if err := server.KeepKeys(ctx, db, master, now); err != nil {
		return err
	}
	own := portalClient(p.portalURL)
	for _, r := range append([]grant.Registration{own}, p.clients...) {
		row, err := r.Row(master, now.Unix())
		if err != nil {
			return err
		}
		if err := db.InTx(ctx, func(tx *store.Tx) error { _, err := tx.PutClient(ctx, row); return err }); err != nil {
			return err
		}
	}
	settings := server.Settings{Issuer: p.issuer, Master: master, Limits: standLimits(), PasswordPolicy: authn.PolicyState}
	srv, err := server.New(ctx, settings, db, &server.StandOptions{Portal: p.portalURL, Data: d.Data})
	if err != nil {
		return err
	}
	if err := srv.Stand.Seed(ctx, now); err != nil {
		return err
	}
	site, err := portalSite(p.issuer, p.portalURL, own)
	if err != nil {
		return err
	}
	fmt.Printf("issuer    %s\nportal    %s\noutbox    %s/dev/outbox\ncitizens  %s/dev/citizens\n", p.issuer, p.portalURL, p.issuer, p.issuer)
	return serveAll(ctx, srv.Run, []listening{{p.provider, srv.Handler()}, {p.portal, site}})
}

// standLimits are wide: a script signs the same citizen in many times an hour. What a code or a password may be tried stays.
func standLimits() authn.Limits {
	return authn.Limits{NetworkTries: 100_000, CodesPerHour: 10_000, CodesPerDay: 100_000, CodeGap: authn.DefaultLimits.CodeGap}
}

func (d devCommand) clients() ([]grant.Registration, error) {
	if d.Clients == "" {
		return nil, nil
	}
	text, err := os.ReadFile(d.Clients)
	if err != nil {
		return nil, fmt.Errorf("-clients: %w", err)
	}
	list, err := grant.ReadRegistrations(text)
	if err != nil {
		return nil, fmt.Errorf("-clients %s: %w", d.Clients, err)
	}
	return list, nil
}

func (d devCommand) folder() (dir string, cleanup func(), err error) {
	if d.Data != "" {
		return d.Data, func() {}, os.MkdirAll(d.Data, 0o700)
	}
	dir, err = os.MkdirTemp("", "propusk-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

func (d devCommand) listen() (provider, portal net.Listener, err error) {
	if provider, err = net.Listen("tcp", d.Listen); err != nil {
		return nil, nil, fmt.Errorf("-listen: %w", err)
	}
	if portal, err = net.Listen("tcp", d.Portal); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("-portal: %w", err), provider.Close())
	}
	return provider, portal, nil
}

// localURL names a listener as a browser does: passkeys need a name, not an address.
func localURL(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "http://localhost:" + port
}

// masterOf reads the stand's master key, or makes one beside its database.
func masterOf(dir string) (*keys.Master, error) {
	path := filepath.Join(dir, "master.key")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		m, text := keys.NewMaster()
		return m, os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		return nil, err
	}
	return keys.ParseMaster(text)
}

// portalClient is the registration of the sample portal. Its secret is new at each start: both ends are in this process.
func portalClient(url string) grant.Registration {
	text := fmt.Sprintf(`{"client_id": "portal", "client_name": "Портал обращений", "client_secret": %q,
		"redirect_uris": [%q], "post_logout_redirect_uris": [%q], "backchannel_logout_uri": %q,
		"grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "client_secret_basic",
		"scope": "openid profile email phone snils id_doc offline_access",
		"organization_name": "Администрация Примерска (образец)",
		"purposes": {"profile": "обращаться к вам по имени", "snils": "найти ваше обращение", "id_doc": "ответить на жалобу лично вам"}}`,
		idp.NewSecret(), url+"/callback", url+"/", url+"/backchannel-logout")
	list, err := grant.ReadRegistrations([]byte(text))
	if err != nil {
		panic(err) // the text above is ours
	}
	return list[0]
}

func portalSite(issuer, url string, own grant.Registration) (http.Handler, error) {
	client, err := relyingparty.New(relyingparty.Config{Issuer: issuer, ClientID: own.ClientID, ClientSecret: own.ClientSecret,
		RedirectURL: url + "/callback", PostLogoutURL: url + "/", Scopes: []string{"openid", "profile", "email", "phone", "snils", "offline_access"}})
	if err != nil {
		return nil, err
	}
	return relyingparty.NewSite(relyingparty.SiteConfig{Client: client}), nil
}
