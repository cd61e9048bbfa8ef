// Package webtest holds a face's pages to DESIGN.md: golden files, budgets, rules of the HTML, and accessibility in a browser.
package webtest

import (
	"bytes"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"propusk/idp"
	"propusk/idp/web"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Now is the moment of the gallery: 22 November 2026, 14:30 in Moscow.
const Now = 1795347000

// State is one page in one state, as A3-wrong.
type State struct {
	Name   string
	Status int
	Flow   bool // a flow that a portal began
	Page   func(f web.Frame) web.Page
}

// Shot is a state in one language, rendered.
type Shot struct {
	Name string // A3-wrong.ru
	Lang idp.Language
	HTML string
}

// Service is the portal of the gallery.
var Service = &web.Service{Name: "Запись к врачу", Host: "vrach.example.ru"}

// Site makes the site of the gallery.
func Site(t testing.TB, o web.Options) *web.Site {
	t.Helper()
	o.Issuer = "https://id.example.ru"
	site, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// Render renders every state in both languages.
func Render(t testing.TB, site *web.Site, states []State) []Shot {
	t.Helper()
	var shots []Shot
	for _, s := range states {
		for _, lang := range []idp.Language{idp.Russian, idp.English} {
			r := httptest.NewRequest("GET", "/login?request=r1", nil)
			f := site.Frame(r, string(lang), Now)
			f.Request = ""
			f.Self = "?"
			if s.Flow {
				f.Request, f.Self, f.Service, f.FormOrigin = "r1", "?request=r1", Service, "https://vrach.example.ru"
			}
			w := httptest.NewRecorder()
			status := s.Status
			if status == 0 {
				status = http.StatusOK
			}
			if err := site.Render(w, status, s.Page(f)); err != nil {
				t.Errorf("%s.%s: %v", s.Name, lang, err)
				continue
			}
			shots = append(shots, Shot{s.Name + "." + string(lang), lang, w.Body.String()})
		}
	}
	return shots
}

var hashed = regexp.MustCompile(`/assets/(site|sign|post)-[0-9a-f]+\.(css|js|svg)`)

// Golden compares the shots with dir, or rewrites them. The files load the sheet beside them, so that a designer opens them as they are.
func Golden(t *testing.T, site *web.Site, dir string, shots []Shot) {
	t.Helper()
	for _, s := range shots {
		got := hashed.ReplaceAllString(s.HTML, "$1.$2")
		compare(t, filepath.Join(dir, s.Name+".html"), []byte(got))
	}
	if len(shots) == 0 {
		return
	}
	for _, path := range hashed.FindAllString(shots[0].HTML, -1) {
		compare(t, filepath.Join(dir, filepath.Base(hashed.ReplaceAllString(path, "$1.$2"))), Asset(t, site, path))
	}
}

// Asset is a file that a page loads.
func Asset(t testing.TB, site *web.Site, path string) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	site.Assets().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: status %d", path, w.Code)
	}
	return w.Body.Bytes()
}

func compare(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Errorf("%v (go test -update writes it)", err)
		return
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update rewrites it):\n%s", name, cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")))
	}
}
