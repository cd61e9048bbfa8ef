package web

import (
	"bytes"
	"net/http"

	"propusk/idp"
)

// postPage is the data of templates/formpost.html.
type postPage struct {
	Lang, Style, Script, Brand, Action string
	Fields                             []Hidden
}

// FormPost answers by response_mode=form_post (OAuth 2.0 Form Post Response Mode): a page of its own policy whose script sends the
// fields to the checked redirect_uri, with a visible button for browsers without it.
func (s *Site) FormPost(w http.ResponseWriter, lang idp.Language, redirectURI string, fields []Hidden) error {
	var out bytes.Buffer
	page := postPage{string(lang), s.assets.style, s.assets.post, s.BrandName(lang), redirectURI, fields}
	if err := s.pages[lang].ExecuteTemplate(&out, "formpost", page); err != nil {
		return err
	}
	commonHeaders(w.Header())
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; form-action "+idp.Origin(redirectURI)+
		"; base-uri 'none'; frame-ancestors 'none'")
	_, err := w.Write(out.Bytes())
	return err
}
