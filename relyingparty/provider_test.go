package relyingparty

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// testProvider is an OpenID provider that signs its one citizen in without a page. It does what the standards say, and
// its hooks make it misbehave.
type testProvider struct {
	*httptest.Server
	redirectURI string // of the client "portal" with the secret "secret & more"

	mu      sync.Mutex // guards what follows
	keys    []jose.JSONWebKey
	codes   map[string]url.Values
	tokens  map[string]string // refresh tokens with their nonce
	calls   map[string]int    // by path
	last    url.Values        // of the latest authorization request
	logouts url.Values        // of the latest logout

	level    ACR
	claims   map[string]any // of userinfo, by default those of one citizen
	authTime time.Time

	refuse    string                                   // error answered at authorize
	away      bool                                     // answers 503 everywhere
	onClaims  func(map[string]any)                     // of the ID token
	onToken   func(map[string]any)                     // the token answer
	onInfo    func(map[string]any)                     // the userinfo answer
	onAnswer  func(url.Values)                         // the redirect back
	onMeta    func(map[string]any)                     // discovery
	sign      func(p *testProvider, claims any) string // in place of the newest key
	tokenFail func() (int, string)                     // status and body of the token endpoint
}

func newTestProvider(t *testing.T) *testProvider {
	t.Helper()
	p := &testProvider{codes: map[string]url.Values{}, tokens: map[string]string{}, calls: map[string]int{},
		level: ACR{Tier: Standard}, authTime: time.Now().Add(-10 * time.Minute),
		claims: map[string]any{"sub": "1000000001", "given_name": "Иван", "family_name": "Петров", "name": "Иван Петров",
			"email": "ivan@example.ru", "phone_number": "+79161234567", "snils": "112-233-445 95"}}
	p.rotate(t)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /jwks", p.jwks)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userinfo)
	mux.HandleFunc("GET /logout", p.logout)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.calls[r.URL.Path]++
		if p.away {
			http.Error(w, "maintenance", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// rotate makes a new signing key; the former ones go out of the set.
func (p *testProvider) rotate(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = []jose.JSONWebKey{{Key: key, KeyID: rand.Text(), Algorithm: "ES256", Use: "sig"}}
}

// set changes the provider between requests.
func (p *testProvider) set(change func(p *testProvider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *testProvider) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[path]
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(err)
	}
}

func (p *testProvider) discovery(w http.ResponseWriter, _ *http.Request) {
	document := map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"userinfo_endpoint": p.URL + "/userinfo", "jwks_uri": p.URL + "/jwks", "end_session_endpoint": p.URL + "/logout",
		"authorization_response_iss_parameter_supported": true}
	if p.onMeta != nil {
		p.onMeta(document)
	}
	writeJSON(w, document)
}

func (p *testProvider) jwks(w http.ResponseWriter, _ *http.Request) {
	var set jose.JSONWebKeySet
	for _, key := range p.keys {
		set.Keys = append(set.Keys, key.Public())
	}
	writeJSON(w, set)
}

func (p *testProvider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p.last = q
	if q.Get("redirect_uri") != p.redirectURI || q.Get("client_id") != "portal" {
		http.Error(w, "not a redirect_uri of this client", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}, "iss": {p.URL}}
	switch {
	case p.refuse != "":
		answer.Set("error", p.refuse)
		answer.Set("error_description", "said <b>no</b> [E7K2-41QD]")
		answer.Set("error_uri", p.URL+"/docs/errors/"+p.refuse)
	case !p.reaches(q):
		answer.Set("error", "unmet_authentication_requirements")
	default:
		code := rand.Text()
		p.codes[code] = q
		answer.Set("code", code)
	}
	if p.onAnswer != nil {
		p.onAnswer(answer)
	}
	http.Redirect(w, r, p.redirectURI+"?"+answer.Encode(), http.StatusFound)
}

// demanded is the level of the claims parameter.
func demanded(q url.Values) string {
	var claims struct {
		IDToken struct {
			ACR struct {
				Essential bool     `json:"essential"`
				Values    []string `json:"values"`
			} `json:"acr"`
		} `json:"id_token"`
	}
	if json.Unmarshal([]byte(q.Get("claims")), &claims) != nil || !claims.IDToken.ACR.Essential {
		return ""
	}
	return claims.IDToken.ACR.Values[0]
}

func (p *testProvider) reaches(q url.Values) bool {
	want, err := ParseACR(demanded(q))
	return err != nil || p.level.Satisfies(want)
}

func (p *testProvider) token(w http.ResponseWriter, r *http.Request) {
	if p.tokenFail != nil {
		status, body := p.tokenFail()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
		return
	}
	id, secret, _ := r.BasicAuth()
	secret, err := url.QueryUnescape(secret)
	if id != "portal" || err != nil || secret != "secret & more" {
		p.tokenError(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	var asked url.Values
	var found bool
	if r.FormValue("grant_type") == "refresh_token" {
		var nonce string
		nonce, found = p.tokens[r.FormValue("refresh_token")]
		delete(p.tokens, r.FormValue("refresh_token"))
		asked = url.Values{"nonce": {nonce}, "scope": {"openid profile offline_access"}}
	} else {
		asked, found = p.codes[r.FormValue("code")]
		delete(p.codes, r.FormValue("code"))
		challenge := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		found = found && base64.RawURLEncoding.EncodeToString(challenge[:]) == asked.Get("code_challenge") &&
			r.FormValue("redirect_uri") == p.redirectURI
	}
	if !found {
		p.tokenError(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	p.issue(w, asked)
}

func (p *testProvider) tokenError(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":%q,"error_description":"because"}`, code)
}

func (p *testProvider) issue(w http.ResponseWriter, asked url.Values) {
	access := "access-" + rand.Text()
	half := sha256.Sum256([]byte(access))
	acr := p.level.String()
	if want := demanded(asked); want != "" {
		acr = want
	}
	if asked.Get("max_age") == "0" {
		p.authTime = time.Now()
	}
	now := time.Now().Unix()
	claims := map[string]any{"iss": p.URL, "sub": "1000000001", "aud": "portal", "exp": now + 300, "iat": now,
		"auth_time": p.authTime.Unix(), "nonce": asked.Get("nonce"), "acr": acr, "amr": []string{"pwd"}, "sid": "sid-1",
		"tier": p.level.Tier, "tier_at": now - 1000, "at_hash": base64.RawURLEncoding.EncodeToString(half[:16])}
	if p.level.Factor != AnyFactor {
		claims["amr"] = []string{"pwd", "otp", "mfa"}
	}
	if p.onClaims != nil {
		p.onClaims(claims)
	}
	answer := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300,
		"id_token": p.signed(claims, "JWT"), "scope": asked.Get("scope")}
	if slices.Contains(strings.Fields(asked.Get("scope")), "offline_access") {
		refresh := "refresh-" + rand.Text()
		p.tokens[refresh] = asked.Get("nonce")
		answer["refresh_token"] = refresh
	}
	if p.onToken != nil {
		p.onToken(answer)
	}
	if strings.Contains(asked.Get("scope"), passportScope) {
		p.claims["documents"] = []any{map[string]any{"type": "RF_PASSPORT", "series": "4504", "number": "123421"}}
	}
	writeJSON(w, answer)
}

// signed signs with the newest key, or as the hook does.
func (p *testProvider) signed(claims any, typ jose.ContentType) string {
	if p.sign != nil {
		return p.sign(p, claims)
	}
	return signWith(p.keys[len(p.keys)-1], jose.ES256, claims, typ)
}

func signWith(key any, alg jose.SignatureAlgorithm, claims any, typ jose.ContentType) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType(typ))
	if err != nil {
		panic(err)
	}
	raw, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		panic(err)
	}
	return raw
}

func (p *testProvider) userinfo(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer access-") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	info := map[string]any{}
	for name, value := range p.claims {
		info[name] = value
	}
	if p.onInfo != nil {
		p.onInfo(info)
	}
	writeJSON(w, info)
}

func (p *testProvider) logout(w http.ResponseWriter, r *http.Request) {
	p.logouts = r.URL.Query()
	back := p.logouts.Get("post_logout_redirect_uri") + "?" + url.Values{"state": {p.logouts.Get("state")}}.Encode()
	http.Redirect(w, r, back, http.StatusFound)
}
