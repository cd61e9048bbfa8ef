package cabinet

import "propusk/idp/web"

// LoginPage is A1. It posts to /login/password: login, password, public_device.
type LoginPage struct {
	web.Frame
	Login    string // as typed, or a login_hint that parses as a login
	Public   bool   // «Чужое устройство» was ticked
	Cyrillic bool   // the password that was just refused has Cyrillic letters
	Recovery bool   // there is a way to reset the password: /recover
}

// Look names the page.
func (p LoginPage) Look() web.Look {
	return web.Look{Template: "login", Step: "login", Heading: web.Say("login.h1"), Flow: true}
}

// LoginField is the one field for phone, e-mail and SNILS.
func (p LoginPage) LoginField() web.Field {
	return p.Field(web.Field{Name: "login", Label: web.Say("login.login"), Hint: web.Say("hint.phone"), Autocomplete: "username webauthn", Value: p.Login})
}

// PasswordField is the password of the sign-in; it never comes back.
func (p LoginPage) PasswordField() web.Field {
	f := web.Field{Name: "password", Label: web.Say("login.password"), Type: "password", Autocomplete: "current-password"}
	if p.Cyrillic {
		f.Hint = web.Say("error.password.layout")
	}
	return p.Field(f)
}

// ReauthPage is A18: the same person proves again who they are. It posts to /login/password.
type ReauthPage struct {
	web.Frame
	Name string   // «Иван И.»
	Why  web.Text // «Чтобы …, введите пароль ещё раз»; the zero Text: the portal asks for it
}

// Look names the page.
func (p ReauthPage) Look() web.Look {
	return web.Look{Template: "reauth", Step: "reauth", Heading: web.Say("reauth.h1"), Flow: true}
}

// Reason is why the password is asked for again.
func (p ReauthPage) Reason() web.Text {
	if p.Why.Key != "" {
		return p.Why
	}
	return web.Say("reauth.why")
}

// PasswordField is the password; the login is not asked for.
func (p ReauthPage) PasswordField() web.Field {
	return p.Field(web.Field{Name: "password", Label: web.Say("login.password"), Type: "password", Autocomplete: "current-password"})
}

// PausedPage is A8: too many wrong passwords of an account from a device. The same for unknown logins.
type PausedPage struct {
	web.Frame
	Until    int64
	Recovery bool
}

// Look names the page.
func (p PausedPage) Look() web.Look {
	h := web.Text{Key: "paused.h1", Args: web.Args{"until": p.ClockText(p.Until)}}
	return web.Look{Template: "paused", Step: "paused", Heading: h, Flow: true}
}
