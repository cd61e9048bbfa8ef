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
