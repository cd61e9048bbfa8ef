package oidc

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"propusk/idp"
	"propusk/idp/grant"
	"propusk/keys"
)

// audience is a string where there is one, as many clients expect (RFC 7519, 4.1.3).
type audience []string

func (a audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// level is what every token and userinfo say of the sign-in (CONTRACT.md section 4).
type level struct {
	ACR         string         `json:"acr,omitempty"`
	AMR         []string       `json:"amr,omitempty"`
	AuthTime    int64          `json:"auth_time,omitempty"`
	Tier        idp.Tier       `json:"tier,omitempty"`
	TierAt      int64          `json:"tier_at,omitempty"`
	TierMethod  idp.TierMethod `json:"tier_method,omitempty"`
	RecoveredAt int64          `json:"recovered_at,omitempty"`
}

func levelOf(g idp.Grant) level {
	l := level{ACR: idp.ReturnedACR(g.ACRs, g.Auth.ACR()).String(), AMR: g.Auth.AMR(), AuthTime: g.Auth.Time, Tier: g.Auth.Tier, TierAt: g.Auth.TierAt,
		RecoveredAt: g.Auth.RecoveredAt}
	if g.Auth.Tier == idp.Confirmed {
		l.TierMethod = g.Auth.TierMethod
	}
	return l
}

// accessClaims is a JWT access token (RFC 9068, 2.2).
type accessClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	ClientID string   `json:"client_id"`
	Scope    string   `json:"scope"`
	ID       string   `json:"jti"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	level
}

// idClaims is an ID token (OpenID Connect Core, 2).
type idClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	IssuedAt int64  `json:"iat"`
	Nonce    string `json:"nonce,omitempty"`
	AtHash   string `json:"at_hash"`
	SID      string `json:"sid,omitempty"`
	level
}

// tokenResponse is RFC 6749, 5.1 and OpenID Connect Core, 3.1.3.3.
type tokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
	IDToken      string `json:"id_token,omitempty"`
}

// spell makes the tokens of what grant has issued.
func (f *Face) spell(in grant.Issued, release *idp.Release, now time.Time) (tokenResponse, error) {
	out := tokenResponse{TokenType: "Bearer", ExpiresIn: in.ExpiresAt - in.IssuedAt, RefreshToken: in.Refresh, Scope: strings.Join(in.Scopes, " ")}
	var err error
	if out.AccessToken, err = f.accessToken(in, now); err != nil {
		return out, err
	}
	if in.IDToken {
		out.IDToken, err = f.idToken(in, out.AccessToken, release, now)
	}
	return out, err
}

func (f *Face) accessToken(in grant.Issued, now time.Time) (string, error) {
	if in.Opaque != "" {
		return in.Opaque, nil
	}
	c := accessClaims{Issuer: f.issuer, Subject: in.Client.ID, Audience: in.Audience, ClientID: in.Client.ID, Scope: strings.Join(in.Scopes, " "),
		ID: in.JTI, IssuedAt: in.IssuedAt, Expires: in.ExpiresAt}
	if in.Grant.ID != "" {
		c.Subject, c.level = f.Grant.Subject(in.Client, in.Grant.OID), levelOf(in.Grant)
	}
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	token, _, err := f.Grant.Ring().Sign(keys.ES256, "at+jwt", body, now)
	return token, err
}

// halfHash is `at_hash`: the left half of the hash of the ID token's algorithm, which for Ed25519 is SHA-512 (OpenID Connect
// Core, 3.1.3.6; RFC 8032, 5.1).
func halfHash(alg, token string) string {
	if alg == keys.EdDSA {
		sum := sha512.Sum512([]byte(token))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func (f *Face) idToken(in grant.Issued, accessToken string, release *idp.Release, now time.Time) (string, error) {
	c := idClaims{Issuer: f.issuer, Subject: f.Grant.Subject(in.Client, in.Grant.OID), Audience: in.Client.ID, Expires: in.IssuedAt + idp.IDTokenLife,
		IssuedAt: in.IssuedAt, Nonce: in.Grant.Nonce, AtHash: halfHash(in.Client.IDTokenAlg, accessToken),
		SID: f.Grant.SessionID(in.Client, in.Grant.SessionID), level: levelOf(in.Grant)}
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	if release != nil {
		if body, err = withClaims(body, *release, in.Grant.Claims); err != nil {
			return "", err
		}
	}
	token, _, err := f.Grant.Ring().Sign(in.Client.IDTokenAlg, "JWT", body, now)
	return token, err
}

// withClaims adds to the ID token what the claims parameter asked to have there, of what may leave.
func withClaims(body []byte, release idp.Release, claims string) ([]byte, error) {
	asked, err := grant.ReadClaims(claims)
	if err != nil {
		return nil, err
	}
	extra := map[string]any{}
	for name, value := range personClaims(release) {
		if _, ok := asked.IDToken[name]; ok {
			extra[name] = value
		}
	}
	if len(extra) == 0 {
		return body, nil
	}
	more, err := json.Marshal(extra)
	if err != nil {
		return nil, err
	}
	return append(append(body[:len(body)-1], ','), more[1:]...), nil
}

var supportedClaims = []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid", "tier", "tier_at", "tier_method",
	"recovered_at", "name", "family_name", "given_name", "middle_name", "birthdate", "gender", "updated_at", "email", "email_verified",
	"phone_number", "phone_number_verified", "snils", "inn", "citizenship", "birthplace", "documents"}

// documentClaim is an identity document (esia-protocol.md 4.6, in snake case; dates YYYY-MM-DD).
type documentClaim struct {
	Type       idp.DocumentKind `json:"type"`
	Series     string           `json:"series,omitempty"`
	Number     string           `json:"number"`
	IssueDate  string           `json:"issue_date,omitempty"`
	IssueID    string           `json:"issue_id,omitempty"`
	IssuedBy   string           `json:"issued_by,omitempty"`
	ExpiryDate string           `json:"expiry_date,omitempty"`
	Verified   bool             `json:"verified"`
}

// personClaims spells a release (OpenID Connect Core, 5.1; ESIA's scopes in snake case). A claim without a value stays away.
func personClaims(r idp.Release) map[string]any {
	out := map[string]any{}
	put := func(name, value string) {
		if value != "" {
			out[name] = value
		}
	}
	p := r.Person
	if r.Opened(idp.AttrName) {
		parts := slices.DeleteFunc([]string{p.LastName, p.FirstName, p.MiddleName}, func(s string) bool { return s == "" })
		put("name", strings.Join(parts, " "))
		out["updated_at"] = r.UpdatedAt
	}
	put("family_name", p.LastName)
	put("given_name", p.FirstName)
	put("middle_name", p.MiddleName)
	put("birthdate", p.BirthDate)
	put("gender", map[string]string{"M": "male", "F": "female"}[p.Gender])
	put("birthplace", p.BirthPlace)
	put("citizenship", p.Citizenship)
	put("snils", r.SNILS.Spaced())
	put("inn", string(r.INN))
	if r.Email != "" {
		out["email"], out["email_verified"] = r.Email.Readable(), r.EmailProved
	}
	if r.Phone != "" {
		out["phone_number"], out["phone_number_verified"] = string(r.Phone), r.PhoneProved
	}
	if d := r.Document; d != nil {
		out["documents"] = []documentClaim{{d.Kind, d.Series, d.Number, d.IssuedOn, d.IssueID, d.IssuedBy, d.ExpiresOn, d.Verified}}
	}
	return out
}
