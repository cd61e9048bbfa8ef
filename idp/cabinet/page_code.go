package cabinet

import (
	"propusk/idp"
	"propusk/idp/web"
)

// CodeState is what every page says of a one-time code. Times are seconds since the epoch.
type CodeState struct {
	Until     int64  // the end of the code; past or 0: there is no code that works now
	From      int64  // when a new one may be asked for
	UserAgent string // of the browser that asked, as sent
	AskedAt   int64
}

// CodePage is A3 and, with an Email, A9: a code of the sign-in. It posts to /login/code and /login/code/new.
type CodePage struct {
	web.Frame
	CodeState
	Phone     idp.Phone // to which the SMS went; only its tail is shown
	Email     idp.Email // to which the letter went; shown masked
	OtherWays bool      // /login/other has something to offer
	Recovery  bool      // there is help for those without access: /recover/help
}

// Look names the page.
func (p CodePage) Look() web.Look {
	l := web.Look{Template: "code", Step: "code", Heading: web.Say("code.h1_phone"), Flow: true}
	if p.Email != "" {
		l.Heading = web.Say("code.h1_email")
	}
	return l
}

// Sent is where the code was sent.
func (p CodePage) Sent() web.Text {
	if p.Email != "" {
		return web.Text{Key: "code.sent_email", Args: web.Args{"email": p.Email.Masked()}}
	}
	return web.Text{Key: "code.sent_phone", Args: web.Args{"tail": p.Phone.Tail()}}
}

// Valid tells until when the code works; the zero Text if none does.
func (p CodePage) Valid() web.Text { return validUntil(p.Frame, p.Until, "code.valid") }

// CodeField is the one field of the code.
func (p CodePage) CodeField() web.Field { return codeField(p.Frame, "code.label") }

// Action is where the form goes.
func (p CodePage) Action() string { return "/login/code" }

// Again is the text of the button for a new code.
func (p CodePage) Again() web.Text { return web.Say("code.again") }

// Left is how many seconds the code works.
func (p CodePage) Left() int64 { return max(p.Until-p.Now, 0) }

// Wait is how many seconds no new code is given.
func (p CodePage) Wait() int64 { return max(p.From-p.Now, 0) }

// Asked is which device asked, and when.
func (p CodePage) Asked() web.Text { return asked(p.Frame, p.CodeState, "code.asked") }

// TOTPPage is A4. It posts to /login/totp.
type TOTPPage struct {
	web.Frame
	OtherWays bool
}

// Look names the page.
func (p TOTPPage) Look() web.Look {
	return web.Look{Template: "totp", Step: "totp", Heading: web.Say("totp.h1"), Flow: true}
}

// CodeField is the one field of the code.
func (p TOTPPage) CodeField() web.Field {
	return p.Field(web.Field{Name: "code", Label: web.Say("code.label"), InputMode: "numeric", Autocomplete: "one-time-code", Class: "code"})
}

func codeField(f web.Frame, label string) web.Field {
	return f.Field(web.Field{Name: "code", Label: web.Say(label), InputMode: "numeric", Autocomplete: "one-time-code", Class: "code", DescribedBy: "code-warning"})
}

func validUntil(f web.Frame, until int64, key string) web.Text {
	if until <= f.Now {
		return web.Text{}
	}
	return web.Text{Key: key, Args: web.Args{"until": f.Clock(until)}}
}

func asked(f web.Frame, s CodeState, key string) web.Text {
	if s.AskedAt == 0 {
		return web.Text{}
	}
	return web.Text{Key: key, Args: web.Args{"device": web.Agent(s.UserAgent, f.Lang), "at": f.Moment(s.AskedAt)}}
}
