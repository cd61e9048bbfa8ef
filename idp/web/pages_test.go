package web_test

import (
	"strings"
	"testing"

	"propusk/idp"
	"propusk/idp/web"
	"propusk/idp/web/webtest"
)

const pagesDir = "../../testdata/pages"

type page = func(f web.Frame) web.Page

func trouble(t web.Trouble, until int64) page {
	return func(f web.Frame) web.Page {
		return web.ErrorPage{Frame: f, Trouble: t, Reference: "E7K2-41QD", Until: until}
	}
}

var detail = &web.StandDetail{
	Parameter: "redirect_uri", Came: "http://localhost:8081/calback", Expected: "один из зарегистрированных адресов, знак в знак",
	Nearest: "http://localhost:8081/callback", Mend: "Исправьте адрес в запросе или добавьте этот в redirect_uris системы.",
	DocsURL: "/docs/errors/redirect_uri_mismatch",
}

func states() []webtest.State {
	return []webtest.State{
		{Name: "H2", Status: 404, Page: trouble(web.PageMissing, 0)},
		{Name: "H3", Status: 429, Page: trouble(web.TooMany, webtest.Now+90)},
		{Name: "H3-minute", Status: 429, Page: trouble(web.TooMany, 0)},
		{Name: "H4", Status: 500, Page: trouble(web.Broken, 0)},
		{Name: "H5", Status: 503, Page: trouble(web.Unavailable, 0)},
		{Name: "H5-works", Status: 503, Page: trouble(web.Unavailable, webtest.Now+45000)},
		{Name: "H6", Status: 403, Page: trouble(web.Foreign, 0)},
		{Name: "H7", Status: 400, Page: trouble(web.Unreadable, 0)},
		{Name: "H7-flow", Status: 400, Flow: true, Page: trouble(web.Unreadable, 0)},
		{Name: "A13", Page: func(f web.Frame) web.Page {
			return web.LogoutPage{Frame: f, Services: []string{"Запись к врачу", "Портал обращений"}, Hidden: []web.Hidden{{Name: "logout", Value: "l1"}}}
		}},
		{Name: "A13-none", Page: func(f web.Frame) web.Page { return web.LogoutPage{Frame: f} }},
		{Name: "A13b", Page: func(f web.Frame) web.Page { return web.SignedOutPage{Frame: f} }},
		{Name: "A13b-silent", Page: func(f web.Frame) web.Page {
			return web.SignedOutPage{Frame: f, Silent: []string{"Запись к врачу"}}
		}},
		{Name: "A17", Status: 400, Page: func(f web.Frame) web.Page {
			return web.ClientErrorPage{Frame: f, Name: "Запись к врачу", Reference: "E7K2-41QD", ReturnURL: "https://vrach.example.ru/callback?error=invalid_request", Detail: detail}
		}},
		{Name: "A17-unknown", Status: 400, Page: func(f web.Frame) web.Page { return web.ClientErrorPage{Frame: f, Reference: "E7K2-41QD"} }},
		{Name: "A21", Status: 410, Page: func(f web.Frame) web.Page {
			return web.ExpiredPage{Frame: f, Name: "Запись к врачу", StartURL: "https://vrach.example.ru/"}
		}},
		{Name: "A21-unknown", Status: 410, Page: func(f web.Frame) web.Page { return web.ExpiredPage{Frame: f} }},
		{Name: "A21-signup", Status: 410, Page: func(f web.Frame) web.Page { return web.ExpiredPage{Frame: f, StartURL: "/signup", Signup: true} }},
		{Name: "A22", Page: func(f web.Frame) web.Page { return web.DonePage{Frame: f, OpenURL: "https://vrach.example.ru/"} }},
		{Name: "A22-cabinet", Page: func(f web.Frame) web.Page { return web.DonePage{Frame: f} }},
		{Name: "A23", Page: func(f web.Frame) web.Page {
			return web.OtherBrowserPage{Frame: f, StartURL: "https://vrach.example.ru/"}
		}},
		{Name: "A23-cookies", Page: func(f web.Frame) web.Page { return web.OtherBrowserPage{Frame: f, NoCookies: true} }},
	}
}

// inStand are the states that differ on the stand.
func inStand() []webtest.State {
	var out []webtest.State
	for _, s := range states() {
		if s.Name == "A17" || s.Name == "H2" {
			s.Name += "-stand"
			out = append(out, s)
		}
	}
	return out
}

func shots(t testing.TB) (*web.Site, []webtest.Shot) {
	site := webtest.Site(t, web.Options{})
	all := webtest.Render(t, site, states())
	return site, append(all, webtest.Render(t, webtest.Site(t, web.Options{Stand: true}), inStand())...)
}

func TestPagesMatchTheGalleryAndTheRules(t *testing.T) {
	site, all := shots(t)
	webtest.Golden(t, site, pagesDir, all)
	webtest.Check(t, site, all)
}

func TestPagesAreAccessibleInABrowser(t *testing.T) {
	site, all := shots(t)
	webtest.Browse(t, site, all)
}

func TestTheDetailsOfARequestAreShownOnTheStandAlone(t *testing.T) {
	_, all := shots(t)
	for _, s := range all {
		if shown := strings.Contains(s.HTML, "calback"); shown != strings.HasPrefix(s.Name, "A17-stand") {
			t.Errorf("%s: details shown = %v", s.Name, shown)
		}
		if banner := strings.Contains(s.HTML, `class="stand"`); banner != strings.Contains(s.Name, "-stand") {
			t.Errorf("%s: banner = %v", s.Name, banner)
		}
	}
}

func TestKindsOfErrorsHaveTheirPages(t *testing.T) {
	for kind, want := range map[idp.Kind]int{idp.NotFound: 404, idp.TooMany: 429, idp.Unavailable: 503, idp.Denied: 403, idp.Invalid: 400, "": 500} {
		if got := (web.ErrorPage{Trouble: web.TroubleOf(kind)}).Status(); got != want {
			t.Errorf("TroubleOf(%q) has status %d, want %d", kind, got, want)
		}
	}
}
