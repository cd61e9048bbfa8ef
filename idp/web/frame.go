package web

import (
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"propusk/idp"
)

// Frame is what every page needs besides its own data. Made by Site.Frame and embedded in the struct of a page.
type Frame struct {
	Lang         idp.Language
	Now          int64        // seconds since the epoch
	Self         string       // address of this page by GET, for the language link
	Request      string       // id of the login, in a hidden field of every form and in links; empty: none
	Registration string       // id of the registration, likewise
	Account      string       // the account that the forms are drawn for, likewise
	Service      *Service     // the portal that began the flow; nil: none did
	FormOrigin   string       // idp.Origin of the redirect_uri, where a POST from the page may end in the portal
	Popup        bool         // the portal signs in by a popup
	Problems     idp.Problems // what is wrong with the form, in the order of its fields
	Variant      string       // of the texts of problems, as in Look
	Notice       Text         // what has just been done, spoken once
	SessionLeft  int64        // seconds until the session ends; 0: not told

	site   *Site
	choice *http.Cookie
}

// Service is the portal of a flow as the citizen sees it.
type Service struct {
	Name string // as registered
	Host string // of this request's redirect_uri
}

// Look is what a page says of itself.
type Look struct {
	Template string // the name of its file without .html
	Step     string // data-step
	Heading  Text   // H1 and title
	Flow     bool   // a step of a login or a registration: no way out but «Вернуться в сервис»
	Wide     bool   // 60rem
	Place    Place
	Variant  string // of the texts of problems: error.<code>.<variant> is taken before error.<code>
}

// Place is the part of the site that a page belongs to.
type Place string

// The parts. The two consoles carry a bar and their name (DESIGN.md 1.4).
const (
	Citizens Place = ""
	Centre   Place = "centre"
	Systems  Place = "systems"
)

// Page is one page: a struct that embeds Frame and knows its look.
type Page interface {
	Look() Look
	page() Frame
}

func (f Frame) page() Frame { return f }

// With adds the problems within err, if there are any: those of idp.Problems, or the one idp.Error.
func (f Frame) With(err error) Frame {
	f.Problems = idp.ProblemsOf(err)
	return f
}

// Brand is how the installation calls itself.
func (f Frame) Brand() string { return f.site.BrandName(f.Lang) }

// SiteHost is the host of the issuer.
func (f Frame) SiteHost() string { return f.site.host }

// HelpPhone is the phone of help; empty: none.
func (f Frame) HelpPhone() string { return f.site.brand.HelpPhone }

// Stand tells whether this is `idp dev`.
func (f Frame) Stand() bool { return f.site.stand }

// Query is the query that leads from a page of the flow to another: ?request=…, or nothing.
func (f Frame) Query() template.URL {
	var parts []string
	for _, p := range [][2]string{{"request", f.Request}, {"registration", f.Registration}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+template.URLQueryEscaper(p[1]))
		}
	}
	if parts == nil {
		return ""
	}
	return template.URL("?" + strings.Join(parts, "&"))
}

// Problem is the sentence about a field of the form; the zero Text if nothing is wrong with it.
func (f Frame) Problem(field string) Text {
	for _, p := range f.Problems {
		if p.Field == field {
			return f.sentence(p)
		}
	}
	return Text{}
}

// lacks are the kinds of signs that a password may lack, in the order in which they are named: an argument of the code
// password.lacks and its word.
var lacks = [][2]string{{"upper", "password.lacks.upper"}, {"lower", "password.lacks.lower"}, {"digit", "password.lacks.digit"}}

// sentence is the text of a problem: of its code at its field, else of its code. A code without a text says only that the field is to
// be checked. {until} is given as seconds since the epoch.
func (f Frame) sentence(p *idp.Error) Text {
	key := "error." + p.Code
	for _, of := range []string{f.Variant, p.Field} {
		if f.site.texts.has(key + "." + of) {
			key += "." + of
			break
		}
	}
	if !f.site.texts.has(key) {
		key = "error.unknown"
	}
	args := Args{}
	for name, value := range p.Args {
		args[name] = value
	}
	if at, err := strconv.ParseInt(p.Args["until"], 10, 64); err == nil {
		args["until"] = f.ClockText(at)
	}
	var words []string
	for _, l := range lacks {
		if p.Args[l[0]] != "" {
			words = append(words, f.site.Text(f.Lang, l[1], nil))
		}
	}
	args["list"] = strings.Join(words, ", ")
	return Text{key, args}
}

// Sentence is the text of an error for a person, without marks, for faces that answer with something else than a page.
func (f Frame) Sentence(err error) string {
	var e *idp.Error
	if !errors.As(err, &e) {
		return ""
	}
	out, _ := f.site.texts.plain(f.Lang, f.sentence(e))
	return out
}

// Word is a text of the catalogue without marks, for values that a struct holds; empty for an empty key.
func (f Frame) Word(key string) string {
	if key == "" {
		return ""
	}
	return f.site.Text(f.Lang, key, nil)
}

// Field is one input with its label, hint and problem.
type Field struct {
	Name         string // of the input; its id is the same
	Label        Text
	Hint         Text
	Type         string // "text" if empty
	InputMode    string
	Autocomplete string
	Capitals     bool   // a phone's keyboard may begin with a capital letter: names
	Value        string // as typed; never a password, never a code
	Class        string
	DescribedBy  string // ids of further texts about the field
	Problem      Text
}

// Field completes a field of the form: its problem, and the default type.
func (f Frame) Field(d Field) Field {
	d.Problem = f.Problem(d.Name)
	if d.Type == "" {
		d.Type = "text"
	}
	return d
}

// Wrong tells whether the field has a problem.
func (d Field) Wrong() bool { return d.Problem.Key != "" }

// Described lists the ids of the texts about the field: problem, hint, others.
func (d Field) Described() string {
	var ids []string
	if d.Wrong() {
		ids = append(ids, d.Name+"-error")
	}
	if d.Hint.Key != "" {
		ids = append(ids, d.Name+"-hint")
	}
	if d.DescribedBy != "" {
		ids = append(ids, d.DescribedBy)
	}
	return strings.Join(ids, " ")
}
