package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"propusk/idp"
	"propusk/standin"
	"propusk/store/storetest"
)

const crashes = 8

// crash is a site whose only process is killed again and again while people register and portals redeem codes.
type crash struct {
	*site
	mails *standin.SMTP

	mu         sync.Mutex
	issued     map[string]bool   // codes that came back to the portal and were never sent to the token endpoint
	doubtful   map[string]bool   // codes whose redemption was cut off
	redeemed   map[string]tokens // codes with the tokens that they gave
	registered []string          // e-mail addresses whose registration was answered to its end
	begun      map[*browser]string
}

func TestWhatWasAcknowledgedOutlivesAKill(t *testing.T) {
	for name, address := range map[string]func(testing.TB) string{"sqlite": storetest.SQLiteURL, "postgres": storetest.PostgresURL} {
		t.Run(name, func(t *testing.T) {
			c := &crash{site: newSite(t, address(t)), mails: &standin.SMTP{Plain: true}}
			if err := c.mails.Listen(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.mails.Close() })
			c.settings["IDP_SMTP_URL"] = "smtp://" + c.mails.Addr() + "?from=id%40example.ru"
			c.settings["IDP_TRUSTED_PROXIES"] = "127.0.0.1"
			c.addCitizen(phone)
			portals := []*browser{newBrowser(nil), newBrowser(nil)}
			codes, accounts := 0, 0
			for range crashes {
				c.forget()
				c.untilKilled(portals)
				codes, accounts = codes+len(c.redeemed), accounts+len(c.registered)
				c.examine()
			}
			t.Logf("%d kills, %d codes redeemed, %d accounts registered before them", crashes, codes, accounts)
			if codes == 0 || accounts == 0 {
				t.Error("nothing was done between the kills")
			}
		})
	}
}

func (c *crash) forget() {
	c.issued, c.doubtful, c.redeemed, c.begun, c.registered = map[string]bool{}, map[string]bool{}, map[string]tokens{}, map[*browser]string{}, nil
}

// untilKilled lets everybody work for a while and then kills the process.
func (c *crash) untilKilled(portals []*browser) {
	p := c.serve()
	var all sync.WaitGroup
	for _, b := range portals {
		b.at = p
		all.Go(func() { c.repeat(p, func() error { return c.exchange(b) }) })
	}
	for range 2 {
		all.Go(func() { c.repeat(p, func() error { return c.register(p) }) })
	}
	time.Sleep(250*time.Millisecond + rand.N(200*time.Millisecond))
	p.kill()
	all.Wait()
}

// repeat works until the process is gone. Only a connection that broke excuses an error.
func (c *crash) repeat(p *serving, work func() error) {
	for {
		err := work()
		var broken *url.Error
		if errors.As(err, &broken) || errors.Is(err, io.ErrUnexpectedEOF) {
			return
		}
		if err != nil {
			c.t.Errorf("%s: %v", p.addr, err)
			return
		}
	}
}

func (c *crash) note(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c *crash) exchange(b *browser) error {
	code, err := b.signIn(phone, func() {})
	if err != nil {
		return err
	}
	if rand.N(4) == 0 {
		c.note(func() { c.issued[code] = true })
		return nil
	}
	c.note(func() { c.doubtful[code] = true })
	got, err := asClient(b.at, "portal", "/token", redemption(code))
	if err != nil {
		return err
	}
	if got.status != http.StatusOK {
		return fmt.Errorf("redemption: %d %s", got.status, got.Error)
	}
	c.note(func() { delete(c.doubtful, code); c.redeemed[code] = got })
	return nil
}

// register goes from the first page of registration to its end.
func (c *crash) register(p *serving) error {
	b := newBrowser(p)
	b.from = fmt.Sprintf("198.51.100.%d", rand.N(250))
	email := fmt.Sprintf("citizen-%d@example.ru", rand.Int64())
	at, err := b.get(issuer + "/signup")
	if err == nil {
		at, err = b.get(at.location)
	}
	if err != nil {
		return err
	}
	action, form := at.form()
	form["last_name"], form["first_name"], form["email"] = []string{"Иванова"}, []string{"Анна"}, []string{email}
	if at, err = b.post(action, form); err != nil {
		return err
	}
	c.note(func() { c.begun[b] = at.location })
	code, err := c.mailed(p, email)
	if err != nil {
		return err
	}
	for _, typed := range []url.Values{{"code": {code}}, {"password": {"Zimnij-613-klen"}, "password_repeat": {"Zimnij-613-klen"}}} {
		if at, err = b.get(at.location); err != nil {
			return err
		}
		action, form := at.form()
		for name, value := range typed {
			form[name] = value
		}
		if at, err = b.post(action, form); err != nil {
			return err
		}
	}
	if at.status != http.StatusOK || at.step() != "register-done" {
		return fmt.Errorf("registration ends at step %q, status %d", at.step(), at.status)
	}
	c.note(func() { c.registered = append(c.registered, email); delete(c.begun, b) })
	return nil
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// mailed waits for the code that was sent to an address.
func (c *crash) mailed(p *serving, to string) (string, error) {
	for {
		for _, m := range c.mails.Mails() {
			if m.To != to {
				continue
			}
			_, body, _ := strings.Cut(m.Data, "\n\n")
			text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body)))
			if err != nil {
				return "", err
			}
			code := sixDigits.FindString(string(text))
			if code == "" {
				return "", fmt.Errorf("a mail without a code: %s", m.Data)
			}
			return code, nil
		}
		if _, err := newBrowser(p).get(issuer + "/healthz"); err != nil {
			return "", err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// examine starts the process again and looks for everything that was acknowledged.
func (c *crash) examine() {
	p := c.serve()
	for code, got := range c.redeemed {
		if !active(c.t, got.Access)(p) {
			c.t.Error("tokens that were given are not known after the restart")
		}
		if n := c.redemptions(p, code); n != 0 {
			c.t.Error("a code was redeemed before the kill and after it")
		}
	}
	for code := range c.issued {
		if n := c.redemptions(p, code); n != 1 {
			c.t.Errorf("a code that came back before the kill was redeemed %d times after it, want once", n)
		}
	}
	for code := range c.doubtful {
		if n := c.redemptions(p, code); n > 1 {
			c.t.Errorf("a code was redeemed %d times", n)
		}
	}
	for b, location := range c.begun {
		b.at = p
		if at, err := b.get(location); err != nil || at.status != http.StatusOK {
			c.t.Errorf("a registration begun before the kill answers %d, %v", at.status, err)
		}
	}
	p.kill()
	c.examineAccounts()
}

// redemptions tries a code twice and counts how often it gave tokens.
func (c *crash) redemptions(p *serving, code string) (n int) {
	for range 2 {
		got, err := asClient(p, "portal", "/token", redemption(code))
		if err != nil {
			c.t.Error(err)
		}
		if got.status == http.StatusOK {
			n++
		}
	}
	return n
}

func (c *crash) examineAccounts() {
	c.t.Run("accounts", func(t *testing.T) {
		db := storetest.Open(t, c.settings["IDP_DATABASE"])
		for _, email := range c.registered {
			a, err := db.AccountBy(t.Context(), idp.Email(email).Identifier())
			if err != nil {
				t.Errorf("a registered account is gone: %v", err)
				continue
			}
			events, err := db.Events(t.Context(), a.OID, "", 100)
			made := 0
			for _, e := range events {
				if e.What == idp.Registered {
					made++
				}
			}
			if err != nil || made != 1 {
				t.Errorf("%d events of registration, %v, want 1", made, err)
			}
		}
	})
}
