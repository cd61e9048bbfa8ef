package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"propusk/idp/server"
	"propusk/store"
)

type serveCommand struct{}

// Run checks every setting before anything listens.
func (serveCommand) Run(ctx context.Context) error {
	slog.SetDefault(slog.New(quiet{slog.NewJSONHandler(os.Stderr, nil)}))
	settings, err := server.ReadSettings(os.Environ())
	if err != nil {
		return err
	}
	db, err := openCurrent(ctx, settings.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	srv, err := server.New(ctx, settings, db, nil)
	if err != nil {
		return err
	}
	public, err := net.Listen("tcp", settings.Listen)
	if err != nil {
		return fmt.Errorf("IDP_LISTEN: %w", err)
	}
	listeners := []listening{{public, srv.Handler()}}
	if settings.AdminListen != "" {
		admin, err := net.Listen("tcp", settings.AdminListen)
		if err != nil {
			return fmt.Errorf("IDP_ADMIN_LISTEN: %w", err)
		}
		listeners = append(listeners, listening{admin, srv.Admin()})
	}
	slog.Info("ready", "issuer", settings.Issuer, "listen", public.Addr().String())
	return serveAll(ctx, srv.Run, listeners)
}

// openCurrent opens a database that is there and at this version, or a newer one: the previous binary runs on the new schema.
func openCurrent(ctx context.Context, address string) (*store.DB, error) {
	db, err := store.Open(ctx, address, store.Options{})
	if err != nil {
		return nil, err
	}
	current, wanted, err := db.SchemaState(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("IDP_DATABASE: %w", err), db.Close())
	}
	if current < wanted {
		return nil, errors.Join(fmt.Errorf("IDP_DATABASE: the schema is at version %d, this program needs %d: run `idp migrate`", current, wanted), db.Close())
	}
	return db, nil
}

// listening is a handler on its listener.
type listening struct {
	net.Listener
	http.Handler
}

// serveAll serves until the context ends, then lets requests finish for ten seconds, and last stops the background work.
func serveAll(ctx context.Context, loop func(context.Context), all []listening) error {
	background, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); loop(background) }()
	failed := make(chan error, len(all))
	var servers []*http.Server
	for _, l := range all {
		s := &http.Server{Handler: l.Handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 90 * time.Second,
			IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
		servers = append(servers, s)
		go func() { failed <- s.Serve(l.Listener) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	ending, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, s := range servers {
		err = errors.Join(err, s.Shutdown(ending))
	}
	stop()
	<-done
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// quiet drops what the OpenID library writes to the global log: a warning for every mistake of a client, with texts of its own
// (library-facts.md 1.5, row 42). Ours are written once, at the edge.
type quiet struct{ slog.Handler }

// Handle passes on all but the library's lines.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	foreign := strings.HasPrefix(r.Message, "registered route")
	r.Attrs(func(a slog.Attr) bool {
		foreign = foreign || a.Key == "oidc_error"
		return !foreign
	})
	if foreign {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}

// WithAttrs keeps the filter.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup keeps the filter.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

type migrateCommand struct{}

// Run makes the database file where there is none: the one command that does.
func (migrateCommand) Run(ctx context.Context) error {
	settings, err := server.ReadSettings(os.Environ(), "IDP_DATABASE", "IDP_MASTER_KEY_FILE")
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, settings.Database, store.Options{Create: true})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil {
		return fmt.Errorf("IDP_DATABASE: %w", err)
	}
	if err := server.KeepKeys(ctx, db, settings.Master, time.Now()); err != nil {
		return err
	}
	current, _, err := db.SchemaState(ctx)
	if err == nil {
		fmt.Println("the database is at version", current)
	}
	return err
}
