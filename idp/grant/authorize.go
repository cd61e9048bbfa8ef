package grant

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"propusk/idp"
)

// Ask is an authorization request as a face read it: raw strings, each parameter at most once. Empty means absent.
type Ask struct {
	Face                idp.Face
	ClientID            string
	RedirectURI         string
	ResponseType        string
	ResponseMode        string
	Scope               string
	State               string
	Nonce               string
	CodeChallenge       string
	CodeChallengeMethod string
	ACRValues           string
	Claims              string
	Prompt              string
	MaxAge              string
	LoginHint           string
	IDTokenHint         string
	UILocales           string
	Resource            string
	Request             string
	RequestURI          string
}

// Bounds of what a request may bring, in bytes.
const (
	maxState  = 4096
	maxClaims = 8192
	maxHint   = 320
	maxURI    = 2048
)

// Begin checks a request once and for all and gives it the words of package idp; it stores nothing. A Refusal with Untold set
// is shown to the person, since the redirect address is not trusted; any other goes to the client.
func (s *Service) Begin(in Ask, now time.Time) (idp.AuthRequest, *idp.Client, error) {
	c, err := s.trusted(in)
	if err != nil {
		return idp.AuthRequest{}, nil, err
	}
	r := idp.AuthRequest{Face: in.Face, ClientID: c.ID, RedirectURI: in.RedirectURI, State: in.State, Nonce: in.Nonce,
		MinimumTier: c.MinimumTier, MaxAge: -1, CreatedAt: now.Unix(), ExpiresAt: now.Unix() + idp.RequestLife}
	for _, check := range []func(Ask, *idp.Client, *idp.AuthRequest) *Refusal{
		checkShape, checkScope, checkPKCE, checkPrompt, checkLevel, s.checkHint, checkResource,
	} {
		if refusal := check(in, c, &r); refusal != nil {
			return r, c, refusal
		}
	}
	if _, err := idp.ParseLogin(in.LoginHint); err == nil && len(in.LoginHint) <= maxHint {
		r.LoginHint = in.LoginHint
	}
	for _, tag := range strings.Fields(in.UILocales) {
		if lang, ok := idp.ParseLanguage(tag); ok {
			r.Language = lang
			break
		}
	}
	return r, c, nil
}

// trusted finds the client and checks the redirect address: until both hold, nothing is sent anywhere.
func (s *Service) trusted(in Ask) (*idp.Client, error) {
	untold := func(reason, text string) *Refusal {
		return &Refusal{Code: "invalid_request", Reason: reason, Text: text, Untold: true}
	}
	if in.ClientID == "" {
		return nil, untold("client_id_missing", "client_id is missing")
	}
	c := s.Client(in.ClientID)
	if c == nil {
		r := untold("client_unknown", "client_id is not registered here, or the client is stopped")
		r.Came = in.ClientID
		return nil, r
	}
	if in.RedirectURI == "" {
		r := untold("redirect_uri_missing", "redirect_uri is missing: send one of the registered addresses")
		r.Expected = strings.Join(c.RedirectURIs, "\n")
		return nil, r
	}
	if len(in.RedirectURI) > maxURI || !c.RedirectAllowed(in.RedirectURI) {
		r := untold("redirect_uri_mismatch", "redirect_uri differs from the registered ones: they are compared letter by letter")
		r.Came, r.Expected, r.Nearest = in.RedirectURI, strings.Join(c.RedirectURIs, "\n"), nearest(in.RedirectURI, c.RedirectURIs)
		return nil, r
	}
	return c, nil
}

func checkShape(in Ask, c *idp.Client, r *idp.AuthRequest) *Refusal {
	r.ResponseMode = "query"
	if in.ResponseMode == "form_post" { // first of all: refusals go the same way (OAuth 2.0 Form Post Response Mode, 2)
		r.ResponseMode = "form_post"
	}
	switch {
	case in.ResponseMode != "" && in.ResponseMode != r.ResponseMode:
		return refuse("invalid_request", "response_mode_unsupported", "response_mode is not offered: send query or form_post, or nothing")
	case in.Request != "":
		return refuse("request_not_supported", "request_not_supported", "request objects are not supported: send the parameters themselves")
	case in.RequestURI != "":
		return refuse("request_uri_not_supported", "request_uri_not_supported", "request_uri is not supported: send the parameters themselves")
	case in.ResponseType == "":
		return refuse("invalid_request", "response_type_missing", "response_type is missing: send response_type=code")
	case in.ResponseType != "code":
		return refuse("unsupported_response_type", "response_type_unsupported", "response_type is not offered: send response_type=code")
	case !c.Allows(idp.GrantCode):
		return refuse("unauthorized_client", "grant_type_not_registered", "the client is not registered for authorization_code")
	case len(in.State) > maxState:
		return refuse("invalid_request", "state_too_long", "state is longer than 4096 bytes")
	case len(in.Nonce) > maxState:
		return refuse("invalid_request", "nonce_too_long", "nonce is longer than 4096 bytes")
	}
	return nil
}

// checkScope keeps the scopes that are known and registered. Unknown ones are passed over (OpenID Connect Core, 3.1.2.1).
func checkScope(in Ask, c *idp.Client, r *idp.AuthRequest) *Refusal {
	for _, w := range strings.Fields(in.Scope) {
		if slices.Contains(r.Scopes, w) {
			continue
		}
		if !slices.Contains(c.Scopes, w) {
			if idp.KnownScope(w) {
				return refuse("invalid_scope", "scope_not_registered", "scope "+w+" is not registered for the client")
			}
			continue
		}
		r.Scopes = append(r.Scopes, w)
	}
	if len(r.Scopes) == 0 {
		return refuse("invalid_scope", "scope_missing", "scope is missing: send openid and what else is needed")
	}
	return nil
}

// checkPKCE: S256 alone; always for public clients, and for confidential ones unless the operator switched it off (RFC 7636; RFC 9700, 2.1.1).
func checkPKCE(in Ask, c *idp.Client, r *idp.AuthRequest) *Refusal {
	if in.CodeChallenge == "" {
		if in.CodeChallengeMethod != "" {
			return refuse("invalid_request", "code_challenge_missing", "code_challenge_method came without code_challenge")
		}
		if c.NeedsPKCE() {
			return refuse("invalid_request", "pkce_required", "code_challenge is missing: the client must use PKCE with code_challenge_method=S256")
		}
		return nil
	}
	if in.CodeChallengeMethod != "S256" {
		return refuse("invalid_request", "pkce_method", "code_challenge_method must be S256")
	}
	if raw, err := b64.Strict().DecodeString(in.CodeChallenge); err != nil || len(raw) != 32 {
		return refuse("invalid_request", "pkce_challenge", "code_challenge must be the base64url of a SHA-256 hash, 43 characters without padding")
	}
	r.CodeChallenge = in.CodeChallenge
	return nil
}

func checkPrompt(in Ask, _ *idp.Client, r *idp.AuthRequest) *Refusal {
	for _, p := range strings.Fields(in.Prompt) {
		if !slices.Contains(r.Prompts, p) && len(r.Prompts) < 6 {
			r.Prompts = append(r.Prompts, p)
		}
	}
	for _, p := range r.Prompts {
		if !slices.Contains([]string{"none", "login", "consent", "select_account", "create"}, p) {
			return refuse("invalid_request", "prompt_unknown", "prompt has an unknown value: there are none, login, consent, select_account, create")
		}
	}
	if r.Prompt("none") && len(r.Prompts) > 1 {
		return refuse("invalid_request", "prompt_none", "prompt=none cannot be combined with another value")
	}
	if in.MaxAge == "" {
		return nil
	}
	n, err := strconv.ParseInt(in.MaxAge, 10, 32)
	if err != nil || n < 0 {
		return refuse("invalid_request", "max_age", "max_age must be a number of seconds, 0 or more")
	}
	r.MaxAge = n
	return nil
}

// ClaimsAsked is the `claims` parameter (OpenID Connect Core, 5.5): the part that we act on.
type ClaimsAsked struct {
	IDToken  map[string]*ClaimAsked `json:"id_token"`
	UserInfo map[string]*ClaimAsked `json:"userinfo"`
}

// ClaimAsked is what is said of one claim; nil (null) asks for it without more.
type ClaimAsked struct {
	Essential bool              `json:"essential"`
	Value     json.RawMessage   `json:"value"`
	Values    []json.RawMessage `json:"values"`
}

// ReadClaims reads a `claims` parameter that Begin has checked.
func ReadClaims(text string) (ClaimsAsked, error) {
	var asked ClaimsAsked
	if text == "" {
		return asked, nil
	}
	err := json.Unmarshal([]byte(text), &asked)
	return asked, err
}

// checkLevel reads acr_values and claims. An unknown value of acr_values is passed over: it is asked for, not demanded.
func checkLevel(in Ask, _ *idp.Client, r *idp.AuthRequest) *Refusal {
	for _, w := range strings.Fields(in.ACRValues) {
		if a, err := idp.ParseACR(w); err == nil && len(r.ACRs) < 9 {
			r.ACRs = append(r.ACRs, a)
		}
	}
	if in.Claims == "" {
		return nil
	}
	asked, err := ReadClaims(in.Claims)
	if err != nil || len(in.Claims) > maxClaims || !strings.HasPrefix(strings.TrimSpace(in.Claims), "{") {
		return refuse("invalid_request", "claims", "claims must be a JSON object with the members id_token and userinfo")
	}
	r.Claims = in.Claims
	acr := asked.IDToken["acr"]
	if acr == nil {
		return nil
	}
	var wanted []idp.ACR
	for _, raw := range append(slices.Clone(acr.Values), acr.Value) {
		var word string
		if len(raw) > 0 && json.Unmarshal(raw, &word) == nil {
			if a, err := idp.ParseACR(word); err == nil && len(wanted) < 9 {
				wanted = append(wanted, a)
			}
		}
	}
	if acr.Essential && len(wanted) == 0 && (len(acr.Values) > 0 || len(acr.Value) > 0) {
		return refuse("unmet_authentication_requirements", "acr_unknown", "claims demands an acr that does not exist here; discovery lists acr_values_supported")
	}
	if len(wanted) > 0 {
		r.ACRs, r.ACREssential = wanted, acr.Essential
	}
	return nil
}

// checkHint reads an ID token of ours that names the person. An expired one is fine; one of another client is not.
func (s *Service) checkHint(in Ask, c *idp.Client, r *idp.AuthRequest) *Refusal {
	if in.IDTokenHint == "" {
		return nil
	}
	hint, err := s.ReadHint(in.IDTokenHint)
	if err != nil || hint.Client == nil || hint.Client.ID != c.ID {
		return refuse("invalid_request", "id_token_hint", "id_token_hint is not an ID token that was issued here to this client")
	}
	r.HintOID = hint.OID
	return nil
}

// Hint is what an id_token_hint says.
type Hint struct {
	Client    *idp.Client
	OID       idp.OID
	SessionID string // `sid`, as that client knows it
}

// ReadHint verifies an id_token_hint: our signature, an ID token and not another kind of token, our issuer. Expiry is not checked.
func (s *Service) ReadHint(token string) (Hint, error) {
	v, err := s.Ring().Verify(token)
	if err != nil {
		return Hint{}, err
	}
	var claims struct {
		Issuer  string `json:"iss"`
		Subject string `json:"sub"`
		SID     string `json:"sid"`
		Aud     any    `json:"aud"`
	}
	if err := json.Unmarshal(v.Payload, &claims); err != nil {
		return Hint{}, err
	}
	aud, _ := claims.Aud.(string)
	c := s.Client(aud)
	if v.Typ != "JWT" || claims.Issuer != s.Issuer || c == nil {
		return Hint{}, idp.Wrong("id_token_hint", "hint.foreign")
	}
	oid, ok := s.account(c, claims.Subject)
	if !ok {
		return Hint{}, idp.Wrong("id_token_hint", "hint.subject")
	}
	return Hint{Client: c, OID: oid, SessionID: claims.SID}, nil
}

// checkResource: one absolute address without a fragment (RFC 8707, 2).
func checkResource(in Ask, _ *idp.Client, r *idp.AuthRequest) *Refusal {
	if in.Resource == "" {
		return nil
	}
	if refusal := resourceShape(in.Resource); refusal != nil {
		return refusal
	}
	r.Resource = in.Resource
	return nil
}

func resourceShape(resource string) *Refusal {
	u, err := url.Parse(resource)
	if err != nil || !u.IsAbs() || strings.Contains(resource, "#") || len(resource) > maxURI {
		return refuse("invalid_target", "resource", "resource must be one absolute address without a fragment")
	}
	return nil
}

// nearest is the registered address that differs least from the one that came: for the developer who mistyped it.
func nearest(came string, registered []string) string {
	best, bestDistance := "", 1<<30
	for _, r := range registered {
		if len(r) > maxURI || len(came) > maxURI {
			continue
		}
		if d := distance(came, r); d < bestDistance {
			best, bestDistance = r, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
