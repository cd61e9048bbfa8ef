// Command idp is the provider and its operator's commands: CONTRACT.md section 2. Exit status 0 done, 1 failed, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

type cli struct {
	Dev     devCommand     `cmd:"" help:"A stand for integrators: SQLite, sample portal, test citizens, outbox. Nothing else to install."`
	Serve   serveCommand   `cmd:"" help:"Production: settings from IDP_... only."`
	Migrate migrateCommand `cmd:"" help:"Bring the database to this version, make the first signing keys, and exit."`
	Client  clientCommand  `cmd:"" help:"Clients (relying parties)."`
	Keys    keysCommand    `cmd:"" help:"Signing keys."`
	Doctor  doctorCommand  `cmd:"" help:"Check settings, database, clock, keys and gateways; say how to fix each."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c, kong.Name("idp"), kong.Description("Propusk, an identity provider."), kong.UsageOnError(),
		kong.Exit(func(code int) { exit = code }), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		fmt.Fprintln(os.Stderr, "idp:", err)
		return 1
	}
	call, err := parser.Parse(singleDashes(args))
	if exit >= 0 {
		return exit // --help
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "idp:", err)
		var wrong *kong.ParseError
		if errors.As(err, &wrong) && wrong.Context != nil {
			_ = wrong.Context.PrintUsage(true)
		}
		return 2
	}
	if err := call.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "idp:", err)
		var usage usageError
		if errors.As(err, &usage) {
			return 2
		}
		return 1
	}
	return 0
}

// usageError is a wrong argument that the parser cannot see.
type usageError struct{ error }

// singleDashes lets -listen stand for --listen, as the contract writes it.
func singleDashes(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		if len(a) > 2 && a[0] == '-' && a[1] != '-' {
			a = "-" + a
		}
		out[i] = a
	}
	return out
}

type versionCommand struct{}

// Run prints the version of the module, with the commit where the build knows it.
func (versionCommand) Run() error {
	version := "development"
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				version += " " + s.Value
			}
		}
	}
	fmt.Println("propusk", version)
	return nil
}
