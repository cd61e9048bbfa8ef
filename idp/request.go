package idp

import "slices"

// Face says which protocol began a request.
type Face string

// The faces.
const (
	FaceOIDC    Face = "oidc"
	FaceESIA    Face = "esia"
	FaceCabinet Face = "cabinet" // the citizen came by themselves: no client, no code
)

// PromptOther stands among the prompts of a request whose person said «Войти другим». No portal can send it.
const PromptOther = "other"

// RequestLife is how long a citizen may take to sign in, in seconds.
const RequestLife = 3600

// AuthRequest is one Authentication Request (OpenID Connect Core 3.1.2.1), parsed and checked once, whichever face it
// came by. The second half are facts that the login adds, with their times; no status repeats them. Who acts next:
//
//	open (no GrantedAt, no RefusedAt)   citizen: the step that authn.Next names
//	granted                             client: redeem the code
//	refused, expired                    nobody
type AuthRequest struct {
	ID         ID
	DeviceHash []byte // the browser that began it; every step checks it
	Face       Face
	ClientID   string // empty: FaceCabinet
	ReturnTo   string // our own path to which the browser goes when Next says Done

	RedirectURI   string // exactly as sent, and registered
	ResponseMode  string // "query" or "form_post"
	State         string
	Nonce         string
	Scopes        []string
	Claims        string // the `claims` parameter as sent, checked JSON; empty without it
	CodeChallenge string // S256
	ACRs          []ACR  // in order of preference
	ACREssential  bool   // one of ACRs is demanded, not only asked for
	MinimumTier   Tier   // of the client when the request began; empty: none
	Prompts       []string
	MaxAge        int64 // seconds; -1 without it
	LoginHint     string
	HintOID       OID // subject of a checked id_token_hint; 0 without it
	Resource      string
	Language      Language // ui_locales; empty without it
	CreatedAt     int64
	ExpiresAt     int64

	OID         OID    // whose password was right (or whose session was chosen); 0 until then
	PasswordAt  int64  // when the password was proved for this request
	Method      Factor // second factor chosen for this request; empty until one is
	SecondAt    int64  // when the second factor was proved
	EmailAt     int64  // when the e-mail was proved on a new device
	SessionID   ID     // the session that this request signed in
	ChosenAt    int64  // when the person said that they go on as the account of the session
	ConsentedAt int64
	Public      bool // «Чужое устройство»
	GrantedAt   int64
	RefusedAt   int64
}

// Open tells whether the citizen can still act on the request.
func (r AuthRequest) Open(now int64) bool {
	return r.GrantedAt == 0 && r.RefusedAt == 0 && now < r.ExpiresAt
}

// Prompt tells whether a value of `prompt` was sent.
func (r AuthRequest) Prompt(value string) bool { return slices.Contains(r.Prompts, value) }

// Wanted is the demand on the sign-in for an account: the first value of ACRs that it can prove with what it has, and
// whether a portal demands it. Without such a value nothing is wanted, or, if demanded, the first value is (and stays unmet).
func (r AuthRequest) Wanted(a Account) (want ACR, demanded bool) {
	want = ACR{Tier: Simplified}
	if r.MinimumTier != "" {
		want.Tier, demanded = r.MinimumTier, true
	}
	for _, v := range r.ACRs {
		if a.Tier.AtLeast(v.Tier) && a.Reach() >= v.Strength {
			return ACR{higher(want.Tier, v.Tier), v.Strength}, demanded || r.ACREssential
		}
	}
	if r.ACREssential && len(r.ACRs) > 0 {
		return ACR{higher(want.Tier, r.ACRs[0].Tier), r.ACRs[0].Strength}, true
	}
	return want, demanded
}

func higher(a, b Tier) Tier {
	if a.AtLeast(b) {
		return a
	}
	return b
}

// ReturnedACR is the value of the claim `acr`: the first requested value that the sign-in satisfies, else the level reached
// (OpenID Connect Core 5.5.1.1).
func ReturnedACR(requested []ACR, reached ACR) ACR {
	for _, v := range requested {
		if reached.Satisfies(v) {
			return v
		}
	}
	return reached
}
