package cabinet

import (
	"net/http"
	"strings"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/web"
)

// showLogin shows the step that a login is at. Without a request it begins a login to the cabinet.
func (c *Cabinet) showLogin(v *visit) error {
	id := v.r.URL.Query().Get("request")
	if id == "" {
		if v.visitor.KnownPerson() {
			return v.see("/cabinet")
		}
		r, err := c.begin(v, "/cabinet")
		if err != nil {
			return err
		}
		return v.see(loginPath(r.ID))
	}
	l, err := c.open(v, id)
	if err != nil {
		return err
	}
	if l.step == authn.Register && v.r.URL.Query().Has("signin") {
		l.step = authn.Login // «Уже есть учётная запись? Войти»
	}
	return c.showStep(v, l, http.StatusOK, nil, "")
}

// showStep renders a step, with the problem of a form that was just refused and the login as it was typed.
func (c *Cabinet) showStep(v *visit, l signing, status int, problem error, typed string) error {
	f := c.frame(v, l)
	if problem != nil {
		f = f.With(problem)
	}
	var p web.Page
	var err error
	switch l.step {
	case authn.Done:
		return v.see(l.request.ReturnTo)
	case authn.Register:
		return v.see("/signup?request=" + string(l.request.ID))
	case authn.Login:
		p = c.loginPage(f, v, l, typed)
	case authn.Reauth:
		p = ReauthPage{Frame: f, Name: shortName(*l.flow.Account)}
	case authn.Code, authn.EmailCode:
		p, err = c.codePage(f, v, l)
	case authn.TOTP:
		p = TOTPPage{Frame: f, OtherWays: len(l.flow.Account.Factors()) > 1}
	case authn.ChooseMethod:
		p = MethodPage{Frame: f, Methods: l.flow.Account.Factors(), Phone: l.flow.Account.Phone}
	case authn.ContinueAs:
		p = ContinuePage{Frame: f, Name: shortName(*l.flow.Account), SignedInAt: l.flow.Session.CreatedAt}
	case authn.OtherPerson:
		p = OtherPersonPage{Frame: f, Name: shortName(*l.flow.Account)}
	case authn.Raise:
		p = raisePage(f, l)
	case authn.Consent:
		p, err = c.consentPage(f, v, l)
	case authn.Expired:
		p = web.ExpiredPage{Frame: f, Name: nameOf(l), StartURL: leaveURL(l)}
	case authn.Finished:
		p = web.DonePage{Frame: f, OpenURL: portalURL(l)}
	}
	if err != nil {
		return err
	}
	return c.Site.Render(v.w, status, p)
}

func nameOf(l signing) string {
	if l.flow.Client == nil {
		return ""
	}
	return l.flow.Client.Shown()
}

// portalURL is the origin of the portal, for a login that is finished: no second code is ever given for it.
func portalURL(l signing) string {
	if l.flow.Client == nil {
		return ""
	}
	if o := idp.Origin(l.request.RedirectURI); strings.Contains(o, "://") {
		return o + "/"
	}
	return ""
}

func leaveURL(l signing) string {
	if l.flow.Client == nil || l.request.RefusedAt > 0 || l.request.GrantedAt > 0 {
		return ""
	}
	return l.request.ReturnTo + "&leave=1"
}

// shortName is all that a page shows of a person before the password: «Иван И.».
func shortName(a idp.Account) string {
	name := a.Person.FirstName
	for _, r := range a.Person.LastName {
		return name + " " + string(r) + "."
	}
	return name
}

func (c *Cabinet) loginPage(f web.Frame, v *visit, l signing, typed string) web.Page {
	if typed == "" && v.r.Method == http.MethodGet {
		typed = l.request.LoginHint
	}
	return LoginPage{Frame: f, Login: typed, Public: v.form("public_device") != "", Cyrillic: hasCyrillic(v.form("password"))}
}

func hasCyrillic(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 'Ѐ' && r <= 'ӿ' })
}

func (c *Cabinet) codePage(f web.Frame, v *visit, l signing) (web.Page, error) {
	st, err := c.Authn.CodeState(v.r.Context(), l.flow, l.step)
	p := CodePage{Frame: f, CodeState: CodeState{Until: st.ExpiresAt, From: st.NextAt, UserAgent: v.visitor.Agent, AskedAt: st.SentAt},
		OtherWays: len(l.flow.Account.Factors()) > 1 && l.step == authn.Code}
	if l.step == authn.EmailCode {
		p.Email = l.flow.Account.Email
	} else {
		p.Phone = l.flow.Account.Phone
	}
	if v.r.URL.Query().Has("sent") && st.SentAt > 0 {
		p.Notice = NoticeNewCode
	}
	return p, err
}

func raisePage(f web.Frame, l signing) web.Page {
	want, _ := l.request.Wanted(*l.flow.Account)
	have := l.flow.Account.Tier
	return RaisePage{Frame: f, Need: want.Tier, Have: have, Method: have.AtLeast(want.Tier)}
}

// showOther offers another second factor.
func (c *Cabinet) showOther(v *visit) error {
	l, err := c.open(v, v.r.URL.Query().Get("request"))
	if err != nil {
		return err
	}
	if l.step == authn.Code || l.step == authn.TOTP {
		l.step = authn.ChooseMethod
	}
	return c.showStep(v, l, http.StatusOK, nil, "")
}
