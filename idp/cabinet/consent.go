package cabinet

import (
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/web"
)

// consentPage shows each item with the value that will leave. Its digest comes back with the answer: what is allowed is what was read.
func (c *Cabinet) consentPage(f web.Frame, v *visit, l signing) (web.Page, error) {
	documents, err := c.Authn.Store.Documents(v.r.Context(), l.flow.Account.OID)
	if err != nil {
		return nil, err
	}
	release := idp.ReleaseOf(*l.flow.Account, documents, l.flow.Wants)
	p := ConsentPage{Frame: f, Asker: l.flow.Client.Asker(), PolicyURL: l.flow.Client.PolicyURI, Offline: l.flow.Offline,
		Until: v.unix() + idp.ConsentLife, NoMiddle: release.Opened(idp.AttrName) && release.Person.MiddleName == ""}
	for _, a := range l.flow.Wants {
		s := shareOf(a, release, f)
		for _, scope := range idp.ScopesFor(a, l.request.Scopes) {
			if text := l.flow.Client.Purposes[scope]; text != "" {
				s.Purpose = text
			}
		}
		p.Required = append(p.Required, s)
	}
	p.Shown = c.digest(p)
	return p, nil
}

// digest binds the answer to what was shown, without telling any of it.
func (c *Cabinet) digest(p ConsentPage) string {
	var b strings.Builder
	for _, s := range p.Required {
		b.WriteString(string(s.Attribute) + "\x00" + s.Value + "\x00" + s.Purpose + "\x00")
	}
	mac := c.Authn.Master.MAC("consent-shown", []byte(p.Request), []byte(b.String()))
	return hex.EncodeToString(mac[:12])
}

func shareOf(a idp.Attribute, r idp.Release, f web.Frame) Share {
	s := Share{Attribute: a}
	p := r.Person
	switch a {
	case idp.AttrName:
		s.Value = strings.Join(strings.Fields(p.LastName+" "+p.FirstName+" "+p.MiddleName), " ")
	case idp.AttrBirthDate:
		s.Value = dotted(p.BirthDate)
	case idp.AttrGender:
		s.Value = f.Word(map[string]string{"M": "gender.male", "F": "gender.female"}[p.Gender])
	case idp.AttrBirthPlace:
		s.Value = p.BirthPlace
	case idp.AttrCitizenship:
		s.Value = p.Citizenship
	case idp.AttrSNILS:
		s.Value, s.Masked = r.SNILS.Spaced(), masked(r.SNILS.Spaced())
	case idp.AttrINN:
		s.Value, s.Masked = string(r.INN), masked(string(r.INN))
	case idp.AttrDocument:
		if d := r.Document; d != nil {
			s.Value = strings.TrimSpace(d.Series + " " + d.Number)
			s.Masked = masked(s.Value)
		}
	case idp.AttrPhone:
		s.Value = r.Phone.Spaced()
	case idp.AttrEmail:
		s.Value = r.Email.Readable()
	}
	return s
}

// dotted writes 1990-12-31 as people here read it.
func dotted(day string) string {
	parts := strings.Split(day, "-")
	if len(parts) != 3 {
		return day
	}
	return parts[2] + "." + parts[1] + "." + parts[0]
}

// masked keeps two signs at either end.
func masked(s string) string {
	if len(s) < 7 {
		return ""
	}
	return s[:2] + " … " + s[len(s)-2:]
}

// submitConsent records the answer. Refusing returns to the portal at once.
func (c *Cabinet) submitConsent(v *visit) error {
	l, err := c.open(v, v.form("request"))
	if err != nil {
		return err
	}
	if l.step != authn.Consent {
		return v.see(loginPath(l.request.ID))
	}
	if v.form("decision") == "deny" {
		return v.see(l.request.ReturnTo + "&leave=1")
	}
	page, err := c.consentPage(c.frame(v, l), v, l)
	if err != nil {
		return err
	}
	if v.form("decision") != "allow" || v.form("shown") != page.(ConsentPage).Shown {
		return c.showStep(v, l, http.StatusUnprocessableEntity, idp.Fail(idp.Conflict, "consent.changed"), "")
	}
	err = c.Grant.Allow(v.r.Context(), v.visitor, l.flow, idp.ID(v.form("account")), v.now)
	if errors.Is(err, idp.Conflict) {
		return c.showStep(v, l, http.StatusUnprocessableEntity, err, "")
	}
	return c.answer(v, l, authn.Proved{}, err, "")
}
