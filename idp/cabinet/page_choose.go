package cabinet

import (
	"propusk/idp"
	"propusk/idp/web"
)

// MethodPage is A6: how to confirm the sign-in. It posts method (a value of idp.Factor) to /login/other.
type MethodPage struct {
	web.Frame
	Methods []idp.Factor // that the account has and the portal takes, strongest first
	Phone   idp.Phone    // for the code by SMS
}

// Look names the page.
func (p MethodPage) Look() web.Look {
	return web.Look{Template: "method", Step: "choose-method", Heading: web.Say("method.h1"), Flow: true}
}

// Choice is one radio button.
type Choice struct {
	ID, Value string
	Label     web.Text
	Checked   bool
}

// Choices are the ways; the first is chosen if it is the only one.
func (p MethodPage) Choices() []Choice {
	var all []Choice
	for i, m := range p.Methods {
		c := Choice{ID: "method-" + string(m), Value: string(m), Label: web.Say("method.totp"), Checked: len(p.Methods) == 1}
		if m == idp.SMSFactor {
			c.Label = web.Text{Key: "method.sms", Args: web.Args{"tail": p.Phone.Tail()}}
		}
		if i == 0 {
			c.ID = "method" // the summary of errors leads here
		}
		all = append(all, c)
	}
	return all
}

// Missing is the problem of the choice.
func (p MethodPage) Missing() web.Text { return p.Problem("method") }

// ContinuePage is A10: somebody is signed in in this browser. It posts choice = continue or other to /login/continue.
type ContinuePage struct {
	web.Frame
	Name       string // «Иван И.»
	SignedInAt int64
}

// Look names the page.
func (p ContinuePage) Look() web.Look {
	h := web.Text{Key: "continue.h1", Args: web.Args{"name": p.Name}}
	return web.Look{Template: "continue", Step: "continue-as", Heading: h, Flow: true}
}

// OtherPersonPage is A10 where the portal named a person (id_token_hint) and somebody else is signed in. It posts choice = other to
// /login/continue.
type OtherPersonPage struct {
	web.Frame
	Name string // who is signed in: «Иван И.»
}

// Look names the page.
func (p OtherPersonPage) Look() web.Look {
	return web.Look{Template: "other_person", Step: "other-person", Heading: web.Say("other_person.h1"), Flow: true}
}

// RaisePage is A19: the portal works with a higher tier only.
type RaisePage struct {
	web.Frame
	Need, Have idp.Tier
	Method     bool   // the tier is reached, but by a way that the portal does not accept
	RaiseURL   string // where the way up begins; empty: the cabinet
}

// Look names the page.
func (p RaisePage) Look() web.Look {
	l := web.Look{Template: "raise", Step: "raise", Heading: web.Say("raise.h1_confirmed"), Flow: true}
	if p.Need == idp.Standard {
		l.Heading = web.Say("raise.h1_standard")
	}
	return l
}

// Why says what the portal needs and what there is.
func (p RaisePage) Why() web.Text {
	if p.Method {
		return web.Say("raise.method")
	}
	name := ""
	if p.Service != nil {
		name = p.Service.Name
	}
	return web.Text{Key: "raise.why", Args: web.Args{"name": name, "tier": web.Say(tierNames[p.Have])}}
}

// Needs says what is needed, how long it takes and what it costs.
func (p RaisePage) Needs() web.Text {
	if p.Need == idp.Standard {
		return web.Say("raise.needs_standard")
	}
	return web.Say("raise.needs_confirmed")
}

// Go is the words of the main button.
func (p RaisePage) Go() web.Text {
	switch {
	case p.RaiseURL == "":
		return web.Say("button.cabinet")
	case p.Need == idp.Standard:
		return web.Say("raise.go_standard")
	}
	return web.Say("raise.go_confirmed")
}

var tierNames = map[idp.Tier]string{idp.Simplified: "tier.simplified", idp.Standard: "tier.standard", idp.Confirmed: "tier.confirmed"}
