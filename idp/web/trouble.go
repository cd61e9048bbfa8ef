package web

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"propusk/idp"
)

// Refused is one refusal of a request of a client, as the log and the stand's page of requests show it. No personal data.
type Refused struct {
	Reference string
	Endpoint  string // «GET /authorize»
	ClientID  string // as it came; may be of nobody
	Code      string // OAuth error code
	Reason    string // ours, finer
	Text      string // what to do
	Came      string
	Expected  string
	Nearest   string
}

// Trouble answers with the page of an error that no page of its own has: what the person can do, a reference code, nothing
// of the cause. The cause goes to the log with the same code.
func (s *Site) Trouble(w http.ResponseWriter, r *http.Request, err error, now time.Time) {
	reference := idp.NewReference()
	f := s.Frame(r, "", now.Unix())
	var e *idp.Error
	code := ""
	if errors.As(err, &e) {
		code = e.Code
	}
	switch code {
	case "request.other_browser":
		s.FailWith(w, http.StatusForbidden, reference, OtherBrowserPage{Frame: f, NoCookies: len(r.Cookies()) == 0})
		return
	case "request.unknown", "registration.unknown":
		s.FailWith(w, http.StatusGone, reference, ExpiredPage{Frame: f, Signup: code == "registration.unknown"})
		return
	}
	p := ErrorPage{Frame: f, Trouble: Broken, Reference: reference}
	for _, kind := range []idp.Kind{idp.Invalid, idp.NotFound, idp.Denied, idp.Gone, idp.Conflict, idp.Unavailable} {
		if e == nil && errors.Is(err, kind) {
			p.Trouble = TroubleOf(kind)
		}
	}
	if e != nil {
		p.Trouble = TroubleOf(e.Kind)
		if e.RetryAfter > 0 {
			p.Until = now.Add(e.RetryAfter).Unix()
			w.Header().Set("Retry-After", strconv.Itoa(int(e.RetryAfter/time.Second)+1))
		}
	}
	if p.Trouble == Broken {
		slog.ErrorContext(r.Context(), "request failed", "path", firstPart(r.URL.Path), "reference", reference, "error", err.Error())
	}
	s.Fail(w, p)
}

// firstPart keeps of a path what tells the page: the rest may be the token of a link.
func firstPart(path string) string {
	part, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return "/" + part
}
