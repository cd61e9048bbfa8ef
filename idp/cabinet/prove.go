package cabinet

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"propusk/idp"
	"propusk/idp/authn"
)

// submitPassword judges the sign-in form.
func (c *Cabinet) submitPassword(v *visit) error {
	l, err := c.open(v, v.form("request"))
	if err != nil {
		return err
	}
	if l.step == authn.Register { // the person has an account after all
		l.step = authn.Login
	}
	if l.step != authn.Login && l.step != authn.Reauth {
		return v.see(loginPath(l.request.ID))
	}
	typed := v.form("login")
	if l.step == authn.Reauth {
		typed = ""
		if v.form("account") != string(l.flow.Session.ID) {
			return c.showStep(v, l, http.StatusUnprocessableEntity, idp.Fail(idp.Conflict, "session.changed"), "")
		}
	}
	p, err := c.Authn.ProvePassword(v.r.Context(), v.visitor, authn.PasswordProof{Request: l.request, Login: typed, Password: v.form("password"),
		Public: v.form("public_device") != ""}, v.now)
	if until, ok := pausedUntil(err); ok {
		return c.Site.Render(v.w, http.StatusUnprocessableEntity, PausedPage{Frame: c.frame(v, l), Until: until})
	}
	return c.answer(v, l, p, err, typed)
}

func pausedUntil(err error) (int64, bool) {
	var e *idp.Error
	if !errors.As(err, &e) || e.Code != "password.paused" {
		return 0, false
	}
	until, err := strconv.ParseInt(e.Args["until"], 10, 64)
	return until, err == nil
}

// answer ends every POST of a proof: 303 to the present step, or 422 with the same page and what is wrong.
func (c *Cabinet) answer(v *visit, l signing, p authn.Proved, err error, typed string) error {
	var e *idp.Error
	switch {
	case err == nil:
		c.Visitors.SignedIn(v.w, p)
		return v.see(loginPath(l.request.ID))
	case errors.Is(err, idp.Gone):
		return v.see(loginPath(l.request.ID))
	case errors.Is(err, idp.Invalid), errors.As(err, &e) && e.Kind == idp.TooMany && e.Field != "":
		return c.showStep(v, l, http.StatusUnprocessableEntity, err, typed)
	}
	return err
}

// submitCode judges a code: by SMS, by e-mail or of the app, whatever the present step asks for.
func (c *Cabinet) submitCode(v *visit) error {
	l, err := c.open(v, v.form("request"))
	if err != nil {
		return err
	}
	p, err := c.Authn.ProveCode(v.r.Context(), v.visitor, l.flow, v.form("code"), v.now)
	return c.answer(v, l, p, err, "")
}

func (c *Cabinet) submitCodeAgain(v *visit) error {
	l, err := c.open(v, v.form("request"))
	if err != nil {
		return err
	}
	if err := c.Authn.SendAgain(v.r.Context(), v.visitor, l.flow, v.now); err != nil {
		return c.answer(v, l, authn.Proved{}, err, "")
	}
	return v.see(loginPath(l.request.ID) + "&sent=1")
}

func (c *Cabinet) submitOther(v *visit) error {
	l, err := c.open(v, v.form("request"))
	if err != nil {
		return err
	}
	err = c.Authn.Choose(v.r.Context(), v.visitor, l.flow, idp.Factor(v.form("method")), v.now)
	if errors.Is(err, idp.Invalid) && l.flow.Account != nil && (l.step == authn.Code || l.step == authn.TOTP) {
		l.step = authn.ChooseMethod
	}
	return c.answer(v, l, authn.Proved{}, err, "")
}

func (c *Cabinet) submitContinue(v *visit) error {
	l, err := c.open(v, v.form("request"))
	if err != nil {
		return err
	}
	if l.step != authn.ContinueAs && l.step != authn.OtherPerson && l.step != authn.Reauth {
		return v.see(loginPath(l.request.ID))
	}
	if v.form("choice") == "other" {
		err = c.Authn.Forget(v.r.Context(), v.visitor, l.request, v.now)
	} else if v.form("account") != string(l.flow.Session.ID) {
		return c.showStep(v, l, http.StatusUnprocessableEntity, idp.Fail(idp.Conflict, "session.changed"), "")
	} else {
		err = c.Authn.Continue(v.r.Context(), v.visitor, l.request, v.now)
	}
	return c.answer(v, l, authn.Proved{}, err, "")
}

// submitLeave is «Вернуться в сервис»: the face of the portal finishes the request and tells it.
func (c *Cabinet) submitLeave(v *visit) error {
	l, err := c.open(v, v.form("request"))
	if err != nil {
		return err
	}
	if l.request.ClientID == "" {
		return v.see("/")
	}
	return v.see(l.request.ReturnTo + "&leave=1")
}

// sessionEnds tells a page when its session ends, so that the script can warn two minutes before.
func sessionEnds(s *idp.Session, now time.Time) int64 {
	return min(s.EndsAt, now.Unix()+idp.SessionIdle) - now.Unix()
}
