package web

import (
	"net/http"
	"regexp"
)

var originShape = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:(//[A-Za-z0-9.\[\]:_-]+)?$`)

// SecurityHeaders sets the headers of every page (DESIGN.md 2.9). formOrigin is the origin of this request's redirect_uri, or its
// custom scheme, where a POST from the page may end in the portal: without it Chromium blocks the redirect. It is left out if it is
// no origin. popup leaves Cross-Origin-Opener-Policy off, for a portal that signs in by a popup.
func SecurityHeaders(h http.Header, formOrigin string, popup bool) {
	action := "'self'"
	if originShape.MatchString(formOrigin) {
		action += " " + formOrigin
	}
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action "+action+
		"; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'")
	commonHeaders(h)
	if !popup {
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
}

func commonHeaders(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), geolocation=()")
}
