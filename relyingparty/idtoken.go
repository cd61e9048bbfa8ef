package relyingparty

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Claims are those of a verified ID token (OpenID Connect Core 1.0, 2) with the provider's own.
type Claims struct {
	Issuer     string           `json:"iss"`
	Subject    string           `json:"sub"`
	Audience   jwt.Audience     `json:"aud"`
	Azp        string           `json:"azp"`
	Expiry     *jwt.NumericDate `json:"exp"`
	IssuedAt   *jwt.NumericDate `json:"iat"`
	AuthTime   *jwt.NumericDate `json:"auth_time"`
	Nonce      string           `json:"nonce"`
	ACR        string           `json:"acr"`
	AMR        []string         `json:"amr"`
	AtHash     string           `json:"at_hash"`
	SessionID  string           `json:"sid"`
	Tier       Tier             `json:"tier"`
	TierMethod string           `json:"tier_method"`

	All map[string]any `json:"-"` // every claim as it came, whole numbers as int64
}

// Level is what the sign-in reached. The tier comes from the claim tier, since acr names the first value that was asked
// for and is enough; the factor from acr, or from amr where a lower factor was asked for.
func (c *Claims) Level() ACR {
	acr, _ := ParseACR(c.ACR) // another provider's acr counts as the lowest level
	level := ACR{Tier: cmp.Or(acr.Tier, Simplified), Factor: acr.Factor}
	if slices.Contains(tiers, c.Tier) {
		level.Tier = c.Tier
	}
	if level.Factor == AnyFactor && slices.Contains(c.AMR, "mfa") {
		level.Factor = TwoFactors
	}
	return level
}

// signatureAlgs are the algorithms a provider may be registered with here: those of a public key (RFC 7518, 3.1).
var signatureAlgs = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512, jose.RS256, jose.RS384, jose.RS512,
	jose.PS256, jose.PS384, jose.PS512, jose.EdDSA}

// maxTokenAge is how long ago a token may have been issued that has just been received.
const maxTokenAge = 10 * time.Minute

// verified checks the signature of a token and decodes it: the registered algorithm, a key of the provider that is meant
// for it, and a typ that is one of those given in lower case.
func (c *Client) verified(ctx context.Context, raw string, types []string, now time.Time) (*Claims, error) {
	alg := jose.SignatureAlgorithm(c.config.IDTokenAlg)
	jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{alg})
	if wrong := (*jose.ErrUnexpectedSignatureAlgorithm)(nil); errors.As(err, &wrong) {
		return nil, fails(CheckAlg, "signed by %q, registered is %s", wrong.Got, alg)
	}
	if err != nil {
		return nil, fails(CheckFormat, "not a signed JWT: %w", err)
	}
	header := jws.Signatures[0].Protected
	typ, _ := header.ExtraHeaders[jose.HeaderType].(string)
	if !slices.Contains(types, strings.ToLower(typ)) {
		return nil, fails(CheckFormat, "typ is %q", typ)
	}
	keys, err := c.provider.keysFor(ctx, header.KeyID, now)
	if err != nil {
		return nil, err
	}
	payload, err := verifiedBy(jws, keys, alg)
	if err != nil {
		return nil, err
	}
	return readClaims(payload)
}

// readClaims decodes with go-jose's reader: names count with their case, and none may come twice.
func readClaims(payload []byte) (*Claims, error) {
	claims := new(Claims)
	if err := json.Unmarshal(payload, claims); err != nil {
		return nil, fails(CheckFormat, "claims: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.SetNumberType(json.UnmarshalIntOrFloat)
	if err := decoder.Decode(&claims.All); err != nil || claims.All == nil {
		return nil, fails(CheckFormat, "claims are no JSON object")
	}
	return claims, nil
}

// verifiedBy tries the keys that fit. alg and use of a JWK bind (RFC 7517, 4.2 and 4.4), which the library leaves to us.
func verifiedBy(jws *jose.JSONWebSignature, keys []jose.JSONWebKey, alg jose.SignatureAlgorithm) ([]byte, error) {
	var tried bool
	for _, key := range keys {
		if !key.Valid() || !key.IsPublic() || cmp.Or(key.Use, "sig") != "sig" || cmp.Or(key.Algorithm, string(alg)) != string(alg) {
			continue
		}
		tried = true
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	if !tried {
		return nil, fails(CheckKey, "the provider has no %s key %q", alg, jws.Signatures[0].Protected.KeyID)
	}
	return nil, fails(CheckSignature, "the signature is not by key %q", jws.Signatures[0].Protected.KeyID)
}

// expectation is what one ID token must say beside what every one must.
type expectation struct {
	nonce       string    // compared if not empty
	accessToken string    // that came with it
	since       time.Time // the earliest auth_time; zero asks for none
	acr         []ACR     // one of these must be reached; nil asks for none
}

// verifyIDToken follows OpenID Connect Core 1.0, 3.1.3.7 point by point. An audience besides ours is refused: this client
// trusts nobody else with its tokens.
func (c *Client) verifyIDToken(ctx context.Context, raw string, want expectation, now time.Time) (*Claims, error) {
	claims, err := c.verified(ctx, raw, []string{"", "jwt"}, now)
	if err != nil {
		return nil, err
	}
	if err := c.checkParties(claims); err != nil {
		return nil, err
	}
	if err := checkTimes(claims, now); err != nil {
		return nil, err
	}
	switch {
	case claims.Subject == "":
		return nil, fails(CheckFormat, "no sub")
	case want.nonce != "" && claims.Nonce != want.nonce:
		return nil, fails(CheckNonce, "nonce is not the one of this sign-in")
	}
	if err := want.checkLevel(claims); err != nil {
		return nil, err
	}
	return claims, checkAtHash(claims.AtHash, want.accessToken, c.config.IDTokenAlg)
}

// checkParties compares who issued the token and for whom: points 2 to 5.
func (c *Client) checkParties(claims *Claims) error {
	switch {
	case claims.Issuer != c.config.Issuer:
		return fails(CheckIss, "iss is %q, expected %q", claims.Issuer, c.config.Issuer)
	case !claims.Audience.Contains(c.config.ClientID):
		return fails(CheckAud, "aud %q does not name %q", []string(claims.Audience), c.config.ClientID)
	case len(claims.Audience) > 1:
		return fails(CheckAud, "aud %q names others as well", []string(claims.Audience))
	case claims.Azp != "" && claims.Azp != c.config.ClientID:
		return fails(CheckAzp, "azp is %q, expected %q", claims.Azp, c.config.ClientID)
	}
	return nil
}

// checkTimes: points 9 and 10. Both claims are required.
func checkTimes(claims *Claims, now time.Time) error {
	switch {
	case claims.Expiry == nil:
		return fails(CheckExp, "no exp")
	case !now.Before(claims.Expiry.Time().Add(leeway)):
		return fails(CheckExp, "ended at %s", claims.Expiry.Time().UTC().Format(time.RFC3339))
	case claims.IssuedAt == nil:
		return fails(CheckIat, "no iat")
	case claims.IssuedAt.Time().After(now.Add(leeway)):
		return fails(CheckIat, "issued in the future, at %s", claims.IssuedAt.Time().UTC().Format(time.RFC3339))
	case claims.IssuedAt.Time().Before(now.Add(-maxTokenAge)):
		return fails(CheckIat, "issued long ago, at %s", claims.IssuedAt.Time().UTC().Format(time.RFC3339))
	}
	return nil
}

// checkLevel: points 12 and 13.
func (want expectation) checkLevel(claims *Claims) error {
	level := claims.Level()
	if len(want.acr) > 0 && !slices.ContainsFunc(want.acr, level.Satisfies) {
		return fails(CheckACR, "level %s was not demanded", level)
	}
	switch {
	case want.since.IsZero():
		return nil
	case claims.AuthTime == nil:
		return fails(CheckAuthTime, "no auth_time although max_age was sent")
	case claims.AuthTime.Time().Before(want.since.Truncate(time.Second)):
		return fails(CheckAuthTime, "authenticated at %s, too long ago", claims.AuthTime.Time().UTC().Format(time.RFC3339))
	}
	return nil
}

// checkAtHash: 3.1.3.8. The claim is optional in the code flow, but if it is there it must fit the access token.
func checkAtHash(claimed, accessToken, alg string) error {
	if claimed == "" {
		return nil
	}
	var sum []byte
	switch alg[len(alg)-3:] {
	case "256":
		h := sha256.Sum256([]byte(accessToken))
		sum = h[:]
	case "384":
		h := sha512.Sum384([]byte(accessToken))
		sum = h[:]
	default: // 512, and EdDSA with Ed25519, whose hash is SHA-512
		h := sha512.Sum512([]byte(accessToken))
		sum = h[:]
	}
	if claimed != base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2]) {
		return fails(CheckAtHash, "at_hash is not of the access token that came with it")
	}
	return nil
}
