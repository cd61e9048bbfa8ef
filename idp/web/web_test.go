package web

import (
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"propusk/idp"
)

func newSite(t *testing.T, o Options) *Site {
	t.Helper()
	if o.Issuer == "" {
		o.Issuer = "https://id.example.ru"
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAColourThatCannotBeReadStopsTheStart(t *testing.T) {
	for _, c := range []struct {
		brand Brand
		want  []string
	}{
		{Brand{Colour: "#FFD166"}, []string{"IDP_BRAND_COLOR:", "1.44:1 against white", "nearest darker shade that passes is #"}},
		{Brand{ColourCentre: "#767676"}, []string{"IDP_BRAND_COLOR_CENTRE:", "4.16:1 against the ground", "#707070"}},
		{Brand{ColourSystems: "blue"}, []string{"IDP_BRAND_COLOR_SYSTEMS:", "no colour"}},
		{Brand{TimeZone: "Mars/Olympus"}, []string{"IDP_TIME_ZONE"}},
		{Brand{HelpURL: "javascript:1"}, []string{"IDP_HELP_URL"}},
		{Brand{SignFile: "/nowhere.svg"}, []string{"IDP_BRAND_SIGN_FILE"}},
	} {
		_, err := New(Options{Brand: c.brand, Issuer: "https://id.example.ru"})
		if err == nil {
			t.Errorf("%+v: no error", c.brand)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q lacks %q", err, want)
			}
		}
	}
	if got := nearestDarker(colour{0x76, 0x76, 0x76}); contrast(got, colour{0xF6, 0xF5, 0xF1}) < leastContrast {
		t.Errorf("%v does not pass", got)
	}
}

// TestContrastOfTheServedSheet computes every pair of the table of DESIGN.md 1.2 from the sheet.
func TestContrastOfTheServedSheet(t *testing.T) {
	s := newSite(t, Options{})
	sheet := string(s.assets.files[s.assets.style].content)
	tokens := map[string]colour{}
	for _, m := range regexp.MustCompile(`--([a-z-]+):(#[0-9A-F]{6})`).FindAllStringSubmatch(sheet, -1) {
		tokens[m[1]], _ = parseColour(m[2])
	}
	for _, c := range []struct {
		fore, back string
		want       float64
	}{
		{"text", "card", 16}, {"text", "ground", 14.7}, {"muted", "card", 6.5}, {"muted", "ground", 6}, {"card", "primary", 7.9},
		{"card", "primary-dark", 11.1}, {"primary", "ground", 7.2}, {"error", "card", 7.4}, {"error", "error-tint", 6.5}, {"warning", "warning-tint", 11.4},
		{"tag", "warning-tint", 6.8}, {"success", "success-tint", 5.8}, {"line", "card", 4}, {"line", "ground", 3.7}, {"focus", "text", 8},
		{"card", "centre", 9.7}, {"card", "systems", 9.1}, {"stand", "stand-tint", 9.6},
	} {
		fore, ok1 := tokens[c.fore]
		back, ok2 := tokens[c.back]
		if !ok1 || !ok2 {
			t.Errorf("the sheet lacks --%s or --%s", c.fore, c.back)
			continue
		}
		if got := math.Round(contrast(fore, back)*10) / 10; math.Abs(got-c.want) > 0.15 {
			t.Errorf("%s on %s = %.1f, want %.1f", c.fore, c.back, got, c.want)
		}
	}
	for _, bare := range regexp.MustCompile(`#[0-9A-Fa-f]{3,6}\b`).FindAllString(sheet[strings.Index(sheet, "}"):], -1) {
		t.Errorf("the colour %s is not a token", bare)
	}
}

func TestTheColoursOfTheBrandAreServed(t *testing.T) {
	sign := filepath.Join(t.TempDir(), "sign.svg")
	if err := os.WriteFile(sign, []byte("<svg/>"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, Options{Brand: Brand{Colour: "#123456", Name: "Ключ", SignFile: sign}})
	if css := string(s.assets.files["/button.css"].content); !strings.Contains(css, "#123456") || strings.Contains(css, defaultColour) {
		t.Error("the button keeps the default colour")
	}
	w := httptest.NewRecorder()
	if err := s.Render(w, 200, DonePage{Frame: s.Frame(httptest.NewRequest("GET", "/", nil), "ru", 1)}); err != nil {
		t.Fatal(err)
	}
	if body := w.Body.String(); !strings.Contains(body, "Ключ") || !strings.Contains(body, `<img src="/assets/sign-`) || strings.Contains(body, "<svg") {
		t.Errorf("the brand is not shown:\n%s", body)
	}
}

func TestAssetsAreServedForever(t *testing.T) {
	s := newSite(t, Options{})
	for path, want := range map[string][2]string{
		s.assets.style: {"immutable", "same-origin"}, s.assets.script: {"immutable", "same-origin"}, s.assets.sign: {"immutable", "same-origin"},
		"/button.css": {"max-age=3600", "cross-origin"}, "/button.svg": {"max-age=3600", "cross-origin"}, "/favicon.ico": {"max-age=3600", "same-origin"},
	} {
		w := httptest.NewRecorder()
		s.Assets().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), want[0]) || w.Header().Get("Cross-Origin-Resource-Policy") != want[1] {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	w := httptest.NewRecorder()
	s.Assets().ServeHTTP(w, httptest.NewRequest("GET", "/assets/site.css", nil))
	if w.Code != 404 {
		t.Errorf("status = %d", w.Code)
	}
}

func TestHeadersNameTheOriginOfThePortalAlone(t *testing.T) {
	for origin, want := range map[string]string{
		"":                               "form-action 'self';",
		"https://vrach.example.ru":       "form-action 'self' https://vrach.example.ru;",
		"http://localhost:8081":          "form-action 'self' http://localhost:8081;",
		"ru.example.app:":                "form-action 'self' ru.example.app:;",
		"https://x; script-src *":        "form-action 'self';",
		"https://vrach.example.ru/path?": "form-action 'self';",
	} {
		h := http.Header{}
		SecurityHeaders(h, origin, false)
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, want) {
			t.Errorf("%q: %s", origin, csp)
		}
		if h.Get("Cross-Origin-Opener-Policy") != "same-origin" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", h)
		}
	}
	h := http.Header{}
	SecurityHeaders(h, "", true)
	if h.Get("Cross-Origin-Opener-Policy") != "" {
		t.Error("a popup has an opener policy")
	}
}

func TestLanguageIsThatOfTheLinkThenOfThePortalThenOfTheVisitor(t *testing.T) {
	s := newSite(t, Options{})
	const id = "019aa000-0000-7000-8000-000000000001"
	for _, c := range []struct {
		name, target, cookie, accept, locales string
		want                                  idp.Language
	}{
		{"nothing is known", "/login", "", "", "", idp.Russian},
		{"the browser asks", "/login", "", "en-US,en;q=0.9,ru;q=0.8", "", idp.English},
		{"the browser asks for Russian first", "/login", "", "ru,en;q=0.8", "", idp.Russian},
		{"the browser asks for others", "/login", "", "fr", "", idp.Russian},
		{"an earlier choice", "/login", "en", "ru", "", idp.English},
		{"the portal asks", "/login", "en", "ru", "de ru", idp.Russian},
		{"the link was followed", "/login?lang=en", "ru", "ru", "ru", idp.English},
		{"the link is kept with its request", "/login?request=" + id, "en." + id, "ru", "ru", idp.English},
		{"the link of another request is not", "/login?request=" + id, "en.other", "ru", "ru", idp.Russian},
		{"nonsense", "/login?lang=xx", "zz", "%%", "zz", idp.Russian},
	} {
		r := httptest.NewRequest("GET", c.target, nil)
		r.Header.Set("Accept-Language", c.accept)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "__Host-lang", Value: c.cookie})
		}
		if got := s.Language(r, c.locales); got != c.want {
			t.Errorf("%s: got = %s", c.name, got)
		}
	}
	w := httptest.NewRecorder()
	if err := s.Render(w, 200, DonePage{Frame: s.Frame(httptest.NewRequest("GET", "/login?lang=en&request="+id, nil), "", 1)}); err != nil {
		t.Fatal(err)
	}
	if got := w.Header().Get("Set-Cookie"); !strings.HasPrefix(got, "__Host-lang=en."+id+"; Path=/;") || !strings.Contains(got, "Secure") {
		t.Errorf("cookie %q", got)
	}
}

func TestTheLanguageLinkKeepsItsPageAndEchoesNothing(t *testing.T) {
	s := newSite(t, Options{})
	r := httptest.NewRequest("GET", "/authorize?client_id=x&request=r1&evil=1", nil)
	if got := languageLink(s.Frame(r, "", 1).Self, "en"); got != "?lang=en&request=r1" {
		t.Errorf("GET: got = %s", got)
	}
	r = httptest.NewRequest("POST", "/login/password?request=ignored", nil)
	r.PostForm = url.Values{"request": {"r2"}, "password": {"secret"}}
	if got := languageLink(s.Frame(r, "", 1).Self, "en"); got != "/login?lang=en&request=r2" {
		t.Errorf("POST: got = %s", got)
	}
}

func TestTimesAreWrittenAsPeopleReadThem(t *testing.T) {
	s := newSite(t, Options{})
	const now = 1795347000 // 22 November 2026, 14:30 in Moscow
	ru, en := Frame{Lang: idp.Russian, Now: now, site: s}, Frame{Lang: idp.English, Now: now, site: s}
	for _, c := range []struct{ got, want string }{
		{ru.ClockText(now + 300), "14:35 мск"},
		{en.ClockText(now + 300), "14:35 MSK"},
		{ru.ClockText(now + 72*3600), "25 ноября, 14:30 мск"},
		{ru.ClockText(now + 365*86400), "22 ноября 2027, 14:30 мск"},
		{en.ClockText(now + 72*3600), "25 November, 14:30 MSK"},
		{string(ru.Moment(now)), `<time data-local="d" datetime="2026-11-22T14:30:00+03:00">22 ноября, 14:30 мск</time>`},
		{string(ru.ClockSeconds(now + 70)), `<time data-local="s" datetime="2026-11-22T14:31:10+03:00">14:31:10 мск</time>`},
		{string(ru.Day(now)), `<time datetime="2026-11-22">22 ноября 2026</time>`},
		{ru.Left(now + 40), "0:40"}, {ru.Left(now + 252), "4:12"}, {ru.Left(now - 5), "0:00"},
	} {
		if c.got != c.want {
			t.Errorf("got = %s, want %s", c.got, c.want)
		}
	}
	s = newSite(t, Options{Brand: Brand{TimeZone: "Asia/Yekaterinburg"}})
	if got := (Frame{Lang: idp.Russian, Now: now, site: s}).ClockText(now); got != "16:30 UTC+5" {
		t.Errorf("got = %s", got)
	}
}

func TestAgentsAreTold(t *testing.T) {
	const blink = "Mozilla/5.0 (%) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 "
	agent := func(system, rest string) string { return strings.Replace(blink, "%", system, 1) + rest }
	for in, want := range map[string]string{
		agent("Windows NT 10.0; Win64; x64", "Safari/537.36"):                           "Chrome, Windows",
		agent("Windows NT 10.0", "Safari/537.36 Edg/156.0"):                             "Edge, Windows",
		agent("Linux; Android 16; K", "YaBrowser/26.1 Mobile Safari/537.36"):            "Яндекс Браузер, Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19 Safari/60":   "Safari, iPhone",
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0":        "Firefox, Linux",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) AppleWebKit Version/19 Safari/60": "Safari, macOS",
		"curl/8.5": "curl",
		"<script>": "неизвестное устройство",
		"":         "неизвестное устройство",
	} {
		if got := Agent(in, idp.Russian); got != want {
			t.Errorf("%s: got = %s, want %s", in, got, want)
		}
	}
}

func TestFormPostHasAPolicyOfItsOwn(t *testing.T) {
	s := newSite(t, Options{})
	w := httptest.NewRecorder()
	if err := s.FormPost(w, idp.English, "https://vrach.example.ru/cb?a=1", []Hidden{{"code", `"><b>`}, {"state", "s"}}); err != nil {
		t.Fatal(err)
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "form-action https://vrach.example.ru;") || strings.Contains(csp, "'self' https") {
		t.Errorf("policy %s", csp)
	}
	body := w.Body.String()
	for _, want := range []string{`action="https://vrach.example.ru/cb?a=1"`, `value="&#34;&gt;&lt;b&gt;"`, `id="continue">Continue<`, s.assets.post} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s:\n%s", want, body)
		}
	}
	app := httptest.NewRecorder()
	if err := s.FormPost(app, idp.Russian, "ru.example.app:/cb", nil); err != nil || !strings.Contains(app.Body.String(), `action="ru.example.app:/cb"`) {
		t.Errorf("an app: %v\n%s", err, app.Body)
	}
}

func TestTheLastResortNeedsNothing(t *testing.T) {
	s := newSite(t, Options{})
	w := httptest.NewRecorder()
	s.Fail(w, ErrorPage{Trouble: Broken, Reference: "E7K2-41QD"}) // a frame that no site made cannot be rendered
	if body := w.Body.String(); w.Code != 500 || !strings.Contains(body, "E7K2-41QD") || !strings.Contains(body, "Попробуйте ещё раз") || w.Header().Get("X-Reference") != "E7K2-41QD" {
		t.Errorf("%d %v\n%s", w.Code, w.Header(), body)
	}
	w = httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/x", nil)
	s.Fail(w, ErrorPage{Frame: s.Frame(r, "", 100), Trouble: TooMany, Until: 140})
	if w.Code != 429 || w.Header().Get("Retry-After") != "40" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
