package idp

// Consent is what a citizen allowed a client, remembered. One row for an account and a client.
type Consent struct {
	OID        OID
	ClientID   string
	Attributes []Attribute
	Offline    bool              // data may be asked for while the person is away
	Purposes   map[string]string // by scope, as shown
	GrantedAt  int64
	ExpiresAt  int64
}

// ConsentLife is how long a consent is remembered, in seconds.
const ConsentLife = 365 * 24 * 3600

// Lacks tells whether something is wanted that the consent (nil: none) does not hold: an attribute, absence of the person,
// or another purpose.
func (c *Consent) Lacks(client *Client, scopes []string, attributes []Attribute, offline bool, now int64) bool {
	if len(attributes) == 0 && !offline {
		return false
	}
	if c == nil || now >= c.ExpiresAt || (offline && !c.Offline) {
		return true
	}
	for _, a := range attributes {
		if !containsAttribute(c.Attributes, a) {
			return true
		}
	}
	for _, s := range scopes {
		if p, ok := client.Purposes[s]; ok && c.Purposes[s] != p {
			return true
		}
	}
	return false
}

func containsAttribute(all []Attribute, a Attribute) bool {
	for _, x := range all {
		if x == a {
			return true
		}
	}
	return false
}

// Grant is what one finished request gave to a client: an authorization code, and the family of tokens that come from it
// (RFC 6749, 4.1; OAuth 2.0 Security BCP, 4.14). One row from the code to the last refresh token. Who acts next:
//
//	code issued      client: redeem it within a minute
//	redeemed         client: use and refresh
//	ended, expired   nobody
type Grant struct {
	ID            ID
	OID           OID
	ClientID      string
	Face          Face
	SessionID     ID
	RedirectURI   string
	CodeHash      []byte
	CodeChallenge string
	CodeExpiresAt int64
	RedeemedAt    int64

	Scopes     []string
	Attributes []Attribute // what the person allowed to leave
	Claims     string
	Resource   string
	Nonce      string
	ACRs       []ACR // as requested
	Auth       Authentication
	Epoch      int64 // of the account when the grant began

	Offline     bool   // with refresh tokens; outlives sign-out
	RefreshHash []byte // of the family's secret
	Generation  int64  // of the newest refresh token
	RotatedAt   int64
	CreatedAt   int64
	ExpiresAt   int64
	EndedAt     int64
}

// Lifetimes, in seconds.
const (
	CodeLife        = 60
	AccessLife      = 600        // of an access token
	IDTokenLife     = 600        // of an ID token
	RefreshLife     = 90 * 86400 // of a family, from the sign-in
	RefreshGrace    = 10         // a refresh whose answer was lost may be repeated this long
	MachineLife     = 600        // of an access token of client_credentials
	AssertionMaxAge = 600        // of a client assertion's exp
	ClockSkew       = 10         // of a client's clock
)

// Live tells whether tokens of the grant still count for an account.
func (g Grant) Live(a Account, now int64) bool {
	return g.EndedAt == 0 && now < g.ExpiresAt && a.Status == Active && g.Epoch == a.Epoch
}
