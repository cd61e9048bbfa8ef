package relyingparty

import (
	"errors"
	"fmt"
)

// Check names what was examined in an answer of the provider. The value is stable and may be logged and counted.
type Check string

// The checks, in the order in which a sign-in meets them.
const (
	CheckState     Check = "state"        // a state this site gave out and has not forgotten (RFC 6749, 10.12)
	CheckBrowser   Check = "browser"      // the browser that began the sign-in
	CheckAnswer    Check = "answer"       // the form of an answer: a parameter missing, repeated or unreadable
	CheckIssParam  Check = "iss_param"    // iss of the authorization answer (RFC 9207, 2.4)
	CheckTokenType Check = "token_type"   // Bearer (RFC 6749, 7.1)
	CheckFormat    Check = "format"       // a signed JWT in compact form with the claims it must have
	CheckAlg       Check = "alg"          // the registered algorithm, never none and never HMAC
	CheckKey       Check = "kid"          // a key of the provider's JWK set
	CheckSignature Check = "signature"    // OpenID Connect Core 1.0, 3.1.3.7, point 6
	CheckIss       Check = "iss"          // point 2
	CheckAud       Check = "aud"          // point 3
	CheckAzp       Check = "azp"          // points 4 and 5
	CheckExp       Check = "exp"          // point 9
	CheckIat       Check = "iat"          // point 10
	CheckNonce     Check = "nonce"        // point 11
	CheckACR       Check = "acr"          // point 12: the level that was demanded
	CheckAuthTime  Check = "auth_time"    // point 13: the age of the authentication that was demanded
	CheckAtHash    Check = "at_hash"      // 3.1.3.8
	CheckSub       Check = "sub"          // the same person in a refreshed ID token (12.2)
	CheckUserInfo  Check = "userinfo_sub" // 5.3.2: userinfo speaks of the person of the ID token
	CheckEvents    Check = "events"       // OpenID Connect Back-Channel Logout 1.0, 2.6
	CheckJTI       Check = "jti"          // a logout token used for the first time
)

// CheckError says which check an answer failed. Detail is English, for the log and for integrators; it never holds a
// token or a secret.
type CheckError struct {
	Check  Check
	Detail string
	Err    error // the cause, if there is one
}

func (e *CheckError) Error() string { return fmt.Sprintf("check %s: %s", e.Check, e.Detail) }

// Unwrap gives the cause.
func (e *CheckError) Unwrap() error { return e.Err }

// fails makes the error of one check.
func fails(check Check, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &CheckError{Check: check, Detail: err.Error(), Err: errors.Unwrap(err)}
}

// ProviderError is an error that the provider itself answered: at the redirect (OpenID Connect Core 1.0, 3.1.2.6), at
// the token endpoint (RFC 6749, 5.2) or at userinfo (RFC 6750, 3).
type ProviderError struct {
	Endpoint    string // authorize, token or userinfo
	Status      int    // HTTP status; 0 at the redirect
	Code        string // error
	Description string // error_description, not trusted: escape it
	URI         string // error_uri, kept only if it is a page of the issuer
}

func (e *ProviderError) Error() string {
	return fmt.Sprintf("provider answered %s at %s: %s", e.Code, e.Endpoint, e.Description)
}

// Unavailable says that the provider could not be reached or did not answer as a provider does. Trying later may help.
type Unavailable struct {
	Endpoint string // discovery, jwks, token or userinfo
	Err      error
}

func (e *Unavailable) Error() string {
	return fmt.Sprintf("provider unavailable at %s: %v", e.Endpoint, e.Err)
}

// Unwrap gives the cause.
func (e *Unavailable) Unwrap() error { return e.Err }

// ErrNoSession means that the visitor is not signed in, or no longer.
var ErrNoSession = errors.New("relyingparty: not signed in")

// ErrNoRefreshToken means that the provider gave no refresh token: ask for offline_access, or sign in anew.
var ErrNoRefreshToken = errors.New("relyingparty: the session has no refresh token")
