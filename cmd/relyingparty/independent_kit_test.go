package main_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// stand is `idp dev` in a process of its own.
type stand struct{ issuer string }

// person is a citizen of GET /dev/citizens (CONTRACT.md section 6).
type person struct {
	Name, Phone, Email, Password, Status, Tier string
	TierMethod                                 string `json:"tier_method"`
	SecondFactor                               string `json:"second_factor"`
}

func startStand(t *testing.T, registrations []any) stand {
	dir := t.TempDir()
	program, clients := filepath.Join(dir, "idp"), filepath.Join(dir, "clients.json")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "propusk/cmd/idp").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	text, err := json.Marshal(registrations)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, clients, text)
	idp := exec.Command(program, "dev", "-listen", "127.0.0.1:0", "-portal", "127.0.0.1:0", "-clients", clients, "-v")
	var log strings.Builder
	idp.Stderr = &log
	out, err := idp.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := idp.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	s := stand{}
	for s.issuer == "" && lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 2 && f[0] == "issuer" {
			s.issuer = f[1]
		}
	}
	ended := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, out); _ = idp.Wait(); close(ended) }()
	t.Cleanup(func() {
		stop(idp, ended)
		if t.Failed() {
			t.Logf("log of idp dev:\n%s", log.String())
		}
	})
	if s.issuer == "" {
		t.Fatal("idp dev printed no issuer")
	}
	return s
}

// stop asks a program to end, and after a while makes it.
func stop(c *exec.Cmd, ended <-chan struct{}) {
	_ = c.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		_ = c.Process.Kill()
		<-ended
	}
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// citizen is an active one whom the password alone signs in.
func (s stand) citizen(t *testing.T, tier, method string) person {
	t.Helper()
	r, err := http.Get(s.issuer + "/dev/citizens")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var all []person
	if err := json.NewDecoder(r.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Status == "active" && p.SecondFactor == "none" && p.Tier == tier && p.TierMethod == method {
			return p
		}
	}
	t.Fatalf("no citizen of tier %s by %q without a second factor", tier, method)
	return person{}
}

// browser is a person who signs in wherever asked and allows what is asked. It stops before addresses that begin with away.
type browser struct {
	t       *testing.T
	citizen person
	away    string
	client  *http.Client
	visited []string
}

type page struct {
	address, body string
	status        int
	header        http.Header
}

func newBrowser(t *testing.T, citizen person, away string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, citizen: citizen, away: away}
	b.client = &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		b.visited = append(b.visited, r.URL.String())
		switch {
		case away != "" && strings.HasPrefix(r.URL.String(), away):
			return http.ErrUseLastResponse
		case len(via) > 15:
			return errors.New("redirects without end")
		}
		return nil
	}}
	return b
}

// open goes to an address and through the pages of the provider, to where no form is left that the person fills in.
func (b *browser) open(address string) page {
	b.t.Helper()
	b.visited = nil
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	p := b.send(r)
	for range 5 {
		given := url.Values{}
		switch p.step() {
		case "login":
			if b.citizen.Phone == "" {
				return p
			}
			given.Set("login", b.citizen.Phone)
			given.Set("password", b.citizen.Password)
		case "consent":
			given.Set("decision", "allow")
		default:
			return p
		}
		p = b.submit(p, given)
	}
	b.t.Fatalf("the pages do not end; visited %q, step %q\n%s", b.visited, p.step(), p.body)
	return p
}

func (b *browser) send(r *http.Request) page {
	b.t.Helper()
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8") // mod_auth_openidc sends only pages to sign in
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p := page{response.Request.URL.String(), string(body), response.StatusCode, response.Header}
	if to, err := response.Location(); err == nil && b.away != "" && strings.HasPrefix(to.String(), b.away) {
		p.address = to.String()
	}
	return p
}

// submit sends the page's main form, the one with the button `continue`, as a browser does.
func (b *browser) submit(p page, given url.Values) page {
	b.t.Helper()
	base, err := url.Parse(p.address)
	if err != nil {
		b.t.Fatal(err)
	}
	action, fields := p.form(b.t)
	for name := range given {
		fields.Set(name, given.Get(name))
	}
	to, err := base.Parse(action)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, to.String(), strings.NewReader(fields.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", base.Scheme+"://"+base.Host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.send(r)
}

// info is the JSON of mod_auth_openidc's info hook.
type info struct {
	AccessToken  string         `json:"access_token"`
	RefreshToken string         `json:"refresh_token"`
	IDToken      map[string]any `json:"id_token"`
	Userinfo     map[string]any `json:"userinfo"`
}

func (b *browser) info(address string) info {
	b.t.Helper()
	var out info
	p := b.open(address)
	if err := json.Unmarshal([]byte(p.body), &out); err != nil {
		b.t.Fatalf("%s: status %d, %v\n%s", address, p.status, err, p.body)
	}
	return out
}

// step is the data-step of the page's body; empty if it is no page of the provider.
func (p page) step() string {
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		return ""
	}
	for n := range root.Descendants() {
		if n.Data == "body" {
			return attribute(n, "data-step")
		}
	}
	return ""
}

func (p page) form(t *testing.T) (action string, fields url.Values) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	for form := range root.Descendants() {
		if form.Data != "form" {
			continue
		}
		fields, main := url.Values{}, false
		for n := range form.Descendants() {
			main = main || attribute(n, "id") == "continue"
			if n.Data == "input" && attribute(n, "type") == "hidden" {
				fields.Add(attribute(n, "name"), attribute(n, "value"))
			}
		}
		if main {
			return attribute(form, "action"), fields
		}
	}
	t.Fatalf("%s has no form with a button that goes on\n%s", p.address, p.body)
	return "", nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
