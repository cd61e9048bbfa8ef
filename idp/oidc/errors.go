package oidc

import (
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"propusk/idp"
	"propusk/idp/grant"
	"propusk/idp/web"
)

func badRequest(text string) *grant.Refusal {
	return &grant.Refusal{Code: "invalid_request", Reason: "request_shape", Text: text, Untold: true}
}

// once refuses a parameter that comes twice (RFC 6749, 3.1 and 3.2).
func once(form url.Values) error {
	for name, values := range form {
		if len(values) > 1 {
			return &grant.Refusal{Code: "invalid_request", Reason: "parameter_doubled", Text: "parameter " + word(name) + " comes more than once"}
		}
	}
	return nil
}

// clean refuses what no database stores as text: NUL bytes and broken UTF-8.
func clean(form url.Values) error {
	for name, values := range form {
		for _, v := range append(values, name) {
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				return badRequest("parameter " + word(name) + " holds bytes that are not text")
			}
		}
	}
	return nil
}

// word keeps a name from a request that may stand in an answer.
func word(name string) string {
	if len(name) > 40 || strings.ContainsFunc(name, func(r rune) bool { return r != '_' && r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		return "with another name than ours"
	}
	return name
}

const formType = "application/x-www-form-urlencoded"

// readForm reads an application/x-www-form-urlencoded body and nothing else: not the query, no other type. Empty parameters
// count as absent (RFC 6749, 3.1).
func readForm(r *http.Request) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != formType {
		return badRequest("the body must be application/x-www-form-urlencoded")
	}
	r.URL.RawQuery = ""
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return badRequest("the body is larger than 64 KiB")
		}
		return badRequest("the body cannot be decoded")
	}
	for name, values := range r.PostForm {
		if len(values) == 1 && values[0] == "" {
			delete(r.PostForm, name)
		}
	}
	r.Form = r.PostForm
	if err := clean(r.PostForm); err != nil {
		return err
	}
	return once(r.PostForm)
}

// guard is in front of every endpoint for programs: no caching, the form checked, WWW-Authenticate on every 401.
func (f *Face) guard(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	f.allowOrigin(w, r)
	aw := &authenticating{ResponseWriter: w, realm: f.issuer}
	bare := r.URL.Path == "/userinfo" && r.Header.Get("Authorization") != "" && !strings.HasPrefix(r.Header.Get("Content-Type"), formType)
	if r.Method == http.MethodPost && !bare {
		if err := readForm(r); err != nil {
			f.answerError(aw, r, err, "")
			return
		}
	}
	h(aw, r)
}

// authenticating adds the header that RFC 6749, 5.2 and RFC 9110, 15.5.2 want on a 401, unless one is there.
type authenticating struct {
	http.ResponseWriter
	realm string
}

func (a *authenticating) WriteHeader(status int) {
	if status == http.StatusUnauthorized && a.Header().Get("WWW-Authenticate") == "" {
		a.Header().Set("WWW-Authenticate", "Basic realm=\""+a.realm+"\"")
	}
	a.ResponseWriter.WriteHeader(status)
}

// wire is the error of the protocol and its status. An error that is no refusal says nothing of its cause.
func wire(err error) (*grant.Refusal, int) {
	if refusal, ok := grant.AsRefusal(err); ok {
		if refusal.Code == "invalid_client" {
			return refusal, http.StatusUnauthorized
		}
		return refusal, http.StatusBadRequest
	}
	switch {
	case errors.Is(err, idp.Unavailable):
		return &grant.Refusal{Code: "temporarily_unavailable", Reason: "overload", Text: "try again in a moment"}, http.StatusServiceUnavailable
	case errors.Is(err, idp.TooMany):
		return &grant.Refusal{Code: "temporarily_unavailable", Reason: "too_many", Text: "too many requests: try again later"}, http.StatusTooManyRequests
	}
	return &grant.Refusal{Code: "server_error", Reason: "server_error", Text: "something went wrong here; nothing was lost"}, http.StatusInternalServerError
}

// answerError writes an OAuth error as JSON (RFC 6749, 5.2).
func (f *Face) answerError(w http.ResponseWriter, r *http.Request, err error, clientID string) {
	refusal, status := wire(err)
	reference := f.note(w, r, err, refusal, clientID)
	retryAfter(w, err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": refusal.Code, "error_description": refusal.Text + " [" + reference + "]"})
}

// asLibrary turns an error into the library's, bare: without a parent, whose text it would send (STYLE.md section 5).
func (f *Face) asLibrary(w http.ResponseWriter, r *http.Request, err error, clientID string) error {
	refusal, status := wire(err)
	reference := f.note(w, r, err, refusal, clientID)
	retryAfter(w, err)
	e := &oidc.Error{ErrorType: like(oidc.InvalidRequest, refusal.Code), Description: refusal.Text + " [" + reference + "]"}
	return op.NewStatusError(e, status)
}

// like gives s the type of a sample: the library does not export the type of its error codes.
func like[T ~string](_ T, s string) T { return T(s) }

// note gives an error its reference code, logs the cause, and tells whoever collects refusals.
func (f *Face) note(w http.ResponseWriter, r *http.Request, err error, refusal *grant.Refusal, clientID string) string {
	reference := idp.NewReference()
	w.Header().Set("X-Reference", reference)
	if refusal.Code == "server_error" {
		slog.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "reference", reference, "error", err.Error())
	}
	f.refused(r, refusal, clientID, reference)
	return reference
}

func (f *Face) refused(r *http.Request, refusal *grant.Refusal, clientID, reference string) {
	if f.Refused == nil {
		return
	}
	f.Refused(web.Refused{Reference: reference, Endpoint: r.Method + " " + r.URL.Path, ClientID: clientID, Code: refusal.Code, Reason: refusal.Reason,
		Text: refusal.Text, Came: refusal.Came, Expected: refusal.Expected, Nearest: refusal.Nearest})
}

func retryAfter(w http.ResponseWriter, err error) {
	var e *idp.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(e.RetryAfter/time.Second)+1))
	}
}

// fail answers a person: A17 for a request that cannot be served, else the pages that all faces share.
func (f *Face) fail(w http.ResponseWriter, r *http.Request, err error, now time.Time) {
	refusal, ok := grant.AsRefusal(err)
	if !ok {
		f.Site.Trouble(w, r, err, now)
		return
	}
	reference := idp.NewReference()
	clientID := r.URL.Query().Get("client_id")
	f.refused(r, refusal, clientID, reference)
	p := web.ClientErrorPage{Frame: f.Site.Frame(r, "", now.Unix()), Reference: reference, Detail: &web.StandDetail{Parameter: refusal.Reason,
		Came: refusal.Came, Expected: refusal.Expected, Nearest: refusal.Nearest, Mend: refusal.Text}}
	if c := f.Grant.Client(clientID); c != nil {
		p.Name = c.Shown()
	}
	f.Site.FailWith(w, http.StatusBadRequest, reference, p)
}
