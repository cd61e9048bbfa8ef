package relyingparty

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// templates holds every page in both languages, parsed at start. The function t is bound to a language, so a template
// names its fixed texts by key and gets everything else as finished strings.
var templates = func() [2]map[string]*template.Template {
	var sets [2]map[string]*template.Template
	for _, l := range []language{russian, english} {
		sets[l] = map[string]*template.Template{}
		for _, name := range []string{"home", "me", "how", "error", "message", "level", "form", "appeals", "appeal", "agency"} {
			page := template.New("layout.html").Funcs(template.FuncMap{"t": func(key string) string { return l.text(key) }})
			sets[l][name] = template.Must(page.ParseFS(templateFiles, "templates/layout.html", "templates/"+name+".html"))
		}
	}
	return sets
}()

// style is the sheet with its path, which changes when the sheet does.
var style, stylePath = func() ([]byte, string) {
	sheet := mustRead("static/style.css")
	sum := sha256.Sum256(sheet)
	return sheet, "/style-" + hex.EncodeToString(sum[:6]) + ".css"
}()

func mustRead(name string) []byte {
	body, err := staticFiles.ReadFile(name)
	if err != nil {
		panic("relyingparty: " + err.Error())
	}
	return body
}

// view is what a handler shows: a template with its heading and its struct.
type view struct {
	name    string
	step    string // data-step
	heading string
	trouble string       // an error of no field, in the summary
	errors  []fieldError // of fields, in the order of the form
	wide    bool
	body    any
}

// fieldError is one sentence, shown in the summary and at its field.
type fieldError struct{ Field, Text string }

// of returns the error of a field, nil if it has none.
func (v view) of(field string) *fieldError {
	for i := range v.errors {
		if v.errors[i].Field == field {
			return &v.errors[i]
		}
	}
	return nil
}

// layoutPage is what layout.html shows around the body.
type layoutPage struct {
	Lang, Other, OtherName, OtherHref string
	Title, Heading, Step, Style       string
	Trouble                           string
	Errors                            []fieldError
	SignedIn, Agency, Wide            bool
	Body                              any
}

// show renders a page into memory and writes it: a template that fails leaves no half page.
func (s *site) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	l := s.language(r)
	_, signedIn := s.client.Session(r)
	page := layoutPage{Lang: l.tag(), Other: l.other().tag(), OtherName: l.text("layout.other"), OtherHref: otherHref(r, l),
		Title: title(l, v), Heading: v.heading, Step: v.step, Style: stylePath, Trouble: v.trouble, Errors: v.errors,
		SignedIn: signedIn, Agency: s.agency, Wide: v.wide, Body: v.body}
	var out bytes.Buffer
	if err := templates[l][v.name].Execute(&out, page); err != nil {
		s.log.ErrorContext(r.Context(), "render page", "page", v.name, "error", err)
		http.Error(w, l.text("message.broken"), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := out.WriteTo(w); err != nil {
		s.log.DebugContext(r.Context(), "write page", "error", err)
	}
}

// title is «{H1} — {site}», with «Ошибка:» in front if there is one; the home page's H1 is the site.
func title(l language, v view) string {
	text := v.heading
	if text != l.text("home.title") {
		text += " — " + l.text("home.title")
	}
	if v.trouble != "" || len(v.errors) > 0 {
		text = l.text("layout.error") + " " + text
	}
	return text
}

// otherHref leads to the same page in the other language. A page that answers a POST or the provider has no address of
// its own to come back to, so its link leads to the nearest page that has.
func otherHref(r *http.Request, l language) string {
	path := r.URL.Path
	switch {
	case path == "/callback" || path == "/login" || !LocalPath(path):
		path = "/"
	case r.Method == http.MethodPost && strings.HasPrefix(path, "/me/"):
		path = "/me"
	case r.Method == http.MethodPost:
		path = strings.TrimSuffix(strings.TrimSuffix(path, "/rate"), "/answer")
	}
	return path + "?lang=" + l.other().tag()
}
