package relyingparty

import (
	"fmt"
	"slices"
	"strings"
)

// Tier is how well the provider knows who the person is (claim tier).
type Tier string

// The tiers, lowest first. A higher one satisfies a lower.
const (
	Simplified Tier = "simplified" // a phone or an e-mail address, nothing checked
	Standard   Tier = "standard"   // the details were checked against the state registries
	Confirmed  Tier = "confirmed"  // the person was seen, or confirmed by a bank, a letter or a qualified signature
)

var tiers = []Tier{Simplified, Standard, Confirmed}

// Factor is how strongly the person proved to be the holder of the account, the suffix of acr.
type Factor string

// The factors, weakest first. A stronger one satisfies a weaker.
const (
	AnyFactor         Factor = ""
	TwoFactors        Factor = "mfa" // two factors
	PhishingResistant Factor = "phr" // two factors, one of them bound to the provider's site
)

var factors = []Factor{AnyFactor, TwoFactors, PhishingResistant}

const acrPrefix = "urn:propusk:acr:"

// ACR is an authentication context of the provider: urn:propusk:acr:TIER with at most one suffix, :mfa or :phr.
// Tier and factor are two axes: neither makes up for the other.
type ACR struct {
	Tier   Tier
	Factor Factor
}

// ParseACR reads the value of the claim acr.
func ParseACR(raw string) (ACR, error) {
	rest, ok := strings.CutPrefix(raw, acrPrefix)
	if !ok {
		return ACR{}, fmt.Errorf("acr %q does not begin with %s", raw, acrPrefix)
	}
	tier, factor, suffixed := strings.Cut(rest, ":")
	acr := ACR{Tier(tier), Factor(factor)}
	if !slices.Contains(tiers, acr.Tier) || !slices.Contains(factors, acr.Factor) || suffixed == (factor == "") {
		return ACR{}, fmt.Errorf("acr %q names no level", raw)
	}
	return acr, nil
}

// String is the value as it stands in acr.
func (a ACR) String() string {
	if a.Factor == AnyFactor {
		return acrPrefix + string(a.Tier)
	}
	return acrPrefix + string(a.Tier) + ":" + string(a.Factor)
}

// Satisfies says whether a sign-in at level a is enough where want is demanded.
func (a ACR) Satisfies(want ACR) bool {
	return slices.Index(tiers, a.Tier) >= slices.Index(tiers, want.Tier) && slices.Contains(tiers, a.Tier) &&
		slices.Index(factors, a.Factor) >= slices.Index(factors, want.Factor)
}
