package idp

import "slices"

// The values of `amr` that a sign-in can have (RFC 8176).
const (
	MethodPassword = "pwd"
	MethodSMS      = "sms"
	MethodOTP      = "otp"
	MethodHardware = "hwk"
	MethodSoftware = "swk"
	MethodUser     = "user"
	MethodMulti    = "mfa"
)

// Authentication is one act of signing in: when, by which methods, and the tier that the account had then.
// The tokens of the session are made from it. Times are seconds since the epoch.
type Authentication struct {
	Time        int64 // `auth_time`
	Methods     []string
	Tier        Tier
	TierAt      int64
	TierMethod  TierMethod
	RecoveredAt int64
}

// Strength follows from the methods alone.
func (a Authentication) Strength() Strength {
	has := func(m string) bool { return slices.Contains(a.Methods, m) }
	switch {
	case has(MethodUser) && (has(MethodHardware) || has(MethodSoftware)):
		return PhishingResistant
	case has(MethodPassword) && (has(MethodSMS) || has(MethodOTP) || has(MethodHardware) || has(MethodSoftware)):
		return TwoFactors
	}
	return OneFactor
}

// AMR is the claim `amr`: the methods, with mfa where two factors were proved.
func (a Authentication) AMR() []string {
	if a.Strength() > OneFactor {
		return append(slices.Clone(a.Methods), MethodMulti)
	}
	return a.Methods
}

// Now is the authentication as it counts for an account today: the tier of the sign-in, but never higher than it is now.
func (a Authentication) Now(account Account) Authentication {
	if account.Tier.Rank() < a.Tier.Rank() {
		a.Tier, a.TierAt, a.TierMethod = account.Tier, account.TierAt, account.TierMethod
	}
	return a
}

// ACR is the level reached.
func (a Authentication) ACR() ACR { return ACR{a.Tier, a.Strength()} }

// Session is a browser that is signed in as an account. The cookie carries OID, ID and a secret; the store keeps its hash.
type Session struct {
	OID        OID
	ID         ID // the source of the claim `sid`
	SecretHash []byte
	DeviceHash []byte // the browser it belongs to
	Auth       Authentication
	CreatedAt  int64
	SeenAt     int64 // touched once a minute at most
	EndsAt     int64 // 12 hours after sign-in, whatever happens
	Agent      string
	Public     bool // somebody else's device: nothing is remembered
}

// The ends of a session, in seconds.
const (
	SessionIdle  = 30 * 60
	SessionTotal = 12 * 3600
	seenEvery    = 60
)

// Alive tells whether the session may still be used.
func (s Session) Alive(now int64) bool { return now < s.EndsAt && now < s.SeenAt+SessionIdle }

// Stale tells whether SeenAt is due to be written again.
func (s Session) Stale(now int64) bool { return now >= s.SeenAt+seenEvery }
