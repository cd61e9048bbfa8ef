package web

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"

	"propusk/idp"
)

// postPage is the data of templates/formpost.html.
type postPage struct {
	Lang, Style, Script, Brand string
	Action                     template.URL
	Fields                     []Hidden
}

// safeURL lets the scheme of a native app through, which html/template would not, and never one that runs in the page.
func safeURL(address string) template.URL {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	switch u.Scheme { // Parse makes it lower-case
	case "javascript", "data", "vbscript", "blob", "file", "about":
		return ""
	}
	return template.URL(address)
}

// FormPost answers by response_mode=form_post (OAuth 2.0 Form Post Response Mode): a page of its own policy whose script sends the
// fields to the checked redirect_uri, with a visible button for browsers without it.
func (s *Site) FormPost(w http.ResponseWriter, lang idp.Language, redirectURI string, fields []Hidden) error {
	var out bytes.Buffer
	page := postPage{string(lang), s.assets.style, s.assets.post, s.BrandName(lang), safeURL(redirectURI), fields}
	if err := s.pages[lang].ExecuteTemplate(&out, "formpost", page); err != nil {
		return err
	}
	commonHeaders(w.Header())
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; form-action "+idp.Origin(redirectURI)+
		"; base-uri 'none'; frame-ancestors 'none'")
	_, err := w.Write(out.Bytes())
	return err
}
