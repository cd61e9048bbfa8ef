package web

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"strconv"

	"propusk/idp"
)

// layout is the data of templates/layout.html: finished strings.
type layout struct {
	Lang, Other, OtherName, OtherLink string
	Title, Step, Place                string
	Style, Script, Icon               string
	Brand                             string
	SignFile                          bool
	HomeLink                          bool
	Stand                             bool
	Wide                              bool
	Service                           *Service
	Summary                           []summaryLine
	Heading                           Text
	Notice                            Text
	Body                              template.HTML
	Return                            Text
	Request                           string
	Leave                             string // action of the form «Вернуться»
	HelpURL                           string
	Session                           int64
}

type summaryLine struct {
	Href string // empty: an error of no field of the page
	Text Text
}

// Render writes a page with its headers. It renders into memory first: with an error nothing is written, and the caller answers with
// Site.Fail.
func (s *Site) Render(w http.ResponseWriter, status int, p Page) error {
	out, err := s.render(p)
	if err != nil {
		return fmt.Errorf("render %s: %w", p.Look().Template, err)
	}
	f := p.page()
	SecurityHeaders(w.Header(), f.FormOrigin, f.Popup)
	if f.choice != nil {
		http.SetCookie(w, f.choice)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.WriteHeader(status)
	_, err = w.Write(out)
	return err
}

func (s *Site) render(p Page) ([]byte, error) {
	look, f := p.Look(), p.page()
	all, ok := s.pages[f.Lang]
	if !ok || f.site != s {
		return nil, fmt.Errorf("the frame is not made by Site.Frame")
	}
	var body bytes.Buffer
	if err := all.ExecuteTemplate(&body, look.Template, p); err != nil {
		return nil, err
	}
	l, err := s.layout(look, f, body.Bytes())
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := all.ExecuteTemplate(&out, "layout", l); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (s *Site) layout(look Look, f Frame, body []byte) (layout, error) {
	other, otherName := idp.English, "English"
	if f.Lang == idp.English {
		other, otherName = idp.Russian, "Русский"
	}
	title, err := s.texts.plain(f.Lang, look.Heading)
	if err != nil {
		return layout{}, err
	}
	title += " — " + s.BrandName(f.Lang)
	if len(f.Problems) > 0 {
		title = s.Text(f.Lang, "layout.error", nil) + ": " + title
	}
	l := layout{
		Lang: string(f.Lang), Other: string(other), OtherName: otherName, OtherLink: languageLink(f.Self, other),
		Title: title, Step: look.Step, Place: string(look.Place), Style: s.assets.style, Script: s.assets.script, Icon: s.assets.sign,
		Brand: s.BrandName(f.Lang), SignFile: s.brand.SignFile != "", HomeLink: !look.Flow, Stand: s.stand, Wide: look.Wide,
		Service: f.Service, Heading: look.Heading, Notice: f.Notice, Body: template.HTML(body),
		Request: f.Request, HelpURL: s.brand.HelpURL, Session: f.SessionLeft,
	}
	f.Variant = look.Variant
	for _, p := range f.Problems {
		line := summaryLine{Text: f.sentence(p)}
		if p.Field != "" && bytes.Contains(body, []byte(` id="`+p.Field+`"`)) {
			line.Href = "#" + p.Field
		}
		l.Summary = append(l.Summary, line)
	}
	if look.Flow {
		l.Leave, l.Return = leave(f)
	}
	return l, nil
}

// leave is where the way out of a flow leads, and its words.
func leave(f Frame) (string, Text) {
	switch {
	case f.Request == "":
		return "/", Say("layout.home")
	case f.Service == nil:
		return "/login/leave", Say("layout.home")
	}
	return "/login/leave", Say("layout.return")
}
