package cabinet

import (
	"propusk/idp"
	"propusk/idp/web"
)

// ConsentPage is A12. It posts to /login/consent: decision = allow or deny, item (each ticked optional attribute), shown.
type ConsentPage struct {
	web.Frame
	Asker     string // legal name of who gets the data: client.Asker()
	PolicyURL string // their privacy terms; empty: none
	Purpose   string // empty: not told
	Required  []Share
	Optional  []Share
	Until     int64  // end of the consent; 0: for this sign-in alone
	Offline   bool   // data may be asked for while the person is away
	NoMiddle  bool   // the account has no patronymic, and the portal asks for the name
	Shown     string // digest of what is shown: the handler compares it, and answers consent.changed
}

// Share is one item of consent, with the value that will leave.
type Share struct {
	Attribute idp.Attribute
	Value     string // whole; empty: the account has none
	Masked    string // shown instead, where the value is a document; the whole one opens by «Показать»
	Purpose   string // of this item; empty: that of the page
}

// Look names the page.
func (p ConsentPage) Look() web.Look {
	return web.Look{Template: "consent", Step: "consent", Heading: web.Say("consent.h1"), Flow: true}
}

// Label is the name of the item.
func (s Share) Label() web.Text { return AttributeName(s.Attribute) }

// ID is the id of its checkbox.
func (s Share) ID() string { return "item-" + string(s.Attribute) }

// AttributeName is what an attribute is called.
func AttributeName(a idp.Attribute) web.Text { return web.Say(attributeNames[a]) }

var attributeNames = map[idp.Attribute]string{
	idp.AttrName: "attribute.name", idp.AttrBirthDate: "attribute.birth_date", idp.AttrGender: "attribute.gender",
	idp.AttrBirthPlace: "attribute.birth_place", idp.AttrCitizenship: "attribute.citizenship", idp.AttrSNILS: "attribute.snils",
	idp.AttrINN: "attribute.inn", idp.AttrDocument: "attribute.document", idp.AttrPhone: "attribute.phone", idp.AttrEmail: "attribute.email",
}
