package cabinet

import (
	"io/fs"
	"strings"
	"testing"

	"propusk/idp"
	"propusk/idp/web"
	"propusk/idp/web/webtest"
)

const pagesDir = "../../testdata/pages"

func testSite(t testing.TB) *web.Site {
	return webtest.Site(t, web.Options{Faces: []fs.FS{Files}})
}

func TestPagesMatchTheGalleryAndTheRules(t *testing.T) {
	site := testSite(t)
	shots := webtest.Render(t, site, gallery())
	webtest.Golden(t, site, pagesDir, shots)
	webtest.Check(t, site, shots)
}

func TestPagesAreAccessibleInABrowser(t *testing.T) {
	site := testSite(t)
	webtest.Browse(t, site, webtest.Render(t, site, gallery()))
}

// wrong makes the frame of a form with problems: "field code name=value ...".
func wrong(f web.Frame, problems ...string) web.Frame {
	for _, p := range problems {
		words := strings.Split(p, " ")
		e := idp.Wrong(words[0], words[1])
		if words[0] == "-" {
			e.Field = ""
		}
		for _, arg := range words[2:] {
			name, value, _ := strings.Cut(arg, "=")
			if e.Args == nil {
				e.Args = map[string]string{}
			}
			e.Args[name] = value
		}
		f.Problems = append(f.Problems, e)
	}
	return f
}

func TestTheVersionsInForceAreThere(t *testing.T) {
	for name, version := range map[DocumentName]string{Terms: TermsVersion, Privacy: PrivacyVersion} {
		if got := DocumentVersions(name); len(got) == 0 || got[0] != version {
			t.Errorf("versions of %s = %v, in force is %s", name, got, version)
		}
	}
	if got := DocumentVersions("../x"); got != nil {
		t.Errorf("got = %v", got)
	}
}

func TestEveryVersionOfATextIsInBothLanguages(t *testing.T) {
	site := testSite(t)
	for _, name := range []DocumentName{Help, Accessibility, Privacy, Terms} {
		for _, v := range DocumentVersions(name) {
			states := []webtest.State{{Name: string(name), Page: func(f web.Frame) web.Page { return DocumentPage{f, name, v} }}}
			if got := webtest.Render(t, site, states); len(got) != 2 || !strings.Contains(got[0].HTML, "<h2") {
				t.Errorf("%s of %s is not rendered", name, v)
			}
		}
	}
}
