package stand

import (
	"propusk/idp"
	"propusk/idp/web"
)

// DevPage is S1, /dev/: citizens, messages, systems, addresses. Its form posts to /dev/citizens as a browser does
// (application/x-www-form-urlencoded): name, phone, email, tier, second_factor, all optional; the answer is 303 to /dev/.
type DevPage struct {
	web.Frame
	Citizens  []CitizenRow
	Messages  []MessageRow // newest on top
	Newest    string       // id of the newest message, for the polling; empty: none
	Systems   []SystemRow
	Addresses []Address
	Commands  []string
	Typed     Typed // after a refused form
}

// Typed are the values of the form as they were typed.
type Typed struct{ Name, Phone, Email, Tier, SecondFactor string }

// CitizenRow is a citizen of the stand, with the members of /dev/citizens.
type CitizenRow struct {
	Name, Phone, Email, SNILS, Password string
	Locked                              bool
	Tier                                idp.Tier
	TierMethod                          idp.TierMethod
	SecondFactor                        idp.Factor
	TOTPSecret                          string
	Note                                string // what the citizen is good for
}

// MessageRow is a message of the outbox.
type MessageRow struct {
	ID, Channel, To, Subject, Text, Code, Link string
	At                                         int64
}

// SystemRow is a client of the stand.
type SystemRow struct {
	ID, Name, StartURL string
	RedirectURIs       []string
	Scopes             string
}

// Address is one address of the stand, with what it is.
type Address struct {
	What web.Text
	URL  string
}

// The addresses that a stand has; the caller adds the URL.
var (
	AddressIssuer    = web.Say("dev.address_issuer")
	AddressDiscovery = web.Say("dev.address_discovery")
	AddressPortal    = web.Say("dev.address_portal")
	AddressOutbox    = web.Say("dev.address_outbox")
	AddressCitizens  = web.Say("dev.address_citizens")
)

// Look names the page.
func (p DevPage) Look() web.Look {
	return web.Look{Template: "dev", Step: "dev", Heading: web.Say("dev.h1"), Wide: true}
}

// NameField, PhoneField and EmailField are the fields of a new citizen.
func (p DevPage) NameField() web.Field {
	return p.Field(web.Field{Name: "name", Label: web.Say("dev.field_name"), Autocomplete: "off", Capitals: true, Value: p.Typed.Name})
}

// PhoneField is the phone of a new citizen.
func (p DevPage) PhoneField() web.Field {
	return p.Field(web.Field{Name: "phone", Label: web.Say("dev.field_phone"), Type: "tel", Autocomplete: "off", Value: p.Typed.Phone})
}

// EmailField is the e-mail of a new citizen.
func (p DevPage) EmailField() web.Field {
	return p.Field(web.Field{Name: "email", Label: web.Say("dev.field_email"), InputMode: "email", Autocomplete: "off", Value: p.Typed.Email})
}

// Option is one value of a choice.
type Option struct {
	Value string
	Label web.Text
}

// Tiers are the values of tier.
func (p DevPage) Tiers() []Option {
	return []Option{{string(idp.Simplified), tierNames[idp.Simplified]}, {string(idp.Standard), tierNames[idp.Standard]}, {string(idp.Confirmed), tierNames[idp.Confirmed]}}
}

// SecondFactors are the values of second_factor.
func (p DevPage) SecondFactors() []Option {
	return []Option{{string(idp.NoFactor), factorNames[idp.NoFactor]}, {string(idp.SMSFactor), factorNames[idp.SMSFactor]}, {string(idp.TOTPFactor), factorNames[idp.TOTPFactor]}}
}

// TierName is the tier in words, with how it was reached.
func (c CitizenRow) TierName() web.Text {
	if how, ok := methodNames[c.TierMethod]; ok {
		return web.Text{Key: "dev.tier_method", Args: web.Args{"tier": tierNames[c.Tier], "method": how}}
	}
	return tierNames[c.Tier]
}

// FactorName is the second factor in words.
func (c CitizenRow) FactorName() web.Text { return factorNames[c.SecondFactor] }

var (
	tierNames = map[idp.Tier]web.Text{
		idp.Simplified: web.Say("dev.tier_simplified"), idp.Standard: web.Say("dev.tier_standard"), idp.Confirmed: web.Say("dev.tier_confirmed"),
	}
	methodNames = map[idp.TierMethod]web.Text{
		"centre": web.Say("dev.method_centre"), "letter": web.Say("dev.method_letter"), "bank": web.Say("dev.method_bank"), "signature": web.Say("dev.method_signature"),
	}
	factorNames = map[idp.Factor]web.Text{
		idp.NoFactor: web.Say("dev.factor_none"), idp.SMSFactor: web.Say("dev.factor_sms"), idp.TOTPFactor: web.Say("dev.factor_totp"),
	}
)

// RequestsPage is /dev/requests: refused requests of portals, the newest on top, for the integrator. ?reference= finds one.
type RequestsPage struct {
	web.Frame
	Reference string // as typed; empty: all
	Requests  []RequestRow
}

// RequestRow is one refused request; secrets and personal data are masked by who fills it.
type RequestRow struct {
	At        int64
	Endpoint  string // "GET /authorize"
	Client    string
	Parameter string
	Came      string
	Expected  string
	Nearest   string
	Mend      string
	DocsURL   string
	Reference string
}

// Look names the page.
func (p RequestsPage) Look() web.Look {
	return web.Look{Template: "dev_requests", Step: "dev-requests", Heading: web.Say("dev_requests.h1"), Wide: true}
}

// ReferenceField is the search by reference code.
func (p RequestsPage) ReferenceField() web.Field {
	return p.Field(web.Field{Name: "reference", Label: web.Say("dev_requests.reference"), Hint: web.Say("dev_requests.hint"), Autocomplete: "off", Value: p.Reference})
}
