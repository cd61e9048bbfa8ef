package idptest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"propusk/idp"
)

const redirectURI = "https://portal.example/cb"

// rp is a relying party that knows nothing but discovery and its own registration.
type rp struct {
	t        *testing.T
	idp      *IdP
	id       string
	metadata map[string]any
}

// addRP registers a client; more are further members of its JSON, each with a comma before it.
func addRP(t *testing.T, p *IdP, id, more string) *rp {
	t.Helper()
	p.AddClient(fmt.Sprintf(`{"client_id": %q, "client_name": "Система %s", "client_secret": "secret-of-%s-0123456789abcdef", "redirect_uris": [%q],
		"post_logout_redirect_uris": ["https://portal.example/bye"], "grant_types": ["authorization_code", "refresh_token"],
		"scope": "openid profile email phone snils offline_access", "organization_name": "Администрация Примерска"%s}`, id, id, id, redirectURI, more))
	r := &rp{t: t, idp: p, id: id}
	r.read("GET", p.Issuer+"/.well-known/openid-configuration", nil, nil, &r.metadata)
	return r
}

// in is the same client, which reports to a subtest.
func (r *rp) in(t *testing.T) *rp {
	sub := *r
	sub.t, sub.idp = t, r.idp.In(t)
	return &sub
}

func (r *rp) endpoint(name string) string { return r.metadata[name].(string) }

// login is one request with what has to be kept until its answer.
type login struct {
	url.Values
	verifier string
}

func (r *rp) login(pairs ...string) login {
	l := login{url.Values{"client_id": {r.id}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"openid profile"}, "state": {idp.NewSecret()},
		"nonce": {idp.NewSecret()}, "code_challenge_method": {"S256"}}, idp.NewSecret()}
	sum := sha256.Sum256([]byte(l.verifier))
	l.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
	for i := 0; i < len(pairs); i += 2 {
		l.Set(pairs[i], pairs[i+1])
	}
	return l
}

// open sends a browser to the authorization endpoint.
func (r *rp) open(b *Browser, l login) {
	r.t.Helper()
	b.Get(r.endpoint("authorization_endpoint") + "?" + l.Encode())
}

// answered reads the answer with which the browser came back.
func (r *rp) answered(b *Browser, l login) url.Values {
	r.t.Helper()
	b.Must()
	if !strings.HasPrefix(b.At.String(), redirectURI+"?") {
		r.t.Fatalf("the browser is at %s (%s), want at %s\n%s", b.At, b.Step(), redirectURI, b.Text())
	}
	q := b.At.Query()
	if q.Get("state") != l.Get("state") || q.Get("iss") != r.idp.Issuer {
		r.t.Fatalf("state or iss differs: %s", b.At)
	}
	return q
}

// refused wants an error as the answer.
func (r *rp) refused(b *Browser, l login, code string) {
	r.t.Helper()
	q := r.answered(b, l)
	if q.Get("error") != code || q.Has("code") {
		r.t.Fatalf("error = %q (%s), want %q", q.Get("error"), q.Get("error_description"), code)
	}
}

type tokens struct {
	AccessToken      string `json:"access_token"`
	IDToken          string `json:"id_token"`
	RefreshToken     string `json:"refresh_token"`
	TokenType        string `json:"token_type"`
	Scope            string `json:"scope"`
	ExpiresIn        int64  `json:"expires_in"`
	Error            string `json:"error"`
	ErrorDescription string `json:"error_description"`
}

func (r *rp) token(form url.Values) (tokens, int) {
	r.t.Helper()
	var out tokens
	status := r.read("POST", r.endpoint("token_endpoint"), form, func(q *http.Request) {
		q.SetBasicAuth(url.QueryEscape(r.id), url.QueryEscape("secret-of-"+r.id+"-0123456789abcdef"))
	}, &out)
	return out, status
}

// redeem trades the code for tokens and checks the ID token.
func (r *rp) redeem(b *Browser, l login) (tokens, map[string]any) {
	r.t.Helper()
	code := r.answered(b, l).Get("code")
	out, status := r.token(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {l.verifier}})
	if status != http.StatusOK {
		r.t.Fatalf("token: %d %s: %s (code %q)", status, out.Error, out.ErrorDescription, code)
	}
	claims := r.verify(out.IDToken)
	sum := sha256.Sum256([]byte(out.AccessToken))
	r.same(claims, map[string]any{"iss": r.idp.Issuer, "aud": r.id, "nonce": l.Get("nonce"), "at_hash": base64.RawURLEncoding.EncodeToString(sum[:16])})
	now := float64(time.Now().Unix())
	if exp, iat := claims["exp"].(float64), claims["iat"].(float64); exp <= now || iat > now+1 || iat < now-60 {
		r.t.Errorf("iat %v, exp %v, now %v", iat, exp, now)
	}
	return out, claims
}

// verify checks a signature with the published keys, found by kid.
func (r *rp) verify(token string) map[string]any {
	r.t.Helper()
	var set jose.JSONWebKeySet
	r.read("GET", r.endpoint("jwks_uri"), nil, nil, &set)
	signed, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		r.t.Fatalf("%v: %q", err, token)
	}
	found := set.Key(signed.Signatures[0].Header.KeyID)
	if len(found) != 1 {
		r.t.Fatalf("%d keys have the kid of the token", len(found))
	}
	body, err := signed.Verify(found[0])
	if err != nil {
		r.t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(body, &claims); err != nil {
		r.t.Fatal(err)
	}
	return claims
}

// same compares the claims that are wanted, and no others.
func (r *rp) same(claims, want map[string]any) {
	r.t.Helper()
	for name, value := range maps.All(want) {
		if fmt.Sprint(claims[name]) != fmt.Sprint(value) {
			r.t.Errorf("%s = %v, want %v", name, claims[name], value)
		}
	}
}

func (r *rp) userinfo(access string) (map[string]any, int) {
	r.t.Helper()
	out := map[string]any{}
	status := r.read("GET", r.endpoint("userinfo_endpoint"), nil, func(q *http.Request) { q.Header.Set("Authorization", "Bearer "+access) }, &out)
	return out, status
}

// read sends a request of a program and decodes the JSON of the answer.
func (r *rp) read(method, address string, form url.Values, change func(*http.Request), into any) int {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	if method == http.MethodPost {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(q)
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		r.t.Fatalf("%s %s: %d, no JSON: %s", method, address, answer.StatusCode, body)
	}
	return answer.StatusCode
}
