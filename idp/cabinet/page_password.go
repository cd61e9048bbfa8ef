package cabinet

import "propusk/idp/web"

// RegisterPasswordPage is B5. It posts to /signup/password: password, password_repeat (policy `state` alone).
type RegisterPasswordPage struct {
	web.Frame
	Length bool   // the policy is `length`: no composition, no repeat
	Login  string // the contact just proved, for password managers: a field they read, nobody sees
}

// Look names the page.
func (p RegisterPasswordPage) Look() web.Look {
	return web.Look{Template: "register_password", Step: "register-password", Heading: web.Say("password.h1"), Flow: true, Variant: "new"}
}

// PasswordField is the new password; it never comes back.
func (p RegisterPasswordPage) PasswordField() web.Field {
	p.Variant = "new"
	return p.Field(web.Field{Name: "password", Label: web.Say("login.password"), Type: "password", Autocomplete: "new-password", DescribedBy: "password-rules"})
}

// RepeatField is the same once more.
func (p RegisterPasswordPage) RepeatField() web.Field {
	return p.Field(web.Field{Name: "password_repeat", Label: web.Say("password.repeat"), Type: "password", Autocomplete: "new-password"})
}
