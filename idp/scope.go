package idp

import "slices"

// The scopes of OpenID Connect, and ESIA's names for single attributes (esia-protocol.md 4.1).
const (
	ScopeOpenID      = "openid"
	ScopeOffline     = "offline_access"
	ScopeProfile     = "profile"
	ScopeEmail       = "email"
	ScopePhone       = "phone"
	ScopeAddress     = "address"
	ScopeFullname    = "fullname"
	ScopeBirthdate   = "birthdate"
	ScopeBirthplace  = "birthplace"
	ScopeGender      = "gender"
	ScopeCitizenship = "citizenship"
	ScopeSNILS       = "snils"
	ScopeINN         = "inn"
	ScopeDocument    = "id_doc"
	ScopeMobile      = "mobile"
	ScopeContacts    = "contacts"
)

// Attribute is one thing that a portal can learn of a citizen; the unit of consent and of release.
type Attribute string

// The attributes, in the order in which consent lists them.
const (
	AttrName        Attribute = "name"
	AttrBirthDate   Attribute = "birth_date"
	AttrGender      Attribute = "gender"
	AttrBirthPlace  Attribute = "birth_place"
	AttrCitizenship Attribute = "citizenship"
	AttrSNILS       Attribute = "snils"
	AttrINN         Attribute = "inn"
	AttrDocument    Attribute = "document"
	AttrPhone       Attribute = "phone"
	AttrEmail       Attribute = "email"
)

// Attributes is every attribute in the order of consent.
var Attributes = []Attribute{AttrName, AttrBirthDate, AttrGender, AttrBirthPlace, AttrCitizenship, AttrSNILS, AttrINN, AttrDocument, AttrPhone, AttrEmail}

// scopeOpens is the one table of what each scope opens.
var scopeOpens = map[string][]Attribute{
	ScopeOpenID:      nil,
	ScopeOffline:     nil,
	ScopeProfile:     {AttrName, AttrBirthDate, AttrGender},
	ScopeEmail:       {AttrEmail},
	ScopePhone:       {AttrPhone},
	ScopeAddress:     nil, // no address is kept yet: the claim stays away (OpenID Connect Core, 5.3.2)
	ScopeFullname:    {AttrName},
	ScopeBirthdate:   {AttrBirthDate},
	ScopeBirthplace:  {AttrBirthPlace},
	ScopeGender:      {AttrGender},
	ScopeCitizenship: {AttrCitizenship},
	ScopeSNILS:       {AttrSNILS},
	ScopeINN:         {AttrINN},
	ScopeDocument:    {AttrDocument},
	ScopeMobile:      {AttrPhone},
	ScopeContacts:    {AttrPhone, AttrEmail},
}

// KnownScope tells whether we know what a scope means. Others are ignored in requests (OpenID Connect Core 3.1.2.1) and
// refused at registration, unless the client is of the machine-to-machine kind, whose scopes are its own words.
func KnownScope(s string) bool { _, ok := scopeOpens[s]; return ok }

// Scopes lists the scopes we know, sorted, for discovery.
func Scopes() []string {
	var all []string
	for s := range scopeOpens {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

// Opens lists the attributes that scopes open, each once, in the order of consent.
func Opens(scopes []string) []Attribute {
	var out []Attribute
	for _, a := range Attributes {
		for _, s := range scopes {
			if slices.Contains(scopeOpens[s], a) {
				out = append(out, a)
				break
			}
		}
	}
	return out
}

// ScopesFor lists those of scopes that open an attribute.
func ScopesFor(a Attribute, scopes []string) []string {
	var out []string
	for _, s := range scopes {
		if slices.Contains(scopeOpens[s], a) {
			out = append(out, s)
		}
	}
	return out
}
