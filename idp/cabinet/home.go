package cabinet

import (
	"net/http"
	"slices"

	"propusk/idp"
	"propusk/idp/web"
	"propusk/store"
)

func (c *Cabinet) showHome(v *visit) error {
	return c.Site.Render(v.w, http.StatusOK, HomePage{Frame: c.Site.Frame(v.r, "", v.unix()), SignedIn: v.visitor.KnownPerson()})
}

// signedIn is for the pages of the cabinet: without a session it begins a login that returns to the page.
func (c *Cabinet) signedIn(v *visit, path string) (web.Frame, bool, error) {
	if v.visitor.KnownPerson() {
		f := c.Site.Frame(v.r, "", v.unix())
		f.Account = string(v.visitor.Session.ID)
		f.SessionLeft = sessionEnds(v.visitor.Session, v.now)
		return f, true, nil
	}
	r, err := c.begin(v, path)
	if err != nil {
		return web.Frame{}, false, err
	}
	return web.Frame{}, false, v.see(loginPath(r.ID))
}

func (c *Cabinet) showCabinet(v *visit) error {
	f, ok, err := c.signedIn(v, "/cabinet")
	if !ok || err != nil {
		return err
	}
	a := v.visitor.Account
	return c.Site.Render(v.w, http.StatusOK, CabinetPage{Frame: f, FirstName: a.Person.FirstName, MiddleName: a.Person.MiddleName, Tier: a.Tier,
		Phone: a.Phone, Email: a.Email, EmailProved: a.EmailVerifiedAt > 0, OnePassword: a.DefaultFactor() == idp.NoFactor})
}

func (c *Cabinet) showSessions(v *visit) error {
	f, ok, err := c.signedIn(v, "/cabinet/sessions")
	if !ok || err != nil {
		return err
	}
	all, err := c.Authn.Store.Sessions(v.r.Context(), v.visitor.Account.OID, v.unix())
	if err != nil {
		return err
	}
	p := SessionsPage{Frame: f}
	for _, s := range all {
		ids, err := c.Authn.Store.SessionClients(v.r.Context(), s.OID, s.ID)
		if err != nil {
			return err
		}
		row := SessionRow{ID: s.ID, This: s.ID == v.visitor.Session.ID, UserAgent: s.Agent, Since: s.CreatedAt, Seen: s.SeenAt, Services: c.names(ids)}
		p.Sessions = append(p.Sessions, row)
	}
	slices.SortStableFunc(p.Sessions, func(a, b SessionRow) int {
		if a.This == b.This {
			return 0
		}
		if a.This {
			return -1
		}
		return 1
	})
	switch v.r.URL.Query().Get("ended") {
	case "one":
		p.Notice = NoticeSessionOver
	case "others":
		p.Notice = NoticeOthersOver
	}
	return c.Site.Render(v.w, http.StatusOK, p)
}

func (c *Cabinet) names(ids []string) []string {
	var out []string
	for _, id := range ids {
		if cl := c.Grant.Client(id); cl != nil {
			out = append(out, cl.Shown())
		}
	}
	return out
}

// submitEndSession ends one session of the person, or all but this one.
func (c *Cabinet) submitEndSession(v *visit) error {
	_, ok, err := c.signedIn(v, "/cabinet/sessions")
	if !ok || err != nil {
		return err
	}
	s := v.visitor.Session
	which := v.form("session")
	if which == "others" {
		err := c.Authn.Store.InTx(v.r.Context(), func(tx *store.Tx) error {
			return tx.EndOtherSessions(v.r.Context(), s.OID, s.ID, v.unix())
		})
		if err != nil {
			return err
		}
		return v.see("/cabinet/sessions?ended=others")
	}
	ended := v.visitor
	ended.Session = &idp.Session{OID: s.OID, ID: idp.ID(which)}
	if err := c.Authn.SignOut(v.r.Context(), ended, "", v.now); err != nil {
		return err
	}
	if which == string(s.ID) {
		c.Visitors.SignedOut(v.w)
		return v.see("/")
	}
	return v.see("/cabinet/sessions?ended=one")
}

func (c *Cabinet) showPermissions(v *visit) error {
	f, ok, err := c.signedIn(v, "/cabinet/permissions")
	if !ok || err != nil {
		return err
	}
	all, err := c.Authn.Store.Consents(v.r.Context(), v.visitor.Account.OID)
	if err != nil {
		return err
	}
	p := PermissionsPage{Frame: f}
	for _, k := range all {
		if v.unix() >= k.ExpiresAt {
			continue
		}
		row := PermissionRow{ClientID: k.ClientID, Name: k.ClientID, Attributes: k.Attributes, Offline: k.Offline, Since: k.GrantedAt, Until: k.ExpiresAt}
		if cl := c.Grant.Client(k.ClientID); cl != nil {
			row.Name = cl.Shown()
		}
		for _, text := range k.Purposes {
			row.Purposes = append(row.Purposes, text)
		}
		slices.Sort(row.Purposes)
		p.Permissions = append(p.Permissions, row)
	}
	if id := v.r.URL.Query().Get("withdrawn"); id != "" {
		if cl := c.Grant.Client(id); cl != nil {
			p.Notice = Withdrawn(cl.Shown())
		}
	}
	return c.Site.Render(v.w, http.StatusOK, p)
}

func (c *Cabinet) submitWithdraw(v *visit) error {
	_, ok, err := c.signedIn(v, "/cabinet/permissions")
	if !ok || err != nil {
		return err
	}
	id := v.form("client")
	if err := c.Grant.Withdraw(v.r.Context(), v.visitor, id, v.now); err != nil {
		return err
	}
	if c.Grant.Client(id) == nil {
		return v.see("/cabinet/permissions")
	}
	return v.see("/cabinet/permissions?withdrawn=" + id)
}

// showDocument shows help, the terms and the like; former versions by ?version=, since registrations name them.
func (c *Cabinet) showDocument(v *visit, name DocumentName) error {
	version := v.r.URL.Query().Get("version")
	if version != "" && !slices.Contains(DocumentVersions(name), version) {
		return idp.Fail(idp.NotFound, "document.unknown")
	}
	return c.Site.Render(v.w, http.StatusOK, DocumentPage{Frame: c.Site.Frame(v.r, "", v.unix()), Name: name, Version: version})
}
