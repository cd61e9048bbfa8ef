package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"propusk/idp"
	"propusk/idp/notify"
	"propusk/idp/server"
	"propusk/keys"
	"propusk/store"
)

type doctorCommand struct{}

// check is one line of the doctor: what was looked at, and how to fix it if it is not well.
type check struct {
	name string
	err  error
}

// Run looks at everything and fails if anything is not well.
func (doctorCommand) Run(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	settings, err := server.ReadSettings(os.Environ())
	checks := []check{{"settings", err}}
	if err == nil {
		checks = append(checks, examineDatabase(ctx, settings)...)
		checks = append(checks, examineGateways(ctx, settings)...)
	}
	bad := 0
	for _, c := range checks {
		if c.err == nil {
			fmt.Println("ok       ", c.name)
			continue
		}
		bad++
		fmt.Printf("problem   %s: %v\n", c.name, c.err)
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d checks found a problem", bad, len(checks))
	}
	return nil
}

func examineDatabase(ctx context.Context, s server.Settings) []check {
	db, err := openCurrent(ctx, s.Database)
	if err != nil {
		return []check{{"database", err}}
	}
	defer db.Close()
	now := time.Now()
	rows, err := db.SigningKeys(ctx)
	if err == nil {
		var ring *keys.Ring
		if ring, err = keys.NewRing(s.Master, rows, now); err == nil && len(ring.Algs(now)) == 0 {
			err = fmt.Errorf("no signing key is in use: run `idp migrate`")
		}
	}
	waiting, oldest, queueErr := db.QueueLength(ctx, now.Unix())
	if queueErr == nil && waiting > 0 && now.Unix()-oldest > 300 {
		queueErr = fmt.Errorf("%d messages wait, the oldest for %d minutes: is `idp serve` running, do the gateways answer?", waiting, (now.Unix()-oldest)/60)
	}
	return []check{{"database", nil}, {"signing keys open with the master key", err}, {"queue of messages", queueErr}, {"clock", clockAgainst(ctx, db, now)}}
}

// clockAgainst compares the clock with the newest times in the database: a clock set back would bring old codes to life.
func clockAgainst(ctx context.Context, db *store.DB, now time.Time) error {
	rows, err := db.SigningKeys(ctx)
	if err != nil {
		return err
	}
	for _, k := range rows {
		if k.CreatedAt > now.Unix()+60 {
			return fmt.Errorf("a key was made %d seconds in the future: set the clock, or run NTP", k.CreatedAt-now.Unix())
		}
	}
	return nil
}

func examineGateways(ctx context.Context, s server.Settings) []check {
	out := []check{gateway(ctx, "e-mail", "IDP_SMTP_URL", s.SMTP), gateway(ctx, "SMS", "IDP_SMS_URL", s.SMS)}
	for _, warning := range notify.CheckHost(idp.Host(s.Issuer)) {
		out = append(out, check{"length of SMS", fmt.Errorf("%s", warning)})
	}
	return out
}

func gateway(ctx context.Context, name, setting string, sender notify.Sender) check {
	if sender == nil {
		return check{name, fmt.Errorf("%s is not set: messages of this kind wait and then go", setting)}
	}
	if c, ok := sender.(interface{ Check(context.Context) error }); ok {
		return check{name, c.Check(ctx)}
	}
	return check{name, nil}
}
