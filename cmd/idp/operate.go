package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"propusk/idp/grant"
	"propusk/idp/server"
	"propusk/store"
)

// withStore runs a command of the operator on the database of the settings.
func withStore(ctx context.Context, do func(server.Settings, *store.DB) error) error {
	settings, err := server.ReadSettings(os.Environ(), "IDP_DATABASE", "IDP_MASTER_KEY_FILE")
	if err != nil {
		return err
	}
	db, err := openCurrent(ctx, settings.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	return do(settings, db)
}

type clientCommand struct {
	Apply   clientApply   `cmd:"" help:"Add or change the clients of a JSON file: one object or an array. Applying twice is one."`
	List    clientList    `cmd:"" help:"List the clients."`
	Show    clientShow    `cmd:"" help:"Print a client as a file, without its secret."`
	Disable clientDisable `cmd:"" help:"Stop a client: no sign-in, no token, within a second."`
}

type clientApply struct {
	File string `arg:"" help:"JSON file; - is the standard input."`
}

// Run applies all clients of the file or none.
func (c clientApply) Run(ctx context.Context) error {
	name := c.File
	if name == "-" {
		name = "/dev/stdin"
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	list, err := grant.ReadRegistrations(text)
	if err != nil {
		return err
	}
	return withStore(ctx, func(s server.Settings, db *store.DB) error {
		var lines []string
		err := db.InTx(ctx, func(tx *store.Tx) error {
			lines = nil
			for _, r := range list {
				row, err := r.Row(s.Master, time.Now().Unix())
				if err != nil {
					return err
				}
				changed, err := tx.PutClient(ctx, row)
				if err != nil {
					return err
				}
				lines = append(lines, r.ClientID+map[bool]string{true: ": applied", false: ": unchanged"}[changed])
			}
			return nil
		})
		for _, l := range lines {
			fmt.Println(l)
		}
		return err
	})
}

type clientList struct{}

// Run prints one line a client.
func (clientList) Run(ctx context.Context) error {
	return withStore(ctx, func(_ server.Settings, db *store.DB) error {
		rows, err := db.Clients(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
		for _, row := range rows {
			var r grant.Registration
			if err := json.Unmarshal([]byte(row.Body), &r); err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", row.ID, map[bool]string{true: "disabled", false: "active"}[row.Disabled], r.AuthMethod, r.ClientName)
		}
		return w.Flush()
	})
}

type clientShow struct {
	ID string `arg:""`
}

// Run prints the registration.
func (c clientShow) Run(ctx context.Context) error {
	return withStore(ctx, func(_ server.Settings, db *store.DB) error {
		row, err := db.Client(ctx, c.ID)
		if err != nil {
			return fmt.Errorf("client %s: %w", c.ID, err)
		}
		var r grant.Registration
		if err := json.Unmarshal([]byte(row.Body), &r); err != nil {
			return err
		}
		text, err := json.MarshalIndent(r, "", "  ")
		fmt.Println(string(text))
		return err
	})
}

type clientDisable struct {
	ID string `arg:""`
}

// Run stops the client.
func (c clientDisable) Run(ctx context.Context) error {
	return withStore(ctx, func(_ server.Settings, db *store.DB) error {
		if _, err := db.Client(ctx, c.ID); err != nil {
			return fmt.Errorf("client %s: %w", c.ID, err)
		}
		return db.InTx(ctx, func(tx *store.Tx) error {
			_, err := tx.DisableClient(ctx, c.ID, time.Now().Unix())
			return err
		})
	})
}

type keysCommand struct {
	List   keysList   `cmd:"" help:"List the signing keys and their times."`
	Rotate keysRotate `cmd:"" help:"Publish new keys now; they are used after the overlap of a day."`
}

type keysList struct{}

// Run prints one line a key.
func (keysList) Run(ctx context.Context) error {
	return withStore(ctx, func(_ server.Settings, db *store.DB) error {
		rows, err := db.SigningKeys(ctx)
		if err != nil {
			return err
		}
		now := time.Now().Unix()
		w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
		for _, k := range rows {
			state := "published"
			switch {
			case now >= k.RetireAt:
				state = "retired"
			case now >= k.UseUntil:
				state = "kept for its tokens"
			case now >= k.UseFrom:
				state = "in use"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\tfrom %s\tuntil %s\n", k.ID, k.Alg, state, day(k.UseFrom), day(k.UseUntil))
		}
		return w.Flush()
	})
}

func day(at int64) string { return time.Unix(at, 0).UTC().Format("2006-01-02 15:04") }

type keysRotate struct {
	Emergency bool `help:"A private key may have leaked: use the new keys at once and withdraw the old ones; their tokens end."`
}

// Run rotates every algorithm.
func (k keysRotate) Run(ctx context.Context) error {
	return withStore(ctx, func(s server.Settings, db *store.DB) error {
		return server.RotateKeys(ctx, db, s.Master, k.Emergency, time.Now())
	})
}
