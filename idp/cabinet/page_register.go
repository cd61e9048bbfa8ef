package cabinet

import (
	"propusk/idp"
	"propusk/idp/web"
)

// RegisterPage is B1. It posts to /signup: last_name, first_name, middle_name, phone, email.
type RegisterPage struct {
	web.Frame
	LastName, FirstName, MiddleName string // all as typed
	Phone, Email                    string
}

// Look names the page.
func (p RegisterPage) Look() web.Look {
	return web.Look{Template: "register", Step: "register", Heading: web.Say("register.h1"), Flow: true}
}

// Names are the fields of the name.
func (p RegisterPage) Names() []web.Field {
	return []web.Field{
		p.Field(web.Field{Name: "last_name", Label: web.Say("register.last_name"), Autocomplete: "family-name", Capitals: true, Value: p.LastName}),
		p.Field(web.Field{Name: "first_name", Label: web.Say("register.first_name"), Autocomplete: "given-name", Capitals: true, Value: p.FirstName}),
		p.Field(web.Field{Name: "middle_name", Label: web.Say("register.middle_name"), Autocomplete: "additional-name", Capitals: true, Value: p.MiddleName}),
	}
}

// Contacts are the fields of the contacts: one of them is enough.
func (p RegisterPage) Contacts() []web.Field {
	return []web.Field{
		p.Field(web.Field{Name: "phone", Label: web.Say("register.phone"), Hint: web.Say("register.phone_hint"), Type: "tel", Autocomplete: "tel", Value: p.Phone}),
		p.Field(web.Field{Name: "email", Label: web.Say("register.email"), Type: "text", InputMode: "email", Autocomplete: "email", Value: p.Email}),
	}
}

// RegisterCodePage is B2 and, with an Email, B3. It posts to /signup/code, /signup/code/new and /signup/change.
type RegisterCodePage struct {
	web.Frame
	CodeState
	Phone      idp.Phone // as typed by the visitor: shown whole, so that a slip is seen
	Email      idp.Email
	CodeClosed bool // only the link of the letter is left
}

// Look names the page.
func (p RegisterCodePage) Look() web.Look {
	l := web.Look{Template: "register_code", Step: "register-code", Heading: web.Say("register_code.h1_phone"), Flow: true}
	if p.Email != "" {
		l.Heading = web.Say("register_code.h1_email")
	}
	return l
}

// Sent is where the code was sent.
func (p RegisterCodePage) Sent() web.Text {
	if p.Email != "" {
		return web.Text{Key: "register_code.sent_email", Args: web.Args{"email": p.Email.Readable()}}
	}
	return web.Text{Key: "register_code.sent_phone", Args: web.Args{"phone": p.Phone.Spaced()}}
}

// Valid tells until when the code works.
func (p RegisterCodePage) Valid() web.Text {
	if p.Email != "" {
		return validUntil(p.Frame, p.Until, "register_code.valid_email")
	}
	return validUntil(p.Frame, p.Until, "code.valid")
}

// CodeField is the one field of the code.
func (p RegisterCodePage) CodeField() web.Field {
	if p.Email != "" {
		return codeField(p.Frame, "register_code.label_email")
	}
	return codeField(p.Frame, "code.label")
}

// Action is where the form goes.
func (p RegisterCodePage) Action() string { return "/signup/code" }

// Again is the text of the button for a new code.
func (p RegisterCodePage) Again() web.Text {
	if p.Email != "" {
		return web.Say("register_code.again_email")
	}
	return web.Say("code.again")
}

// Left is how many seconds the code works, where that is worth a countdown: a letter's days are not.
func (p RegisterCodePage) Left() int64 {
	if p.Email != "" {
		return 0
	}
	return max(p.Until-p.Now, 0)
}

// Wait is how many seconds no new code is given.
func (p RegisterCodePage) Wait() int64 { return max(p.From-p.Now, 0) }

// Asked is which device asked, and when.
func (p RegisterCodePage) Asked() web.Text { return asked(p.Frame, p.CodeState, "register_code.asked") }

// RegisterElsewherePage is B3 after the link of the letter was used in another browser: this one can only sign in later.
type RegisterElsewherePage struct{ web.Frame }

// Look names the page.
func (p RegisterElsewherePage) Look() web.Look {
	return web.Look{Template: "register_elsewhere", Step: "register-code", Heading: web.Say("register_elsewhere.h1"), Flow: true}
}

// RegisterTakenPage is B6, after the right code alone.
type RegisterTakenPage struct {
	web.Frame
	Email    bool // the contact is an e-mail, not a phone
	Recovery bool
}

// Look names the page.
func (p RegisterTakenPage) Look() web.Look {
	l := web.Look{Template: "register_taken", Step: "register-taken", Heading: web.Say("register_taken.h1_phone"), Flow: true}
	if p.Email {
		l.Heading = web.Say("register_taken.h1_email")
	}
	return l
}

// RegisterDonePage is B7.
type RegisterDonePage struct {
	web.Frame
	EmailUntil int64 // a letter to confirm the e-mail was sent, too: the end of its link; 0: none
	Elsewhere  bool  // the registration began in another browser
}

// Look names the page.
func (p RegisterDonePage) Look() web.Look {
	return web.Look{Template: "register_done", Step: "register-done", Heading: web.Say("register_done.h1")}
}

// Levels is the list of tiers.
func (p RegisterDonePage) Levels() []Level { return levels(idp.Simplified) }

// Level is one tier of the list.
type Level struct {
	Name, Text web.Text
	Now        bool
}

// levels lists the tiers, with «сейчас» at one; at none if now is empty.
func levels(now idp.Tier) []Level {
	return []Level{
		{web.Say("level.simplified"), web.Say("level.simplified_text"), now == idp.Simplified},
		{web.Say("level.standard"), web.Say("level.standard_text"), now == idp.Standard},
		{web.Say("level.confirmed"), web.Say("level.confirmed_text"), now == idp.Confirmed},
	}
}
