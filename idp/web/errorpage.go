package web

import (
	"html"
	"log/slog"
	"net/http"
	"strconv"

	"propusk/idp"
)

// Trouble is a kind of error page (DESIGN.md H2-H7).
type Trouble string

// The kinds, with their status.
const (
	PageMissing Trouble = "missing"     // 404
	TooMany     Trouble = "too_many"    // 429
	Broken      Trouble = "broken"      // 500
	Unavailable Trouble = "unavailable" // 503
	Foreign     Trouble = "foreign"     // 403: the request came from another site
	Unreadable  Trouble = "unreadable"  // 400; the caller may give 413 or 415
)

// TroubleOf is the error page of a kind of error; Broken for an error without a kind.
func TroubleOf(kind idp.Kind) Trouble {
	switch kind {
	case idp.NotFound, idp.Gone:
		return PageMissing
	case idp.TooMany:
		return TooMany
	case idp.Unavailable:
		return Unavailable
	case idp.Denied, idp.Unauthenticated:
		return Foreign
	case idp.Invalid, idp.Conflict:
		return Unreadable
	}
	return Broken
}

// ErrorPage is one of the pages H2-H7.
type ErrorPage struct {
	Frame
	Trouble   Trouble
	Reference string // every refusal has one: it also goes to the header X-Reference
	Until     int64  // TooMany: when to come again; Unavailable: the end of planned works; 0: not known
	What      string // Unreadable: the field or the file and its limit, in words; empty: not known
	Retry     string // path of our own that [Повторить] opens; empty: the page itself
}

// Status is the status of the answer.
func (p ErrorPage) Status() int {
	switch p.Trouble {
	case PageMissing:
		return http.StatusNotFound
	case TooMany:
		return http.StatusTooManyRequests
	case Unavailable:
		return http.StatusServiceUnavailable
	case Foreign:
		return http.StatusForbidden
	case Unreadable:
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

var troubleHeadings = map[Trouble]string{
	PageMissing: "trouble.missing", TooMany: "trouble.too_many", Broken: "trouble.broken",
	Unavailable: "trouble.unavailable", Foreign: "trouble.foreign", Unreadable: "trouble.unreadable",
}

// Look names the page.
func (p ErrorPage) Look() Look {
	return Look{Template: "error", Step: "error", Heading: Say(troubleHeadings[p.Trouble]), Flow: p.Service != nil}
}

// Home tells whether the way on is the home page.
func (p ErrorPage) Home() bool {
	return p.Trouble == PageMissing || p.Trouble == Foreign || p.Trouble == Unreadable
}

// Again is the address that [Повторить] opens.
func (p ErrorPage) Again() string {
	if p.Retry != "" {
		return p.Retry
	}
	return p.Self
}

// Fail answers with an error page, whatever happens: if the page cannot be rendered, with that of last resort.
func (s *Site) Fail(w http.ResponseWriter, p ErrorPage) {
	s.FailWith(w, p.Status(), p.Reference, p)
}

// FailWith answers with a page of trouble of any kind (ErrorPage, ClientErrorPage) and its status.
func (s *Site) FailWith(w http.ResponseWriter, status int, reference string, p Page) {
	if reference != "" {
		w.Header().Set("X-Reference", reference)
	}
	if e, ok := p.(ErrorPage); ok && e.Until > e.Now {
		w.Header().Set("Retry-After", strconv.FormatInt(e.Until-e.Now, 10))
	} else if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "60")
	}
	if err := s.Render(w, status, p); err != nil {
		slog.Error("page of trouble", "reference", reference, "error", err)
		LastResort(w, status, reference)
	}
}

// LastResort is the error page that needs no template, no catalogue and no sheet.
func LastResort(w http.ResponseWriter, status int, reference string) {
	SecurityHeaders(w.Header(), "", false)
	w.Header().Del("Content-Length")
	code := ""
	if reference != "" {
		code = "<p>Код обращения / <span lang=\"en\">Reference code</span>: <b>" + html.EscapeString(reference) + "</b></p>"
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`<!doctype html><html lang="ru"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">` +
		`<title>Не получилось</title></head><body data-step="error"><main><h1>Не получилось</h1><p>Попробуйте ещё раз.</p>` +
		`<p lang="en">Something went wrong. Try again.</p>` + code + `<p><a id="continue" href="/">На главную / <span lang="en">Home page</span></a></p></main></body></html>`))
}
