package idptest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"golang.org/x/net/html"

	"propusk/idp"
	"propusk/idp/stand"
)

// Browser visits pages, keeps cookies and presses buttons. It reports its first error to the test and does nothing after it,
// so that a journey reads as a list of steps.
//
// It goes where redirects lead on this machine; at any other host, as the redirect address of a client, it stops and the
// answer stands in At.
type Browser struct {
	At     *url.URL // where it is
	Status int      // of the last answer; that of the redirect where it stopped
	Header http.Header
	Body   string
	Agent  string // User-Agent
	idp    *IdP
	t      testing.TB
	client *http.Client
	doc    *html.Node
	err    error
}

// Browser opens a browser without cookies.
func (p *IdP) Browser() *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	at, _ := url.Parse(p.Issuer)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Browser{At: at, idp: p, t: p.t, client: &http.Client{Jar: jar, CheckRedirect: stay, Timeout: time.Minute},
		Agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"}
}

// In makes the browser report to a subtest while that runs.
func (b *Browser) In(t testing.TB) *Browser {
	before := b.t
	b.t = t
	t.Cleanup(func() { b.t = before })
	return b
}

// Err is the first error.
func (b *Browser) Err() error { return b.err }

// Must ends the test if there was an error.
func (b *Browser) Must() {
	b.t.Helper()
	if b.err != nil {
		b.t.FailNow()
	}
}

func (b *Browser) fail(format string, args ...any) {
	b.t.Helper()
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
		b.t.Errorf("%v\nat %s: %d\n%s", b.err, b.At, b.Status, b.Text())
	}
}

// Get opens an address, or a path of the present host.
func (b *Browser) Get(ref string) { b.t.Helper(); b.visit(http.MethodGet, ref, nil, "none") }

// Post sends a form from a page of another site.
func (b *Browser) Post(ref string, form url.Values) {
	b.t.Helper()
	b.visit(http.MethodPost, ref, form, "cross-site")
}

const maxRedirects = 10

func (b *Browser) visit(method, ref string, form url.Values, site string) {
	b.t.Helper()
	for range maxRedirects {
		if b.err != nil {
			return
		}
		target, err := b.At.Parse(ref)
		if err != nil {
			b.fail("bad address %q: %v", ref, err)
			return
		}
		b.At = target
		if host := target.Hostname(); host != "localhost" && host != "127.0.0.1" {
			b.Body, b.doc = "", nil
			return
		}
		ref = b.once(method, form, site)
		if ref == "" {
			return
		}
		if b.Status != http.StatusTemporaryRedirect && b.Status != http.StatusPermanentRedirect {
			method, form = http.MethodGet, nil
		}
	}
	b.fail("more than %d redirects", maxRedirects)
}

// once sends one request and returns where it redirects to.
func (b *Browser) once(method string, form url.Values, site string) string {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.At.String(), strings.NewReader(form.Encode()))
	if err != nil {
		b.fail("%v", err)
		return ""
	}
	r.Header.Set("User-Agent", b.Agent)
	r.Header.Set("Accept-Language", "ru")
	r.Header.Set("Sec-Fetch-Site", site)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := *b.client
	if site == "cross-site" && method == http.MethodPost {
		client.Jar = nil // our cookies are SameSite=Lax
	}
	answer, err := client.Do(r)
	if err != nil {
		b.fail("%v", err)
		return ""
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.fail("%v", err)
		return ""
	}
	b.Status, b.Header, b.Body = answer.StatusCode, answer.Header, string(body)
	b.doc, _ = html.Parse(strings.NewReader(b.Body))
	return answer.Header.Get("Location")
}

// Step is the data-step of the page, empty where there is no page.
func (b *Browser) Step() string {
	if body := b.find(func(n *html.Node) bool { return n.Data == "body" }); body != nil {
		return attribute(body, "data-step")
	}
	return ""
}

// Wants holds the page against its step and texts.
func (b *Browser) Wants(step string, texts ...string) {
	b.t.Helper()
	if b.err != nil {
		return
	}
	if got := b.Step(); got != step {
		b.fail("step = %q, want %q", got, step)
		return
	}
	shown := b.Text()
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			b.fail("page %s lacks %q", step, text)
		}
	}
}

// WantsStatus holds the last answer against its status.
func (b *Browser) WantsStatus(status int) {
	b.t.Helper()
	if b.err == nil && b.Status != status {
		b.fail("status = %d, want %d", b.Status, status)
	}
}

// Text is what the page says, its white space folded.
func (b *Browser) Text() string {
	var out []string
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			out = append(out, strings.Fields(n.Data)...)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	if body := b.find(func(n *html.Node) bool { return n.Data == "body" }); body != nil {
		walk(body)
	}
	return strings.Join(out, " ")
}

// Submit fills the form of a button with pairs of name and value and presses the button; a link is followed.
func (b *Browser) Submit(id string, pairs ...string) {
	b.t.Helper()
	if b.err != nil {
		return
	}
	button := b.find(func(n *html.Node) bool { return attribute(n, "id") == id })
	if button == nil {
		b.fail("no button %q", id)
		return
	}
	b.press(button, pairs)
}

// SubmitChoice presses the button of a name and value.
func (b *Browser) SubmitChoice(name, value string, pairs ...string) {
	b.t.Helper()
	if b.err != nil {
		return
	}
	button := b.find(func(n *html.Node) bool {
		return n.Data == "button" && attribute(n, "name") == name && attribute(n, "value") == value
	})
	if button == nil {
		b.fail("no button %s=%s", name, value)
		return
	}
	b.press(button, pairs)
}

// SubmitTo presses the button of the form that goes to a path.
func (b *Browser) SubmitTo(action string, pairs ...string) {
	b.t.Helper()
	if b.err != nil {
		return
	}
	button := b.find(func(n *html.Node) bool {
		form := parent(n, "form")
		return n.Data == "button" && form != nil && attribute(form, "action") == action
	})
	if button == nil {
		b.fail("no form to %s", action)
		return
	}
	b.press(button, pairs)
}

// Follow opens the first link whose address contains a text.
func (b *Browser) Follow(part string) {
	b.t.Helper()
	if b.err != nil {
		return
	}
	link := b.find(func(n *html.Node) bool { return n.Data == "a" && strings.Contains(attribute(n, "href"), part) })
	if link == nil {
		b.fail("no link to %s", part)
		return
	}
	b.press(link, nil)
}

func (b *Browser) press(button *html.Node, pairs []string) {
	b.t.Helper()
	if button.Data == "a" {
		b.visit(http.MethodGet, attribute(button, "href"), nil, "same-origin")
		return
	}
	form := parent(button, "form")
	if form == nil {
		b.fail("the button stands in no form")
		return
	}
	values := fields(form)
	if name := attribute(button, "name"); name != "" {
		values.Set(name, attribute(button, "value"))
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if !hasField(form, pairs[i]) {
			b.fail("the form has no field %q", pairs[i])
			return
		}
		values.Set(pairs[i], pairs[i+1])
	}
	action := attribute(form, "action")
	if !strings.EqualFold(attribute(form, "method"), "post") {
		b.visit(http.MethodGet, action+"?"+values.Encode(), nil, "same-origin")
		return
	}
	b.visit(http.MethodPost, action, values, "same-origin")
}

// SignIn proves who a citizen is, by whatever the pages ask for, and ends at the page after.
func (b *Browser) SignIn(c stand.Citizen) {
	b.t.Helper()
	login := string(c.Phone)
	if login == "" {
		login = string(c.Email)
	}
	b.Wants("login")
	b.Submit("continue", "login", login, "password", c.Password)
	b.SecondFactor(c)
}

// SecondFactor types the code that the page asks for, if it does.
func (b *Browser) SecondFactor(c stand.Citizen) {
	b.t.Helper()
	if b.err != nil {
		return
	}
	switch {
	case b.Step() == "code" && c.SecondFactor == idp.SMSFactor:
		b.Submit("continue", "code", b.idp.Message(string(c.Phone)).Code)
	case b.Step() == "totp":
		code, err := totp.GenerateCode(c.TOTPSecret, time.Now())
		if err != nil {
			b.fail("%v", err)
		}
		b.Submit("continue", "code", code)
	}
}

func (b *Browser) find(match func(*html.Node) bool) *html.Node {
	if b.doc == nil {
		return nil
	}
	for n := range b.doc.Descendants() {
		if n.Type == html.ElementNode && match(n) {
			return n
		}
	}
	return nil
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func parent(n *html.Node, name string) *html.Node {
	for n = n.Parent; n != nil; n = n.Parent {
		if n.Data == name {
			return n
		}
	}
	return nil
}

// fields are the values that a form sends without anybody typing.
func fields(form *html.Node) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		if n.Data != "input" || attribute(n, "name") == "" {
			continue
		}
		kind := attribute(n, "type")
		ticked := slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "checked" })
		if kind == "checkbox" && !ticked || kind == "radio" && !ticked {
			continue
		}
		values.Add(attribute(n, "name"), attribute(n, "value"))
	}
	return values
}

func hasField(form *html.Node, name string) bool {
	for n := range form.Descendants() {
		if n.Type == html.ElementNode && n.Data != "button" && attribute(n, "name") == name {
			return true
		}
	}
	return false
}
