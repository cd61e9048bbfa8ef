package stand

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"propusk/idp"
)

// json is a handler of a path for scripts: what it gives is written as JSON, its error too.
func (s *Stand) json(h func(w http.ResponseWriter, r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := h(w, r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		answer(w, http.StatusOK, v)
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // so that links are read as they are
	_ = enc.Encode(v)
}

// problem is one thing wrong with a request of a script.
type problem struct {
	Member  string `json:"member"` // of the body or of the query; empty: the whole
	Code    string `json:"code"`
	Message string `json:"message"`
}

// failure is the answer to a request that is refused.
type failure struct {
	Error       string    `json:"error"` // invalid_request, conflict, temporarily_unavailable, server_error
	Description string    `json:"error_description"`
	Problems    []problem `json:"problems"`
}

// refuse answers with what is wrong: 400 for what was sent, 409 for what somebody has already, else 503 or 500.
func (s *Stand) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f := failure{Error: "invalid_request", Problems: []problem{}}
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, idp.Invalid):
	case errors.Is(err, idp.Conflict):
		f.Error, status = "conflict", http.StatusConflict
	case errors.Is(err, idp.Unavailable):
		f.Error, f.Description, status = "temporarily_unavailable", "try again in a moment", http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	default:
		reference := idp.NewReference()
		w.Header().Set("X-Reference", reference)
		slog.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "reference", reference, "error", err.Error())
		f.Error, f.Description, status = "server_error", "something went wrong here ["+reference+"]", http.StatusInternalServerError
	}
	if f.Description == "" {
		frame := s.Site.Frame(r, string(idp.English), time.Now().Unix())
		frame.Lang = idp.English
		var lines []string
		for _, e := range idp.ProblemsOf(err) {
			p := problem{e.Field, e.Code, frame.Sentence(e)}
			f.Problems = append(f.Problems, p)
			lines = append(lines, strings.TrimPrefix(p.Member+": "+p.Message, ": "))
		}
		f.Description = strings.Join(slices.Compact(lines), "; ")
	}
	answer(w, status, f)
}
