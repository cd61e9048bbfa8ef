package server

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"propusk/idp"
	"propusk/idp/oidc"
	"propusk/idp/web"
)

const maxBody = 64 << 10 // bytes of a request

// extractor reads the client's address: the peer's, or what trusted proxies say of it. By default nobody is trusted, not even
// private networks (library-facts.md 2.4).
func extractor(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		_, n, err := net.ParseCIDR(p.Masked().String())
		if err == nil {
			options = append(options, echo.TrustIPRange(n))
		}
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// edge is around all faces: the body's limit, the client's address, forms from other sites, panics, one log line a request.
func (s *Server) edge(e *echo.Echo, issuer *url.URL) http.Handler {
	cross := http.NewCrossOriginProtection()
	for _, path := range oidc.CrossSite() {
		cross.AddInsecureBypassPattern("POST " + path)
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Site.Fail(w, web.ErrorPage{Frame: s.Site.Frame(r, "", time.Now().Unix()), Trouble: web.Foreign, Reference: idp.NewReference()})
	}))
	inner := cross.Handler(e)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		line := &answered{ResponseWriter: w, status: http.StatusOK}
		defer s.finish(line, r, start)
		if issuer.Scheme == "https" {
			w.Header().Set("Strict-Transport-Security", "max-age=63072000")
		}
		if r.Body != nil {
			r.Body = http.MaxBytesReader(line, r.Body, maxBody)
		}
		if !slices.Contains(programs, r.URL.Path) && !isText(r.URL) {
			s.Site.Fail(line, web.ErrorPage{Frame: s.Site.Frame(r, "", start.Unix()), Trouble: web.Unreadable, Reference: idp.NewReference()})
			return
		}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			s.preflight(line, r)
			return
		}
		inner.ServeHTTP(line, web.WithClient(r, address(e.IPExtractor(r))))
	})
}

// isText tells whether a query holds nothing but text. Of one that cannot be decoded as a whole handlers still see the pairs that can.
func isText(u *url.URL) bool {
	query, err := url.QueryUnescape(u.RawQuery)
	if err != nil {
		query = fmt.Sprint(u.Query())
	}
	return utf8.ValidString(query) && !strings.ContainsRune(query, 0)
}

func address(text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}

// preflight lets scripts of other origins ask the endpoints for programs; which of them may read the answer is decided there.
func (s *Server) preflight(w http.ResponseWriter, r *http.Request) {
	if slices.Contains([]string{"/token", "/userinfo", "/revoke", "/jwks", "/.well-known/openid-configuration"}, r.URL.Path) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		w.Header().Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

// answered remembers the status of an answer for its log line.
type answered struct {
	http.ResponseWriter
	status  int
	started bool
}

func (a *answered) WriteHeader(status int) {
	if !a.started {
		a.status, a.started = status, true
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answered) Write(b []byte) (int, error) {
	a.started = true
	return a.ResponseWriter.Write(b)
}

// Unwrap gives http.ResponseController the connection.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// finish turns a panic into a page and writes the log line: path and status, no query, no person.
func (s *Server) finish(a *answered, r *http.Request, start time.Time) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		reference := idp.NewReference()
		slog.ErrorContext(r.Context(), "panic", "path", maskedPath(r.URL.Path), "reference", reference, "panic", p, "stack", string(debug.Stack()))
		if !a.started {
			web.LastResort(a, http.StatusInternalServerError, reference)
		}
		a.status = http.StatusInternalServerError
	}
	slog.InfoContext(r.Context(), "request", "method", r.Method, "path", maskedPath(r.URL.Path), "status", a.status,
		"ms", time.Since(start).Milliseconds(), "reference", a.Header().Get("X-Reference"))
}

// maskedPath hides the secret of paths that carry one (DESIGN.md 2.9).
func maskedPath(path string) string {
	for _, prefix := range []string{"/confirm/", "/recover/", "/stop/"} {
		if strings.HasPrefix(path, prefix) {
			return prefix + "…"
		}
	}
	if len(path) > 100 {
		return path[:100]
	}
	return path
}

// programs are the paths that answer programs, in JSON. None of them reads its query.
var programs = []string{"/token", "/userinfo", "/introspect", "/revoke", "/jwks", "/.well-known/openid-configuration"}

// missing answers paths and methods that there are not: JSON to programs, a page to people.
func (s *Server) missing(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status := http.StatusInternalServerError
	if he, ok := err.(*echo.HTTPError); ok {
		status = he.Code
	}
	r, w := c.Request(), c.Response()
	reference := idp.NewReference()
	w.Header().Set("X-Reference", reference)
	if slices.Contains(programs, r.URL.Path) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_request",
			"error_description": "the method is not offered here: see the header Allow [" + reference + "]"})
		return
	}
	p := web.ErrorPage{Frame: s.Site.Frame(r, "", time.Now().Unix()), Trouble: web.PageMissing, Reference: reference}
	if status == http.StatusInternalServerError {
		p.Trouble = web.Broken
		slog.ErrorContext(r.Context(), "request failed", "path", maskedPath(r.URL.Path), "reference", reference, "error", err.Error())
	}
	if status == http.StatusMethodNotAllowed {
		s.Site.FailWith(w, status, reference, p)
		return
	}
	s.Site.Fail(w, p)
}

func logRefusal(r web.Refused) {
	slog.Info("refused", "reference", r.Reference, "endpoint", r.Endpoint, "client", shortened(r.ClientID), "code", r.Code, "reason", r.Reason)
}

func shortened(s string) string {
	if len(s) > 60 {
		return s[:60]
	}
	return s
}
