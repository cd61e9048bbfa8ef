package grant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"propusk/idp"
	"propusk/keys"
	"propusk/store"
)

// Registration is a client as its owner writes it: CONTRACT.md section 5, with the names of OpenID Connect Dynamic Client
// Registration 1.0 and ours. It is stored as JSON without the secret.
type Registration struct {
	ClientID          string            `json:"client_id"`
	ClientName        string            `json:"client_name,omitempty"`
	ClientSecret      string            `json:"client_secret,omitempty"`
	RedirectURIs      []string          `json:"redirect_uris,omitempty"`
	PostLogoutURIs    []string          `json:"post_logout_redirect_uris,omitempty"`
	GrantTypes        []string          `json:"grant_types,omitempty"`
	ResponseTypes     []string          `json:"response_types,omitempty"`
	AuthMethod        string            `json:"token_endpoint_auth_method,omitempty"`
	JWKS              json.RawMessage   `json:"jwks,omitempty"`
	Scope             string            `json:"scope,omitempty"`
	SubjectType       string            `json:"subject_type,omitempty"`
	SectorURI         string            `json:"sector_identifier_uri,omitempty"`
	IDTokenAlg        string            `json:"id_token_signed_response_alg,omitempty"`
	BackchannelURI    string            `json:"backchannel_logout_uri,omitempty"`
	MinimumTier       string            `json:"minimum_tier,omitempty"`
	TierMethods       []string          `json:"tier_methods,omitempty"`
	OrganizationName  string            `json:"organization_name,omitempty"`
	PolicyURI         string            `json:"policy_uri,omitempty"`
	Purposes          map[string]string `json:"purposes,omitempty"`
	RequirePKCE       *bool             `json:"require_pkce,omitempty"`
	AccessTokenFormat string            `json:"access_token_format,omitempty"`
	ESIA              *ESIARegistration `json:"esia,omitempty"`
}

// ESIARegistration is what ESIA's technical portal asks about a system; it is kept with the client.
type ESIARegistration struct {
	Mnemonic     string   `json:"mnemonic"`
	Certificates []string `json:"certificates,omitempty"`
	Issuer       string   `json:"issuer,omitempty"`
	Alg          string   `json:"alg,omitempty"`
}

// ReadRegistrations reads a file of clients: one JSON object or an array of them. Unknown, doubled and misspelt members are
// errors that name the client and the member.
func ReadRegistrations(text []byte) ([]Registration, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil, fmt.Errorf("the file is empty: write one client as a JSON object, or several as an array")
	}
	if text[0] == '{' {
		text = append(append([]byte{'['}, text...), ']')
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("read clients: %w", err)
	}
	var out []Registration
	for i, one := range raw {
		r, err := readRegistration(one)
		if err != nil {
			return nil, fmt.Errorf("client %d (%s): %w", i+1, r.ClientID, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func readRegistration(text []byte) (Registration, error) {
	var r Registration
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, err
	}
	if err := exactMembers(text); err != nil {
		return r, err
	}
	return r, r.check()
}

// exactMembers refuses what encoding/json lets pass: a member that comes twice, or is written in another case.
func exactMembers(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		if seen[name] {
			return fmt.Errorf("member %q comes twice", name)
		}
		if strings.ToLower(name) != name || strings.ContainsFunc(name, func(r rune) bool { return r > '~' }) { // K as in kelvin folds to k
			return fmt.Errorf("member %q: write it in small Latin letters", name)
		}
		seen[name] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil && err != io.EOF {
			return err
		}
		if name == "esia" && value[0] == '{' {
			if err := exactMembers(value); err != nil {
				return fmt.Errorf("esia: %w", err)
			}
		}
	}
	return nil
}

// check fills the defaults of CONTRACT.md section 5 and refuses what does not fit together; each error names the member.
func (r *Registration) check() error {
	if r.ClientID == "" || len(r.ClientID) > 200 || strings.ContainsFunc(r.ClientID, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return fmt.Errorf("client_id: 1 to 200 printable ASCII characters without spaces")
	}
	if len(r.GrantTypes) == 0 {
		r.GrantTypes = []string{idp.GrantCode}
		if slices.Contains(strings.Fields(r.Scope), idp.ScopeOffline) {
			r.GrantTypes = append(r.GrantTypes, idp.GrantRefresh)
		}
	}
	for _, g := range r.GrantTypes {
		if g != idp.GrantCode && g != idp.GrantRefresh && g != idp.GrantCredentials {
			return fmt.Errorf("grant_types: %q is not offered; there are authorization_code, refresh_token, client_credentials", g)
		}
	}
	for _, t := range r.ResponseTypes {
		if t != "code" {
			return fmt.Errorf("response_types: only \"code\" is offered")
		}
	}
	for _, f := range []func() error{r.checkAuth, r.checkURIs, r.checkScopes, r.checkTokens, r.checkTiers} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Registration) checkAuth() error {
	if r.AuthMethod == "" {
		r.AuthMethod = idp.AuthBasic
	}
	switch r.AuthMethod {
	case idp.AuthBasic, idp.AuthPost:
		if r.ClientSecret == "" {
			return fmt.Errorf("client_secret is missing; for a client without a secret set token_endpoint_auth_method to none or private_key_jwt")
		}
	case idp.AuthPrivateKey:
		if len(r.JWKS) == 0 {
			return fmt.Errorf("jwks is missing: private_key_jwt needs the client's public keys")
		}
	case idp.AuthNone:
		if r.ClientSecret != "" {
			return fmt.Errorf("client_secret: a client with token_endpoint_auth_method none has none")
		}
		if slices.Contains(r.GrantTypes, idp.GrantCredentials) {
			return fmt.Errorf("grant_types: client_credentials needs a client that can authenticate")
		}
		if r.RequirePKCE != nil && !*r.RequirePKCE {
			return fmt.Errorf("require_pkce: a public client cannot switch it off")
		}
	default:
		return fmt.Errorf("token_endpoint_auth_method: %q is not offered; there are client_secret_basic, client_secret_post, private_key_jwt, none", r.AuthMethod)
	}
	if len(r.JWKS) > 0 {
		if _, err := keys.ParseClientKeys(r.JWKS); err != nil {
			return fmt.Errorf("jwks: %w", err)
		}
	}
	return nil
}

func (r *Registration) checkURIs() error {
	if slices.Contains(r.GrantTypes, idp.GrantCode) && len(r.RedirectURIs) == 0 {
		return fmt.Errorf("redirect_uris: at least one address is needed for authorization_code")
	}
	for name, list := range map[string][]string{"redirect_uris": r.RedirectURIs, "post_logout_redirect_uris": r.PostLogoutURIs} {
		for _, uri := range list {
			if err := checkRedirect(uri, r.AuthMethod == idp.AuthNone); err != nil {
				return fmt.Errorf("%s: %q: %w", name, uri, err)
			}
		}
	}
	for name, uri := range map[string]string{"policy_uri": r.PolicyURI, "backchannel_logout_uri": r.BackchannelURI, "sector_identifier_uri": r.SectorURI} {
		if uri == "" {
			continue
		}
		if u, err := url.Parse(uri); err != nil || u.Host == "" || u.Fragment != "" || (u.Scheme != "https" && !(u.Scheme == "http" && idp.Loopback(u.Host))) {
			return fmt.Errorf("%s: %q is not an https address", name, uri)
		}
	}
	return nil
}

// checkRedirect: https; http for this machine alone; a custom scheme with a dot for native apps, which are public
// (RFC 8252, 7.1; OAuth 2.0 Security BCP, 4.1).
func checkRedirect(uri string, public bool) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Scheme == "":
		return fmt.Errorf("not an absolute address")
	case u.Fragment != "" || strings.Contains(uri, "#"):
		return fmt.Errorf("take out the part after #: a browser does not send it")
	case strings.ContainsAny(uri, "*\\\" <>"):
		return fmt.Errorf("no wildcards, spaces or quotes")
	case u.User != nil:
		return fmt.Errorf("no user name in the address")
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme == "http" && idp.Loopback(u.Host):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("must begin with https://; for a test on this machine http://localhost will do")
	case public && strings.Contains(u.Scheme, ".") && u.Host == "":
		return nil
	}
	return fmt.Errorf("must begin with https://, or, for a native app without a secret, with its reversed domain name, as ru.example.app:/callback")
}

func (r *Registration) checkScopes() error {
	scopes := strings.Fields(r.Scope)
	if r.Scope == "" {
		if slices.Contains(r.GrantTypes, idp.GrantCode) {
			r.Scope = idp.ScopeOpenID
		}
		return nil
	}
	machine := !slices.Contains(r.GrantTypes, idp.GrantCode)
	for _, s := range scopes {
		if !machine && !idp.KnownScope(s) && !slices.Contains(r.GrantTypes, idp.GrantCredentials) {
			return fmt.Errorf("scope: %q is not known; there are %s", s, strings.Join(idp.Scopes(), ", "))
		}
	}
	for s := range r.Purposes {
		if !slices.Contains(scopes, s) {
			return fmt.Errorf("purposes: %q is not among the scopes of the client", s)
		}
	}
	return nil
}

func (r *Registration) checkTokens() error {
	if r.IDTokenAlg == "" {
		r.IDTokenAlg = keys.ES256
	}
	if !slices.Contains(keys.Algs(), r.IDTokenAlg) {
		return fmt.Errorf("id_token_signed_response_alg: %q is not offered; there are %s", r.IDTokenAlg, strings.Join(keys.Algs(), ", "))
	}
	if r.AccessTokenFormat == "" {
		r.AccessTokenFormat = "jwt"
	}
	if r.AccessTokenFormat != "jwt" && r.AccessTokenFormat != "opaque" {
		return fmt.Errorf("access_token_format: jwt or opaque")
	}
	if r.SubjectType == "" {
		r.SubjectType = "public"
	}
	if r.SubjectType != "public" && r.SubjectType != "pairwise" {
		return fmt.Errorf("subject_type: public or pairwise")
	}
	if r.SubjectType == "pairwise" && r.SectorURI == "" && len(hosts(r.RedirectURIs)) > 1 {
		return fmt.Errorf("sector_identifier_uri is missing: the redirect_uris of a pairwise client have several hosts (OpenID Connect Core, 8.1)")
	}
	return nil
}

func (r *Registration) checkTiers() error {
	if r.MinimumTier != "" {
		if _, err := idp.ParseTier(r.MinimumTier); err != nil {
			return fmt.Errorf("minimum_tier: simplified, standard or confirmed")
		}
	}
	for _, m := range r.TierMethods {
		if _, err := idp.ParseTierMethod(m); err != nil {
			return fmt.Errorf("tier_methods: %q; there are centre, letter, bank, signature", m)
		}
	}
	return nil
}

func hosts(uris []string) []string {
	var out []string
	for _, raw := range uris {
		if u, err := url.Parse(raw); err == nil && !slices.Contains(out, u.Hostname()) {
			out = append(out, u.Hostname())
		}
	}
	return out
}

// Row is the registration as it is stored: the secret as a keyed hash, so that a copy of the database does not help to guess it.
func (r Registration) Row(m *keys.Master, now int64) (store.ClientRow, error) {
	row := store.ClientRow{ID: r.ClientID, UpdatedAt: now, CreatedAt: now}
	if r.ClientSecret != "" {
		row.SecretHash = secretHash(m, r.ClientID, r.ClientSecret)
	}
	r.ClientSecret = ""
	body, err := json.Marshal(r)
	row.Body = string(body)
	return row, err
}

func secretHash(m *keys.Master, id, secret string) []byte {
	h := m.MAC("client-secret", []byte(id), []byte(secret))
	return h[:]
}

// client is a stored registration in the words of package idp.
func client(row store.ClientRow) (*idp.Client, error) {
	var r Registration
	if err := json.Unmarshal([]byte(row.Body), &r); err != nil {
		return nil, fmt.Errorf("client %s: %w", row.ID, err)
	}
	c := &idp.Client{ID: row.ID, Name: r.ClientName, Organization: r.OrganizationName, PolicyURI: r.PolicyURI, SecretHash: row.SecretHash,
		AuthMethod: r.AuthMethod, JWKS: string(r.JWKS), RedirectURIs: r.RedirectURIs, PostLogoutURIs: r.PostLogoutURIs,
		BackchannelURI: r.BackchannelURI, GrantTypes: r.GrantTypes, Scopes: strings.Fields(r.Scope), Pairwise: r.SubjectType == "pairwise",
		IDTokenAlg: r.IDTokenAlg, RequirePKCE: r.RequirePKCE == nil || *r.RequirePKCE, OpaqueTokens: r.AccessTokenFormat == "opaque",
		MinimumTier: idp.Tier(r.MinimumTier), Purposes: r.Purposes, Disabled: row.Disabled, Version: row.Version,
		CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt}
	for _, m := range r.TierMethods {
		c.TierMethods = append(c.TierMethods, idp.TierMethod(m))
	}
	if c.Pairwise {
		c.SectorID = r.ClientID
		if h := hosts(append([]string{r.SectorURI}, r.RedirectURIs...)); r.SectorURI != "" {
			c.SectorID = h[0]
		} else if len(h) > 1 {
			c.SectorID = h[1]
		}
	}
	return c, nil
}
