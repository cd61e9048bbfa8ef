// Command relyingparty runs the sample agency portal, a client of an OpenID provider.
//
//	relyingparty -issuer http://localhost:8080 -client-id portal -client-secret-file FILE -url http://localhost:8081
//
// Every flag may be given in the environment as PORTAL_ and its name: PORTAL_CLIENT_SECRET_FILE for -client-secret-file.
// The provider must know the client with the redirect_uri URL/callback and the post-logout URL "URL/"; its back-channel
// logout URI is URL/backchannel-logout. Exit status: 0 done, 1 failed, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"propusk/relyingparty"
)

func main() {
	settings, err := readSettings(os.Args[1:], os.Getenv)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "relyingparty:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, settings); err != nil {
		fmt.Fprintln(os.Stderr, "relyingparty:", err)
		os.Exit(1)
	}
}

// settings are the flags as given.
type settings struct {
	listen, issuer, clientID, secret, secretFile, url, scopes, alg string
	agency, secretInBody                                           bool
}

// readSettings reads the flags; what is not given comes from the environment, then from the defaults of the stand.
func readSettings(args []string, environment func(string) string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("relyingparty", flag.ContinueOnError)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8081", "host:port to listen on")
	flags.StringVar(&s.issuer, "issuer", "http://localhost:8080", "issuer of the provider")
	flags.StringVar(&s.clientID, "client-id", "portal", "client_id of this site")
	flags.StringVar(&s.secret, "client-secret", "", "secret of the client; other users of the machine can see it, prefer the file")
	flags.StringVar(&s.secretFile, "client-secret-file", "", "file that holds the secret")
	flags.BoolVar(&s.secretInBody, "client-secret-post", false, "send the secret by client_secret_post")
	flags.StringVar(&s.url, "url", "http://localhost:8081", "public address of this site")
	flags.StringVar(&s.scopes, "scope", "openid profile email phone snils offline_access", "scopes to ask for")
	flags.StringVar(&s.alg, "id-token-alg", "ES256", "registered id_token_signed_response_alg")
	flags.BoolVar(&s.agency, "agency", true, "serve the page where anybody answers as the agency")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var errs []error
	flags.VisitAll(func(f *flag.Flag) {
		name := "PORTAL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value := environment(name); value != "" && !given[f.Name] {
			if err := f.Value.Set(value); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	})
	return s, errors.Join(errs...)
}

// client makes the OpenID client of these settings.
func (s settings) client() (*relyingparty.Client, error) {
	if s.secretFile != "" {
		if s.secret != "" {
			return nil, errors.New("-client-secret and -client-secret-file exclude each other")
		}
		body, err := os.ReadFile(s.secretFile)
		if err != nil {
			return nil, fmt.Errorf("-client-secret-file: %w", err)
		}
		if s.secret = strings.TrimSpace(string(body)); s.secret == "" {
			return nil, fmt.Errorf("-client-secret-file: %s is empty", s.secretFile)
		}
	}
	root := strings.TrimSuffix(s.url, "/")
	return relyingparty.New(relyingparty.Config{Issuer: s.issuer, ClientID: s.clientID, ClientSecret: s.secret,
		SecretInBody: s.secretInBody, RedirectURL: root + "/callback", PostLogoutURL: root + "/",
		Scopes: strings.Fields(s.scopes), IDTokenAlg: s.alg})
}

// run serves until the context ends, then lets requests under way finish.
func run(ctx context.Context, s settings) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	server := &http.Server{Addr: s.listen, Handler: relyingparty.NewSite(relyingparty.SiteConfig{Client: client, NoAgency: !s.agency}),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	fmt.Println("portal", s.url)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(stopping)
}
