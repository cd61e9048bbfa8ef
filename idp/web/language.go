package web

import (
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/text/language"

	"propusk/idp"
)

var matcher = language.NewMatcher([]language.Tag{language.Russian, language.English})

// Language chooses the language of a page (DESIGN.md 2.8): the link in the header, kept with its request; then ui_locales (empty:
// none), the visitor's earlier choice, Accept-Language, Russian.
func (s *Site) Language(r *http.Request, uiLocales string) idp.Language {
	if lang, ok := chosenNow(r); ok {
		return lang
	}
	earlier, request := s.languageCookie(r)
	if earlier != "" && request != "" && request == formValue(r, "request") {
		return earlier
	}
	for _, tag := range strings.Fields(uiLocales) {
		if lang, ok := idp.ParseLanguage(tag); ok {
			return lang
		}
	}
	if earlier != "" {
		return earlier
	}
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err == nil && len(tags) > 0 {
		if _, i, c := matcher.Match(tags...); i == 1 && c > language.No {
			return idp.English
		}
	}
	return idp.Russian
}

// chosenNow is the language of a link that was just followed.
func chosenNow(r *http.Request) (idp.Language, bool) {
	switch lang := idp.Language(r.URL.Query().Get("lang")); lang {
	case idp.Russian, idp.English:
		return lang, true
	}
	return "", false
}

// formValue reads the query, or the form if the handler has parsed it: never the body itself.
func formValue(r *http.Request, name string) string {
	if r.PostForm != nil && r.PostForm.Has(name) {
		return r.PostForm.Get(name)
	}
	return r.URL.Query().Get(name)
}

// languageCookie is the earlier choice and the request in which it was made.
func (s *Site) languageCookie(r *http.Request) (idp.Language, string) {
	c, err := r.Cookie(s.languageName)
	if err != nil {
		return "", ""
	}
	value, request, _ := strings.Cut(c.Value, ".")
	switch lang := idp.Language(value); lang {
	case idp.Russian, idp.English:
		return lang, request
	}
	return "", ""
}

// choice is the cookie that keeps the language of a link that was just followed; nil without one.
func (s *Site) choice(r *http.Request) *http.Cookie {
	lang, ok := chosenNow(r)
	if !ok {
		return nil
	}
	value := string(lang)
	if id := r.URL.Query().Get("request"); idp.ID(id).Bytes() != [16]byte{} {
		value += "." + id
	}
	return &http.Cookie{Name: s.languageName, Value: value, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode}
}

// languageLink is the address of the same page in the other language.
func languageLink(self string, lang idp.Language) string {
	if self == "" {
		self = "?"
	}
	u, err := url.Parse(self)
	if err != nil {
		return "?lang=" + string(lang)
	}
	q := u.Query()
	q.Set("lang", string(lang))
	u.RawQuery = q.Encode()
	return u.String()
}

// keptInLinks are the parameters of a query that the language link repeats; others are not echoed.
var keptInLinks = []string{"request", "registration"}

// selfOf is the address of a page by GET: relative for a GET, the first step of the path for an answer to POST.
func selfOf(r *http.Request) string {
	q := url.Values{}
	for _, name := range keptInLinks {
		if v := formValue(r, name); v != "" {
			q.Set(name, v)
		}
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return "?" + q.Encode()
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return "/" + url.PathEscape(first) + "?" + q.Encode()
}
