package web

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
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
	if e != nil {
		p.Trouble = TroubleOf(e.Kind)
		if e.RetryAfter > 0 {
			p.Until = now.Add(e.RetryAfter).Unix()
			w.Header().Set("Retry-After", strconv.Itoa(int(e.RetryAfter/time.Second)+1))
		}
	}
	if p.Trouble == Broken {
		slog.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "reference", reference, "error", err.Error())
	}
	s.Fail(w, p)
}
