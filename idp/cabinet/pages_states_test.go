package cabinet

import (
	"propusk/idp"
	"propusk/idp/web"
	"propusk/idp/web/webtest"
)

const (
	now        = webtest.Now
	chrome     = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	firefox    = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
	testPhone  = idp.Phone("+79123456789")
	testEmail  = idp.Email("ivan@example.ru")
	statusForm = 422
)

type page = func(f web.Frame) web.Page

// in makes a state of a flow that a portal began; alone one that none did; bad one of a refused form.
func in(name string, p page) webtest.State    { return webtest.State{Name: name, Flow: true, Page: p} }
func alone(name string, p page) webtest.State { return webtest.State{Name: name, Page: p} }
func bad(name string, p page, problems ...string) webtest.State {
	return webtest.State{Name: name, Flow: true, Status: statusForm, Page: func(f web.Frame) web.Page { return p(wrong(f, problems...)) }}
}

func gallery() []webtest.State {
	var all []webtest.State
	for _, part := range [][]webtest.State{loginStates(), codeStates(), choiceStates(), consentStates(), registerStates(), passwordStates(), cabinetStates(), documentStates()} {
		all = append(all, part...)
	}
	return all
}

func login(f web.Frame) web.Page { return LoginPage{Frame: f, Login: "+7 912 345-67-89"} }
func reauth(f web.Frame) web.Page {
	f.Account = "1000000001"
	return ReauthPage{Frame: f, Name: "Иван И."}
}

func loginStates() []webtest.State {
	return []webtest.State{
		in("A1", func(f web.Frame) web.Page { return LoginPage{Frame: f} }),
		alone("A1-cabinet", func(f web.Frame) web.Page { f.Request = "r2"; return LoginPage{Frame: f, Recovery: true} }),
		bad("A1-empty", func(f web.Frame) web.Page { return LoginPage{Frame: f} }, "login login.empty", "password password.empty"),
		bad("A1-mismatch", login, "password login.mismatch"),
		bad("A1-layout", func(f web.Frame) web.Page { return LoginPage{Frame: f, Login: "ivan@example.ru", Cyrillic: true} }, "password login.mismatch"),
		bad("A1-phone", login, "login phone.digits"),
		bad("A1-phone-or-snils", login, "login login.phone_or_snils"),
		bad("A1-snils", login, "login snils.control"),
		bad("A1-email", login, "login email.at"),
		bad("A1-overload", login, "- overload"),
		bad("A1-network", login, "- network.too_many"),
		bad("A1-session", login, "- session.changed"),
		in("A8", func(f web.Frame) web.Page { return PausedPage{Frame: f, Until: now + 900, Recovery: true} }),
		in("A18", reauth),
		bad("A18-wrong", reauth, "password password.wrong"),
		bad("A18-paused", reauth, "- password.paused until=1795347900"),
	}
}

func smsCode(f web.Frame) web.Page {
	f.Account = "1000000001"
	return CodePage{Frame: f, CodeState: CodeState{now + 252, now + 52, chrome, now - 48}, Phone: testPhone, OtherWays: true, Recovery: true}
}

func mailCode(f web.Frame) web.Page {
	return CodePage{Frame: f, CodeState: CodeState{now + 3600, 0, firefox, now}, Email: testEmail}
}

func totp(f web.Frame) web.Page { return TOTPPage{Frame: f, OtherWays: true} }

func codeStates() []webtest.State {
	return []webtest.State{
		in("A3", smsCode),
		in("A3-new", func(f web.Frame) web.Page { f.Notice = NoticeNewCode; return smsCode(f) }),
		bad("A3-empty", smsCode, "code code.empty"),
		bad("A3-wrong", smsCode, "code code.wrong left=3"),
		bad("A3-expired", smsCode, "code code.expired"),
		bad("A3-replaced", smsCode, "code code.replaced"),
		bad("A3-spent", smsCode, "code code.spent"),
		bad("A3-wait", smsCode, "- code.wait left=0:40"),
		bad("A3-paused", smsCode, "- code.paused until=1795348200"),
		bad("A3-too-many", smsCode, "- code.too_many until=1795350000"),
		bad("A3-undelivered", smsCode, "- code.undelivered"),
		in("A9", mailCode),
		bad("A9-wrong", mailCode, "code code.wrong left=4"),
		in("A4", totp),
		bad("A4-empty", totp, "code code.empty"),
		bad("A4-wrong", totp, "code totp.wrong"),
		bad("A4-used", totp, "code totp.used"),
	}
}

func method(f web.Frame) web.Page {
	return MethodPage{Frame: f, Methods: []idp.Factor{idp.TOTPFactor, idp.SMSFactor}, Phone: testPhone}
}

func raise(need, have idp.Tier, url string, method bool) page {
	return func(f web.Frame) web.Page {
		return RaisePage{Frame: f, Need: need, Have: have, RaiseURL: url, Method: method}
	}
}

func choiceStates() []webtest.State {
	return []webtest.State{
		in("A6", method),
		bad("A6-empty", method, "method method.empty"),
		bad("A6-unknown", method, "method method.unknown"),
		in("A6-one", func(f web.Frame) web.Page {
			return MethodPage{Frame: f, Methods: []idp.Factor{idp.SMSFactor}, Phone: testPhone}
		}),
		in("A10", func(f web.Frame) web.Page {
			return ContinuePage{Frame: f, Name: "Иван И.", SignedInAt: now - 1680}
		}),
		in("A10-other-person", func(f web.Frame) web.Page { return OtherPersonPage{f, "Иван И."} }),
		in("A19", raise(idp.Confirmed, idp.Simplified, "/cabinet/raise", false)),
		in("A19-standard", raise(idp.Standard, idp.Simplified, "/cabinet/raise", false)),
		in("A19-cabinet", raise(idp.Confirmed, idp.Standard, "", false)),
		in("A19-method", raise(idp.Confirmed, idp.Confirmed, "/cabinet/raise", true)),
	}
}

func consent(f web.Frame) web.Page {
	f.Account = "1000000001"
	return ConsentPage{
		Frame: f, Asker: "Городская поликлиника № 1", PolicyURL: "https://vrach.example.ru/privacy", Purpose: "записать вас к врачу",
		Required: []Share{
			{Attribute: idp.AttrName, Value: "Иванов Иван Иванович"},
			{Attribute: idp.AttrBirthDate, Value: "31.12.1990"},
			{Attribute: idp.AttrSNILS, Value: "112-233-445 95", Masked: "112 … 95", Purpose: "найти вашу карту"},
			{Attribute: idp.AttrDocument, Value: "паспорт 1234 567889, выдан 20.01.2011", Masked: "паспорт 12 34 … 89"},
		},
		Optional: []Share{{Attribute: idp.AttrEmail, Value: "ivan@example.ru"}, {Attribute: idp.AttrINN}},
		Until:    now + idp.ConsentLife, Offline: true, Shown: "d41d8cd98f",
	}
}

func consentStates() []webtest.State {
	return []webtest.State{
		in("A12", consent),
		in("A12-once", func(f web.Frame) web.Page {
			return ConsentPage{Frame: f, Asker: "Портал обращений", Required: []Share{{Attribute: idp.AttrName, Value: "Ли Анна"}}, NoMiddle: true}
		}),
		bad("A12-changed", consent, "- consent.changed"),
	}
}

func register(f web.Frame) web.Page {
	return RegisterPage{Frame: f, LastName: "Иванов", FirstName: "Иван", MiddleName: "Иванович", Phone: "9123456789", Email: "ivan@example,ru"}
}

func smsRegister(f web.Frame) web.Page {
	f.Registration = "g1"
	return RegisterCodePage{Frame: f, CodeState: CodeState{now + 300, now + 60, chrome, now}, Phone: testPhone}
}

func mailRegister(f web.Frame) web.Page {
	f.Registration = "g1"
	return RegisterCodePage{Frame: f, CodeState: CodeState{now + 72*3600, 0, chrome, now}, Email: testEmail}
}

func registerStates() []webtest.State {
	return []webtest.State{
		in("B1", func(f web.Frame) web.Page { return RegisterPage{Frame: f} }),
		alone("B1-alone", func(f web.Frame) web.Page { return RegisterPage{Frame: f} }),
		bad("B1-empty", func(f web.Frame) web.Page { return RegisterPage{Frame: f} }, "last_name last_name.empty", "first_name first_name.empty", "phone contact.empty"),
		bad("B1-mixed", register, "last_name name.mixed", "first_name name.mixed", "middle_name name.mixed", "phone phone.digits", "email email.comma"),
		bad("B1-sign", register, "last_name name.sign", "first_name name.sign", "middle_name name.sign", "phone phone.landline", "email email.at"),
		bad("B1-long", register, "last_name name.long", "first_name name.long", "middle_name name.long", "phone phone.country", "email email.shape"),
		bad("B1-domain", register, "phone phone.empty", "email email.domain"),
		in("B2", smsRegister),
		bad("B2-wrong", smsRegister, "code code.wrong left=4"),
		in("B3", mailRegister),
		bad("B3-wrong", mailRegister, "code code.wrong left=4"),
		bad("B3-closed", func(f web.Frame) web.Page {
			return RegisterCodePage{Frame: f, CodeState: CodeState{Until: now + 72*3600}, Email: testEmail, CodeClosed: true}
		}, "- email.code_closed"),
		in("B3-elsewhere", func(f web.Frame) web.Page { return RegisterElsewherePage{f} }),
		alone("B4", func(f web.Frame) web.Page { return ConfirmEmailPage{f, "/confirm/token", testEmail, now - 600, false} }),
		alone("B4-second", func(f web.Frame) web.Page { return ConfirmEmailPage{f, "/confirm/token", testEmail, now - 600, true} }),
		confirmEnd(ConfirmExpired), confirmEnd(ConfirmUsed), confirmEnd(ConfirmReplaced), confirmEnd(ConfirmRefused), confirmEnd(ConfirmConfirmed),
		in("B6", func(f web.Frame) web.Page { return RegisterTakenPage{Frame: f, Recovery: true} }),
		in("B6-email", func(f web.Frame) web.Page { return RegisterTakenPage{Frame: f, Email: true} }),
		in("B7", func(f web.Frame) web.Page { return RegisterDonePage{Frame: f, EmailUntil: now + 72*3600} }),
		alone("B7-alone", func(f web.Frame) web.Page { return RegisterDonePage{Frame: f} }),
		alone("B7-elsewhere", func(f web.Frame) web.Page { return RegisterDonePage{Frame: f, Elsewhere: true} }),
	}
}

func confirmEnd(s ConfirmState) webtest.State {
	return alone("B4-"+string(s), func(f web.Frame) web.Page {
		p := ConfirmEndPage{Frame: f, State: s}
		if s == ConfirmExpired {
			p.ExpiredAt, p.Again = now-86400, "/confirm/token/new"
		}
		return p
	})
}

func newPassword(f web.Frame) web.Page {
	f.Registration = "g1"
	return RegisterPasswordPage{Frame: f, Login: "+79123456789"}
}

func passwordStates() []webtest.State {
	all := []webtest.State{
		in("B5", newPassword),
		in("B5-length", func(f web.Frame) web.Page { return RegisterPasswordPage{Frame: f, Length: true} }),
		bad("B5-short", newPassword, "password password.short min=8 missing=3"),
		bad("B5-long", newPassword, "password password.long max=256"),
		bad("B5-busy", newPassword, "- password.busy"),
		bad("B5-taken", newPassword, "- contact.taken"),
		bad("B5-lacks", newPassword, "password password.lacks upper=1 lower=1 digit=1"),
	}
	for _, code := range []string{"empty", "cyrillic", "foreign", "space", "common", "own", "former"} {
		all = append(all, bad("B5-"+code, newPassword, "password password."+code))
	}
	for _, code := range []string{"repeat", "differs"} {
		all = append(all, bad("B5-"+code, newPassword, "password_repeat password."+code))
	}
	return all
}

func cabinetStates() []webtest.State {
	return []webtest.State{
		alone("D1", func(f web.Frame) web.Page {
			f.SessionLeft = 1800
			return CabinetPage{Frame: f, FirstName: "Иван", MiddleName: "Иванович", Tier: idp.Simplified, Phone: testPhone, Email: testEmail, OnePassword: true, RaiseURL: "/cabinet/raise"}
		}),
		alone("D1-confirmed", func(f web.Frame) web.Page {
			return CabinetPage{Frame: f, FirstName: "Анна", Tier: idp.Confirmed, Email: "anna@example.ru", EmailProved: true}
		}),
		alone("D11", func(f web.Frame) web.Page {
			return SessionsPage{f, []SessionRow{{"s1", true, chrome, now - 3600, now, []string{"Запись к врачу", "Портал обращений"}}, {"s2", false, firefox, now - 90000, now - 80000, nil}}}
		}),
		alone("D11-one", func(f web.Frame) web.Page {
			f.Notice = NoticeOthersOver
			return SessionsPage{f, []SessionRow{{"s1", true, chrome, now - 3600, now, nil}}}
		}),
		alone("D12", func(f web.Frame) web.Page {
			f.Notice = Withdrawn("Портал обращений")
			return PermissionsPage{f, []PermissionRow{
				{"vrach", "Запись к врачу", []idp.Attribute{idp.AttrName, idp.AttrSNILS}, true, []string{"записать вас к врачу"}, now - 86400, now + idp.ConsentLife, now - 3600},
				{"parking", "Парковки города", []idp.Attribute{idp.AttrPhone}, false, nil, now - 86400, now + 86400, 0},
			}}
		}),
		alone("D12-none", func(f web.Frame) web.Page { return PermissionsPage{Frame: f} }),
		alone("H1", func(f web.Frame) web.Page { return HomePage{Frame: f} }),
		alone("H1-signed-in", func(f web.Frame) web.Page { return HomePage{Frame: f, SignedIn: true} }),
	}
}

func documentStates() []webtest.State {
	var all []webtest.State
	for _, name := range []DocumentName{Help, Accessibility, Privacy, Terms} {
		all = append(all, alone("H8"+string(name), func(f web.Frame) web.Page { return DocumentPage{Frame: f, Name: name} }))
	}
	return all
}
