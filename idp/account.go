package idp

import (
	"log/slog"
	"slices"
)

// Status says whether an account may be used. It is not the tier.
type Status string

// The states of an account, with who acts next.
const (
	Active Status = "active" // the citizen
	Locked Status = "locked" // an administrator, or the citizen through recovery
	Closed Status = "closed" // nobody
)

// Factor is a kind of second factor.
type Factor string

// The kinds of second factor an account may have on.
const (
	NoFactor   Factor = "none" // the password alone signs in
	SMSFactor  Factor = "sms"  // a code by SMS to the confirmed phone
	TOTPFactor Factor = "totp" // RFC 6238, a code from an app
)

// Person is what is known of the citizen. Empty means unknown. Dates are YYYY-MM-DD.
type Person struct {
	LastName    string
	FirstName   string
	MiddleName  string // отчество; empty where there is none
	BirthDate   string
	BirthPlace  string
	Gender      string // "M", "F" or empty
	Citizenship string // ISO 3166-1 alpha-3, as RUS
}

// LogValue masks the person: personal data never reaches a log.
func (p Person) LogValue() slog.Value { return slog.StringValue("person") }

// DocumentKind names an identity document as ESIA does (esia-protocol.md 4.6).
type DocumentKind string

// The identity documents known now.
const (
	RFPassport      DocumentKind = "RF_PASSPORT" // passport of a citizen of Russia
	ForeignDocument DocumentKind = "FID_DOC"     // identity document of another country
)

// Document is an identity document. Dates are YYYY-MM-DD; ExpiresOn is empty where the document has no end.
type Document struct {
	Kind      DocumentKind
	Series    string
	Number    string
	IssuedOn  string
	IssuedBy  string
	IssueID   string // код подразделения, 770-001
	ExpiresOn string
	Verified  bool // a registry said that it is valid and belongs to the person
}

// LogValue masks the document: personal data never reaches a log.
func (d Document) LogValue() slog.Value { return slog.StringValue("document") }

// Expired tells whether the document was no longer valid on the day (YYYY-MM-DD).
func (d Document) Expired(day string) bool { return d.ExpiresOn != "" && d.ExpiresOn < day }

// Account is a subscriber account: everything a sign-in and a release need, one row.
// Times are seconds since the epoch; 0 means never.
type Account struct {
	OID        OID
	Status     Status
	Tier       Tier
	TierAt     int64 // when that tier was reached
	TierMethod TierMethod
	Person     Person
	SNILS      SNILS
	INN        INN

	Phone           Phone
	PhoneVerifiedAt int64
	Email           Email
	EmailVerifiedAt int64
	Language        Language

	PasswordHash  string // PHC string; empty: no password yet
	PasswordAt    int64
	SecondFactor  Factor
	NewDeviceCode bool   // a new device must prove the e-mail too while SecondFactor is none (DESIGN.md A9)
	TOTPSecret    []byte // sealed
	TOTPStep      int64  // the last step that was used: each code once (RFC 6238, 5.2)

	RecoveredAt int64 // last recovery
	Epoch       int64 // raised to end every token family at once: those begun with a smaller one are dead
	CreatedAt   int64
	UpdatedAt   int64
	Version     int64
}

// LogValue shows the number and the states, nothing of the person.
func (a Account) LogValue() slog.Value {
	return slog.GroupValue(slog.String("oid", a.OID.String()), slog.String("status", string(a.Status)), slog.String("tier", string(a.Tier)))
}

// Factors lists the second factors that the account could prove now, strongest first.
func (a Account) Factors() []Factor {
	var f []Factor
	if len(a.TOTPSecret) > 0 {
		f = append(f, TOTPFactor)
	}
	if a.PhoneVerifiedAt > 0 {
		f = append(f, SMSFactor)
	}
	return f
}

// Reach is the strongest sign-in that the account can prove with what it has set up.
func (a Account) Reach() Strength {
	if len(a.Factors()) > 0 {
		return TwoFactors
	}
	return OneFactor
}

// DefaultFactor is the factor asked after the password, NoFactor if none is on.
func (a Account) DefaultFactor() Factor {
	if a.SecondFactor == NoFactor || slices.Contains(a.Factors(), a.SecondFactor) {
		return a.SecondFactor
	}
	return NoFactor
}

// RecoveryPause is how long the tokens say that an account was recovered, in seconds (CONTRACT.md 4).
const RecoveryPause = 72 * 3600

// RecentRecovery is the time of the last recovery while the pause after it lasts, else 0.
func (a Account) RecentRecovery(now int64) int64 {
	if a.RecoveredAt > 0 && now < a.RecoveredAt+RecoveryPause {
		return a.RecoveredAt
	}
	return 0
}

// Language is a language of pages and messages.
type Language string

// The languages there are.
const (
	Russian Language = "ru"
	English Language = "en"
)

// ParseLanguage reads a tag (BCP 47) by its primary subtag; false for a language we do not speak.
func ParseLanguage(tag string) (Language, bool) {
	if len(tag) < 2 || (len(tag) > 2 && tag[2] != '-' && tag[2] != '_') {
		return "", false
	}
	switch tag[:2] {
	case "ru", "RU", "Ru":
		return Russian, true
	case "en", "EN", "En":
		return English, true
	}
	return "", false
}
