package grant

import (
	"errors"

	"propusk/idp"
)

// Refusal is a request that the protocol refuses. Code is the OAuth error code; Reason is ours, finer and stable: it is the
// name of the page that explains it, and what another face translates. Text is for the client's developer: English ASCII, it
// names the parameter and what to do, and holds nothing of another client, of a person or of our insides.
type Refusal struct {
	Code     string // RFC 6749, 5.2 and 4.1.2.1; OpenID Connect Core, 3.1.2.6
	Reason   string
	Text     string
	Untold   bool   // of an authorization request: the redirect address is not trusted, so a page tells the person
	Came     string // for the client's owner and the stand's page: what came,
	Expected string // what was expected
	Nearest  string // and the registered value nearest to it
}

func (r *Refusal) Error() string { return r.Code + " (" + r.Reason + "): " + r.Text }

// Unwrap gives the refusal its kind.
func (r *Refusal) Unwrap() error {
	switch r.Code {
	case "invalid_client":
		return idp.Unauthenticated
	case "access_denied", "unauthorized_client":
		return idp.Denied
	}
	return idp.Invalid
}

// AsRefusal finds the refusal within err.
func AsRefusal(err error) (*Refusal, bool) {
	var r *Refusal
	return r, errors.As(err, &r)
}

func refuse(code, reason, text string) *Refusal {
	return &Refusal{Code: code, Reason: reason, Text: text}
}

// The one answer to a code or refresh token that does not count, whatever the cause: the cause is in the journal.
func badGrant(reason, text string) *Refusal { return refuse("invalid_grant", reason, text) }
