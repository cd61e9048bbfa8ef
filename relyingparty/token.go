package relyingparty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// tokens is the answer of the token endpoint (RFC 6749, 5.1; OpenID Connect Core 1.0, 3.1.3.3).
type tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
	Scope        string `json:"scope"`
	ExpiresIn    int64  `json:"expires_in"`
}

// assertionSigner signs private_key_jwt assertions.
func assertionSigner(config Config) (jose.Signer, error) {
	key := jose.SigningKey{Algorithm: jose.SignatureAlgorithm(config.KeyAlg),
		Key: jose.JSONWebKey{Key: config.Key, KeyID: config.KeyID}}
	return jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
}

// redeem sends a form to the token endpoint, authenticated as the client, and returns the tokens with the exchange.
func (c *Client) redeem(ctx context.Context, step string, form url.Values, now time.Time) (tokens, Exchange, error) {
	md, err := c.provider.get(ctx, now)
	if err != nil {
		return tokens{}, Exchange{}, err
	}
	if err := c.authenticate(form, now); err != nil {
		return tokens{}, Exchange{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, md.TokenEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return tokens{}, Exchange{}, &Unavailable{"token", err}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	if c.basic() { // RFC 6749, 2.3.1: both are form-encoded before they are joined
		request.SetBasicAuth(url.QueryEscape(c.config.ClientID), url.QueryEscape(c.config.ClientSecret))
	}
	exchange := serverExchange(step, request, form, now)
	status, body, err := roundTrip(c.http, request)
	exchange.Status, exchange.Answer = status, maskedJSON(body)
	if err != nil {
		return tokens{}, exchange, &Unavailable{"token", err}
	}
	var answer tokens
	if status != http.StatusOK {
		return tokens{}, exchange, errorAnswer("token", status, body)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return tokens{}, exchange, fails(CheckAnswer, "token answer: %w", err)
	}
	return answer, exchange, answer.check()
}

func (c *Client) basic() bool { return c.config.ClientSecret != "" && !c.config.SecretInBody }

// authenticate adds what proves the client within the form.
func (c *Client) authenticate(form url.Values, now time.Time) error {
	switch {
	case c.basic():
		return nil
	case c.config.ClientSecret != "":
		form.Set("client_secret", c.config.ClientSecret)
	case c.signer != nil:
		assertion, err := c.assertion(now)
		if err != nil {
			return fmt.Errorf("sign client assertion: %w", err)
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	}
	form.Set("client_id", c.config.ClientID)
	return nil
}

// assertion is a private_key_jwt (OpenID Connect Core 1.0, 9; RFC 7523, 3). Its audience is the issuer as one string: an
// assertion for the token endpoint of one provider could be used at another that names the same endpoint.
func (c *Client) assertion(now time.Time) (string, error) {
	claims := map[string]any{"iss": c.config.ClientID, "sub": c.config.ClientID, "aud": c.config.Issuer,
		"jti": secretText(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	return jwt.Signed(c.signer).Claims(claims).Serialize()
}

func (t tokens) check() error {
	switch {
	case t.AccessToken == "":
		return fails(CheckAnswer, "token answer without access_token")
	case !strings.EqualFold(t.TokenType, "Bearer"):
		return fails(CheckTokenType, "token_type is %q", t.TokenType)
	}
	return nil
}

// errorAnswer reads an error of RFC 6749, 5.2. Any other shape, and every 5xx, is a provider that is not well.
func errorAnswer(endpoint string, status int, body []byte) error {
	var answer struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Error == "" || status >= 500 {
		return &Unavailable{endpoint, fmt.Errorf("status %d %s", status, answer.Error)}
	}
	return &ProviderError{Endpoint: endpoint, Status: status, Code: answer.Error, Description: answer.Description}
}

// userinfo asks the provider about the person of the ID token (OpenID Connect Core 1.0, 5.3). A provider without the
// endpoint gives no claims.
func (c *Client) userinfo(ctx context.Context, token, subject string, now time.Time) (map[string]any, Exchange, error) {
	md, err := c.provider.get(ctx, now)
	if err != nil || md.UserinfoEndpoint == "" {
		return nil, Exchange{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, md.UserinfoEndpoint, nil)
	if err != nil {
		return nil, Exchange{}, &Unavailable{"userinfo", err}
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	exchange := serverExchange("userinfo", request, nil, now)
	status, body, err := roundTrip(c.http, request)
	exchange.Status, exchange.Answer = status, maskedJSON(body)
	switch {
	case err != nil:
		return nil, exchange, &Unavailable{"userinfo", err}
	case status != http.StatusOK:
		return nil, exchange, userinfoError(status, body)
	}
	info, err := readUserinfo(body, subject)
	return info, exchange, err
}

// userinfoError differs from errorAnswer in that a 401 need not have a body (RFC 6750, 3).
func userinfoError(status int, body []byte) error {
	err := errorAnswer("userinfo", status, body)
	if away := (*Unavailable)(nil); errors.As(err, &away) && status == http.StatusUnauthorized {
		return &ProviderError{Endpoint: "userinfo", Status: status, Code: "invalid_token"}
	}
	return err
}

// readUserinfo refuses an answer about somebody else (5.3.2).
func readUserinfo(body []byte, subject string) (map[string]any, error) {
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber()
	var info map[string]any
	if err := decoder.Decode(&info); err != nil {
		return nil, fails(CheckAnswer, "userinfo: %w", err)
	}
	if sub, _ := info["sub"].(string); sub == "" || sub != subject {
		return nil, fails(CheckUserInfo, "userinfo speaks of another sub than the ID token")
	}
	return info, nil
}
