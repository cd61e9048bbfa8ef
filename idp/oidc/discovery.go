package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"propusk/idp"
	"propusk/keys"
)

// document is prebuilt bytes with their strong entity tag.
type document struct {
	body []byte
	etag string
}

func (d document) serve(w http.ResponseWriter, r *http.Request, maxAge string) {
	h := w.Header()
	h.Set("ETag", d.etag)
	h.Set("Cache-Control", "public, max-age="+maxAge)
	if match := r.Header.Get("If-None-Match"); match != "" && strings.Contains(match, d.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "application/json")
	_, _ = w.Write(d.body)
}

// metadata is the OpenID Provider Metadata (OpenID Connect Discovery 1.0, 3; RFC 8414; RFC 9207).
type metadata struct {
	Issuer            string   `json:"issuer"`
	Authorization     string   `json:"authorization_endpoint"`
	Token             string   `json:"token_endpoint"`
	Userinfo          string   `json:"userinfo_endpoint"`
	JWKS              string   `json:"jwks_uri"`
	Introspection     string   `json:"introspection_endpoint"`
	Revocation        string   `json:"revocation_endpoint"`
	EndSession        string   `json:"end_session_endpoint"`
	Scopes            []string `json:"scopes_supported"`
	ResponseTypes     []string `json:"response_types_supported"`
	ResponseModes     []string `json:"response_modes_supported"`
	GrantTypes        []string `json:"grant_types_supported"`
	ACRs              []string `json:"acr_values_supported"`
	SubjectTypes      []string `json:"subject_types_supported"`
	IDTokenAlgs       []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods       []string `json:"token_endpoint_auth_methods_supported"`
	AuthAlgs          []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectAlgs    []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	RevocationMethods []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	Claims            []string `json:"claims_supported"`
	ClaimTypes        []string `json:"claim_types_supported"`
	ClaimsParameter   bool     `json:"claims_parameter_supported"`
	RequestParameter  bool     `json:"request_parameter_supported"`
	RequestURI        bool     `json:"request_uri_parameter_supported"`
	Challenges        []string `json:"code_challenge_methods_supported"`
	IssInAnswer       bool     `json:"authorization_response_iss_parameter_supported"`
	UILocales         []string `json:"ui_locales_supported"`
	Prompts           []string `json:"prompt_values_supported"`
	Policy            string   `json:"op_policy_uri"`
	Terms             string   `json:"op_tos_uri"`
}

func discovery(issuer string) document {
	methods := []string{idp.AuthBasic, idp.AuthPost, idp.AuthPrivateKey, idp.AuthNone}
	m := metadata{
		Issuer: issuer, Authorization: issuer + "/authorize", Token: issuer + "/token", Userinfo: issuer + "/userinfo", JWKS: issuer + "/jwks",
		Introspection: issuer + "/introspect", Revocation: issuer + "/revoke", EndSession: issuer + "/logout",
		Scopes: idp.Scopes(), ResponseTypes: []string{"code"}, ResponseModes: []string{"query", "form_post"},
		GrantTypes: []string{idp.GrantCode, idp.GrantRefresh, idp.GrantCredentials}, ACRs: idp.AllACRs(),
		SubjectTypes: []string{"public", "pairwise"}, IDTokenAlgs: keys.Algs(), AuthMethods: methods, AuthAlgs: keys.Algs(),
		IntrospectMethods: methods[:3], IntrospectAlgs: keys.Algs(), RevocationMethods: methods, RevocationAlgs: keys.Algs(),
		Claims: supportedClaims, ClaimTypes: []string{"normal"}, ClaimsParameter: true, Challenges: []string{"S256"}, IssInAnswer: true,
		UILocales: []string{"ru", "en"}, Prompts: []string{"none", "login", "consent", "select_account", "create"},
		Policy: issuer + "/privacy", Terms: issuer + "/terms",
	}
	body, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and booleans always marshal
	}
	sum := sha256.Sum256(body)
	return document{body, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

func (f *Face) showDiscovery(w http.ResponseWriter, r *http.Request) { f.metadata.serve(w, r, "3600") }

func (f *Face) showKeys(w http.ResponseWriter, r *http.Request) {
	body, etag := f.Grant.Ring().JWKS()
	document{body, etag}.serve(w, r, "600")
}
