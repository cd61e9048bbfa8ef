package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Gateways sends text messages through HTTP gateways in order of preference: the next is asked when one fails, unless it
// said that the message itself can never arrive. Each has a circuit breaker. May be used by many goroutines.
type Gateways struct {
	all   []*gateway
	taken memory
}

// ParseSMS reads IDP_SMS_URL and the content of IDP_SMS_PASSWORD_FILE: URLs separated by spaces, and for each URL a line of
// credentials, in the same order. A URL is https (http to a loopback address only) and holds the query parameters `gateway`
// and `sender`; without a path it gets that of the gateway's documentation. The kinds, with the form of their line:
//
//	generic   token                           our own protocol, see generic.go
//	smsc      login:password, or an API key   SMSC.ru
//	smsaero   e-mail:key                      SMS Aero; sender is needed
//	exolve    key                             MTS Exolve; sender is needed
//	beeline   user:password, or an API key    Beeline A2P
//	kannel    username:password               Kannel and its like, the way to SMPP
//
// The errors name the setting, say what to do, and hold nothing of a URL but its host.
func ParseSMS(urls, password string) (*Gateways, error) {
	list := strings.Fields(urls)
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(password, "\r\n", "\n")), "\n")
	if len(list) == 0 {
		return nil, errors.New("IDP_SMS_URL is empty: set the https address of an SMS gateway")
	}
	if len(lines) != len(list) {
		return nil, fmt.Errorf("IDP_SMS_PASSWORD_FILE holds %d lines, IDP_SMS_URL %d gateways: write one line of credentials for each, in the same order", len(lines), len(list))
	}
	var problems []error
	s := &Gateways{}
	for i, one := range list {
		g, err := parseGateway(one, strings.TrimSpace(lines[i]))
		if err != nil {
			problems = append(problems, fmt.Errorf("IDP_SMS_URL, gateway %d: %w", i+1, err))
			continue
		}
		s.all = append(s.all, g)
	}
	return s, errors.Join(problems...)
}

func parseGateway(text, credentials string) (*gateway, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return nil, errors.New("not an address; write https://HOST/PATH?gateway=KIND")
	}
	if u.User != nil {
		return nil, fmt.Errorf("credentials in the address of %s; move them to IDP_SMS_PASSWORD_FILE", u.Host)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, fmt.Errorf("%s is not asked over https; only a loopback address may do without", u.Host)
	}
	query := u.Query()
	for name := range query {
		if name != "gateway" && name != "sender" {
			return nil, errors.New("unknown query parameter; there are gateway and sender")
		}
	}
	a, ok := adapters[query.Get("gateway")]
	if !ok {
		return nil, fmt.Errorf("add ?gateway=KIND to the address of %s; kinds are generic, smsc, smsaero, exolve, beeline, kannel", u.Host)
	}
	g := &gateway{adapter: a, kind: query.Get("gateway"), sender: query.Get("sender"), client: httpClient(a.oneShot)}
	login, secret, pair := strings.Cut(credentials, ":")
	switch {
	case credentials == "":
		return nil, errors.New("its line of IDP_SMS_PASSWORD_FILE is empty")
	case a.key && (!pair || !a.pair):
		g.secret = credentials
	case a.pair && pair && login != "" && secret != "":
		g.login, g.secret = login, secret
	default:
		return nil, fmt.Errorf("its line of IDP_SMS_PASSWORD_FILE must read NAME:PASSWORD for gateway %s", g.kind)
	}
	if a.needsSender && g.sender == "" {
		return nil, fmt.Errorf("gateway %s needs the name or number of the sender: add &sender=NAME", g.kind)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = a.path
	}
	u.RawQuery, u.Fragment = "", ""
	g.address = u
	return g, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// LogValue masks addresses and credentials.
func (s *Gateways) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String names the kinds alone, for %v and friends.
func (s *Gateways) String() string {
	kinds := make([]string, len(s.all))
	for i, g := range s.all {
		kinds[i] = g.kind
	}
	return "SMS gateways " + strings.Join(kinds, ", ")
}

// GoString is the masked form, for %#v.
func (s *Gateways) GoString() string { return s.String() }

// Send asks the gateways in order. See Sender.
func (s *Gateways) Send(ctx context.Context, m Message, r Rendered) error {
	if !isE164(m.To) {
		return fail(Permanent, "", "address is no phone number")
	}
	if s.taken.has(m.Reference) {
		return nil
	}
	var failures []*Error
	for _, g := range s.all {
		if !g.breaker.allow(time.Now()) {
			failures = append(failures, fail(Temporary, g.kind, "paused after failures"))
			continue
		}
		err := g.send(ctx, m, r)
		if ctx.Err() != nil && err != nil {
			g.breaker.release()
			return fail(Temporary, g.kind, "sending was interrupted")
		}
		g.breaker.record(time.Now(), err == nil || err.Class == Permanent)
		switch {
		case err == nil:
			s.taken.add(m.Reference)
			return nil
		case err.Class == Permanent:
			return err
		}
		failures = append(failures, err)
	}
	return together(failures)
}

// together is one error for the failures of all gateways: temporary if trying again can help one of them.
func together(failures []*Error) *Error {
	if len(failures) == 1 {
		return failures[0]
	}
	all := &Error{Class: Misconfigured, Gateway: "sms"}
	var texts []string
	for _, f := range failures {
		if f.Class == Temporary {
			all.Class = Temporary
		}
		texts = append(texts, f.Error())
	}
	all.What = strings.Join(texts, "; ")
	return all
}

// Check connects to each gateway without sending, for `idp doctor`; nil if all answer.
func (s *Gateways) Check(ctx context.Context) error {
	var problems []error
	for _, g := range s.all {
		if err := g.reach(ctx); err != nil {
			problems = append(problems, fmt.Errorf("IDP_SMS_URL: %w", err))
		}
	}
	return errors.Join(problems...)
}

func (g *gateway) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	port := g.address.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[g.address.Scheme]
	}
	where := net.JoinHostPort(g.address.Hostname(), port)
	dial := (&net.Dialer{}).DialContext
	if g.address.Scheme == "https" {
		dial = (&tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12}}).DialContext
	}
	c, err := dial(ctx, "tcp", where)
	if err != nil {
		return networkError(g.kind, err)
	}
	return c.Close()
}

func isE164(to string) bool {
	digits, plus := strings.CutPrefix(to, "+")
	return plus && len(digits) >= 8 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == ""
}

// memory remembers which references were taken by a gateway, so that a job that runs again in this process (its row
// could not be closed) does not send again. It keeps the newest few thousand.
type memory struct {
	mu         sync.Mutex
	young, old map[string]bool
}

const memorySize = 5000

func (m *memory) has(reference string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return reference != "" && (m.young[reference] || m.old[reference])
}

func (m *memory) add(reference string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.young) >= memorySize {
		m.old, m.young = m.young, nil
	}
	if m.young == nil {
		m.young = map[string]bool{}
	}
	m.young[reference] = true
}

// breaker keeps a failing gateway from costing every message its deadline: after five failures in a row it is left alone
// for 30 s, then one message tries it; each further failure doubles the pause up to 5 minutes. Its zero value is closed.
type breaker struct {
	mu       sync.Mutex
	failures int
	until    time.Time // nobody asks before
	trying   bool      // one message is trying it after a pause
}

const (
	breakAfter   = 5
	pauseFirst   = 30 * time.Second
	pauseLongest = 5 * time.Minute
)

// allow says whether the gateway may be asked; after true the caller must call record or release.
func (b *breaker) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakAfter {
		return true
	}
	if b.trying || now.Before(b.until) {
		return false
	}
	b.trying = true
	return true
}

// release gives the permission back where nothing was learnt.
func (b *breaker) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
}

func (b *breaker) record(now time.Time, works bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
	if works {
		b.failures = 0
		return
	}
	b.failures++
	if beyond := b.failures - breakAfter; beyond >= 0 {
		b.until = now.Add(min(pauseFirst<<min(beyond, 10), pauseLongest))
	}
}
