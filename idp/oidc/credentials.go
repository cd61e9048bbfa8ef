package oidc

import (
	"net/http"
	"net/url"
	"time"

	"propusk/idp"
	"propusk/idp/grant"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// credentials reads how a client authenticates: by one method (RFC 6749, 2.3). What came by the Authorization header never
// counts as sent in the form, nor the other way round.
func (f *Face) credentials(r *http.Request) (grant.Credentials, error) {
	form := r.PostForm
	shown := grant.Credentials{ClientID: form.Get("client_id"), Secret: form.Get("client_secret"), Assertion: form.Get("client_assertion"),
		Audiences: f.audiences(r.URL.Path)}
	byHeader := len(r.Header.Values("Authorization")) > 0
	ways := 0
	for method, used := range map[string]bool{idp.AuthBasic: byHeader, idp.AuthPost: shown.Secret != "", idp.AuthPrivateKey: shown.Assertion != ""} {
		if used {
			shown.Method = method
			ways++
		}
	}
	switch {
	case ways > 1:
		return shown, &grant.Refusal{Code: "invalid_request", Reason: "auth_methods",
			Text: "authenticate by one method alone: the Authorization header, client_secret or client_assertion"}
	case byHeader:
		return fromHeader(r, shown)
	case shown.Assertion != "" && form.Get("client_assertion_type") != assertionType:
		return shown, &grant.Refusal{Code: "invalid_request", Reason: "assertion_type", Text: "client_assertion_type must be " + assertionType}
	case ways == 0 && shown.ClientID == "":
		return shown, &grant.Refusal{Code: "invalid_client", Reason: "client_missing", Text: "the client has not authenticated: client_id is missing"}
	case ways == 0:
		shown.Method = idp.AuthNone
	}
	return shown, nil
}

func fromHeader(r *http.Request, shown grant.Credentials) (grant.Credentials, error) {
	id, secret, ok := r.BasicAuth()
	if ok {
		id, secret, ok = unescaped(id, secret)
	}
	if !ok || id == "" || len(r.Header.Values("Authorization")) > 1 {
		return shown, &grant.Refusal{Code: "invalid_client", Reason: "auth_header",
			Text: "Authorization cannot be read: send Basic, with client_id and client_secret form-encoded and joined by a colon"}
	}
	if shown.ClientID != "" && shown.ClientID != id {
		return shown, &grant.Refusal{Code: "invalid_client", Reason: "client_id_differs",
			Text: "client_id of the form differs from that of the Authorization header"}
	}
	shown.ClientID, shown.Secret = id, secret
	return shown, nil
}

// authenticate is for the endpoints that the library does not serve.
func (f *Face) authenticate(r *http.Request, now time.Time) (*idp.Client, error) {
	shown, err := f.credentials(r)
	if err != nil {
		return nil, err
	}
	return f.Grant.Authenticate(r.Context(), shown, now)
}

// unescaped: both parts are form-encoded before they are joined (RFC 6749, 2.3.1).
func unescaped(id, secret string) (string, string, bool) {
	a, errA := url.QueryUnescape(id)
	b, errB := url.QueryUnescape(secret)
	return a, b, errA == nil && errB == nil
}
