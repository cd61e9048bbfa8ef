package web

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"propusk/idp"
)

//go:embed templates texts
var own embed.FS

//go:embed assets
var assetFiles embed.FS

// Options are what a Site is made of.
type Options struct {
	Brand  Brand
	Issuer string  // public URL: its scheme and host decide the name of the cookie of the language
	Stand  bool    // `idp dev`: the banner on every page, and the details of A17
	Faces  []fs.FS // the embedded files of each face: templates/*.html and texts/*.json; names and keys stand once in all
}

// Site renders the pages of every face. It is made once and never changes; all methods may be called at the same time.
type Site struct {
	brand        Brand
	stand        bool
	host         string
	secure       bool
	languageName string
	zone         *time.Location
	texts        catalogue
	pages        map[idp.Language]*template.Template
	assets       assets
}

// New checks the brand, reads the texts and parses the templates of all faces. Errors name the setting or the file.
func New(o Options) (*Site, error) {
	if err := o.Brand.Check(); err != nil {
		return nil, err
	}
	s := &Site{brand: o.Brand.withDefaults(), stand: o.Stand, texts: catalogue{}}
	var err error
	if s.zone, err = time.LoadLocation(s.brand.TimeZone); err != nil {
		return nil, fmt.Errorf("IDP_TIME_ZONE: %w", err)
	}
	issuer, err := url.Parse(o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("IDP_ISSUER: %w", err)
	}
	s.host, s.secure = issuer.Host, issuer.Scheme != "http"
	s.languageName = "__Host-lang"
	if !s.secure {
		s.languageName = "lang" + issuer.Port()
	}
	if s.assets, err = newAssets(s.brand); err != nil {
		return nil, err
	}
	faces := append([]fs.FS{own}, o.Faces...)
	for _, face := range faces {
		if err := s.texts.load(face); err != nil {
			return nil, err
		}
	}
	s.pages = map[idp.Language]*template.Template{}
	for _, lang := range []idp.Language{idp.Russian, idp.English} {
		if s.pages[lang], err = s.parse(lang, faces); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// parse reads every template of the faces for one language; the name of a template is that of its file.
func (s *Site) parse(lang idp.Language, faces []fs.FS) (*template.Template, error) {
	all := template.New("").Funcs(template.FuncMap{"t": s.texts.textFunc(lang), "raw": s.texts.raw(lang), "url": safeURL})
	for _, face := range faces {
		names, err := fs.Glob(face, "templates/*.html")
		if err != nil {
			return nil, err
		}
		for _, file := range names {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if all.Lookup(name) != nil {
				return nil, fmt.Errorf("two templates are named %s", name)
			}
			source, err := fs.ReadFile(face, file)
			if err != nil {
				return nil, err
			}
			if _, err := all.New(name).Parse(string(source)); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// BrandName is how the installation calls itself in a language.
func (s *Site) BrandName(lang idp.Language) string {
	if lang == idp.English {
		return s.brand.NameEN
	}
	return s.brand.Name
}

// Host is the host of the issuer, as people read it.
func (s *Site) Host() string { return s.host }

// Frame begins a page of an answer to r. uiLocales is that of the portal's request, or empty; now is the time of the request,
// seconds since the epoch. The caller fills the rest.
func (s *Site) Frame(r *http.Request, uiLocales string, now int64) Frame {
	return Frame{
		Lang: s.Language(r, uiLocales), Now: now, Self: selfOf(r), Request: formValue(r, "request"),
		Registration: formValue(r, "registration"), site: s, choice: s.choice(r),
	}
}
