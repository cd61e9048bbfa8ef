package idp

import "strings"

// Tier says how much is known of the person (identity assurance: IAL of NIST SP 800-63). It says nothing of how they
// signed in: that is Strength. No type, column or claim mixes the two.
type Tier string

// The tiers, lowest first.
const (
	Simplified Tier = "simplified" // a contact is proved
	Standard   Tier = "standard"   // the data were checked in the state registries
	Confirmed  Tier = "confirmed"  // the person proved who they are
)

// Rank orders the tiers: 1, 2, 3; 0 for anything else.
func (t Tier) Rank() int {
	switch t {
	case Simplified:
		return 1
	case Standard:
		return 2
	case Confirmed:
		return 3
	}
	return 0
}

// AtLeast tells whether t satisfies a demand for want.
func (t Tier) AtLeast(want Tier) bool { return t.Rank() >= want.Rank() }

// LowerTier returns the lower of two.
func LowerTier(a, b Tier) Tier {
	if a.Rank() < b.Rank() {
		return a
	}
	return b
}

// ParseTier reads a tier's name.
func ParseTier(s string) (Tier, error) {
	if t := Tier(s); t.Rank() > 0 {
		return t, nil
	}
	return "", Wrong("tier", "tier.unknown")
}

// TierMethod says by which channel a confirmed account was confirmed.
type TierMethod string

// The channels of confirmation.
const (
	ByCentre    TierMethod = "centre"    // a service centre's employee saw the person and the document
	ByLetter    TierMethod = "letter"    // a code in a registered letter
	ByBank      TierMethod = "bank"      // a bank that knows the person in person
	BySignature TierMethod = "signature" // a qualified electronic signature
)

// ParseTierMethod reads a channel's name.
func ParseTierMethod(s string) (TierMethod, error) {
	switch m := TierMethod(s); m {
	case ByCentre, ByLetter, ByBank, BySignature:
		return m, nil
	}
	return "", Wrong("tier_method", "tier_method.unknown")
}

// Strength says how the person signed in (authenticator assurance: AAL).
type Strength int

// The strengths, lowest first.
const (
	OneFactor         Strength = iota // a password alone
	TwoFactors                        // ":mfa"
	PhishingResistant                 // ":phr", two factors of which one resists phishing
)

// ACR is the pair that the claim `acr` names: urn:propusk:acr:{tier} with at most one suffix, :mfa or :phr.
type ACR struct {
	Tier     Tier
	Strength Strength
}

const acrPrefix = "urn:propusk:acr:"

// ParseACR reads one value of acr_values.
func ParseACR(s string) (ACR, error) {
	rest, ok := strings.CutPrefix(s, acrPrefix)
	name, suffix, marked := strings.Cut(rest, ":")
	tier, err := ParseTier(name)
	if !ok || err != nil {
		return ACR{}, Wrong("acr_values", "acr.unknown")
	}
	switch {
	case !marked:
		return ACR{tier, OneFactor}, nil
	case suffix == "mfa":
		return ACR{tier, TwoFactors}, nil
	case suffix == "phr":
		return ACR{tier, PhishingResistant}, nil
	}
	return ACR{}, Wrong("acr_values", "acr.unknown")
}

func (a ACR) String() string {
	return acrPrefix + string(a.Tier) + [...]string{"", ":mfa", ":phr"}[a.Strength]
}

// Satisfies tells whether a meets a demand for want: a higher tier or a stronger factor satisfies a lower request.
func (a ACR) Satisfies(want ACR) bool {
	return a.Tier.AtLeast(want.Tier) && a.Strength >= want.Strength
}

// AllACRs lists every value, for discovery.
func AllACRs() []string {
	var all []string
	for _, t := range []Tier{Simplified, Standard, Confirmed} {
		for s := OneFactor; s <= PhishingResistant; s++ {
			all = append(all, ACR{t, s}.String())
		}
	}
	return all
}
