package relyingparty

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// stand is a portal with its provider.
type stand struct {
	provider *testProvider
	client   *Client
	url      string
}

func newStand(t *testing.T, change ...func(*Config)) *stand {
	t.Helper()
	p := newTestProvider(t)
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	p.redirectURI = server.URL + "/callback"
	config := Config{Issuer: p.URL, ClientID: "portal", ClientSecret: "secret & more", RedirectURL: p.redirectURI,
		Scopes: strings.Fields("openid profile email phone snils offline_access")}
	for _, c := range change {
		c(&config)
	}
	client, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	handler = NewSite(SiteConfig{Client: client, Log: slog.New(slog.DiscardHandler)})
	return &stand{p, client, server.URL}
}

// browser visits the portal; it keeps cookies and remembers the page it is on.
type browser struct {
	t      *testing.T
	stand  *stand
	client *http.Client

	status int
	at     string // path and query
	body   string
	header http.Header
}

func (s *stand) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, stand: s, client: &http.Client{Jar: jar}}
}

func (b *browser) do(method, path string, form url.Values) {
	b.t.Helper()
	target := path
	if !strings.HasPrefix(path, "http") {
		target = b.stand.url + path
	}
	request, err := http.NewRequest(method, target, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.status, b.at, b.body, b.header = response.StatusCode, response.Request.URL.RequestURI(), string(body), response.Header
}

func (b *browser) get(path string)                   { b.t.Helper(); b.do(http.MethodGet, path, nil) }
func (b *browser) post(path string, form url.Values) { b.t.Helper(); b.do(http.MethodPost, path, form) }

// wants holds the page against its status, its step and texts it must contain.
func (b *browser) wants(status int, step string, texts ...string) {
	b.t.Helper()
	if b.status != status {
		b.t.Fatalf("%s: status = %d, want %d\n%s", b.at, b.status, status, b.body)
	}
	if !strings.Contains(b.body, `data-step="`+step+`"`) {
		b.t.Fatalf("%s: page is not %s\n%s", b.at, step, b.body)
	}
	for _, text := range texts {
		if !strings.Contains(b.body, text) {
			b.t.Errorf("%s: page %s lacks %q\n%s", b.at, step, text, b.body)
		}
	}
}

// signIn signs in and lands on /me.
func (b *browser) signIn() {
	b.t.Helper()
	b.get("/login?return=%2Fme")
	b.wants(http.StatusOK, "portal-me")
}

// once returns the hidden field of the form on the page.
func (b *browser) once() string {
	b.t.Helper()
	found := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(b.body)
	if found == nil {
		b.t.Fatalf("no form on %s\n%s", b.at, b.body)
	}
	return found[1]
}

// stopAt makes the browser stay where a redirect would lead to this path and returns a function that tells the address.
func (b *browser) stopAt(path string) func() string {
	var stopped string
	b.client.CheckRedirect = func(request *http.Request, _ []*http.Request) error {
		if request.URL.Path == path {
			stopped = request.URL.String()
			return http.ErrUseLastResponse
		}
		return nil
	}
	return func() string { b.client.CheckRedirect = nil; return stopped }
}
