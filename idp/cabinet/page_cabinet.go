package cabinet

import (
	"propusk/idp"
	"propusk/idp/web"
)

// CabinetPage is D1.
type CabinetPage struct {
	web.Frame
	FirstName, MiddleName string
	Tier                  idp.Tier
	Phone                 idp.Phone
	Email                 idp.Email
	EmailProved           bool
	OnePassword           bool   // there is no second factor
	RaiseURL              string // the one next step; empty: none is offered
}

// Look names the page.
func (p CabinetPage) Look() web.Look {
	name := p.FirstName
	if p.MiddleName != "" {
		name += " " + p.MiddleName
	}
	return web.Look{Template: "cabinet", Step: "cabinet", Heading: web.Text{Key: "cabinet.h1", Args: web.Args{"name": name}}, Wide: true}
}

// Levels is the list of tiers.
func (p CabinetPage) Levels() []Level { return levels(p.Tier) }

// Raise is the words of the main button.
func (p CabinetPage) Raise() web.Text {
	if p.Tier == idp.Simplified {
		return web.Say("raise.go_standard")
	}
	return web.Say("raise.go_confirmed")
}

// SessionsPage is D11. It posts session (an id, or others) to /cabinet/sessions/end.
type SessionsPage struct {
	web.Frame
	Sessions []SessionRow // this one first
}

// SessionRow is one browser that is signed in.
type SessionRow struct {
	ID        idp.ID
	This      bool
	UserAgent string
	Since     int64
	Seen      int64
	Services  []string
}

// Look names the page.
func (p SessionsPage) Look() web.Look {
	return web.Look{Template: "sessions", Step: "sessions", Heading: web.Say("sessions.h1"), Wide: true}
}

// Device is the browser in words.
func (p SessionsPage) Device(s SessionRow) string { return web.Agent(s.UserAgent, p.Lang) }

// Others tells whether there is any other session.
func (p SessionsPage) Others() bool { return len(p.Sessions) > 1 }

// PermissionsPage is D12. It posts client (an id) to /cabinet/permissions/withdraw.
type PermissionsPage struct {
	web.Frame
	Permissions []PermissionRow
}

// PermissionRow is what one service may have.
type PermissionRow struct {
	ClientID   string
	Name       string
	Attributes []idp.Attribute
	Offline    bool
	Purposes   []string
	Since      int64
	Until      int64
	Used       int64 // 0: not yet
}

// Look names the page.
func (p PermissionsPage) Look() web.Look {
	return web.Look{Template: "permissions", Step: "permissions", Heading: web.Say("permissions.h1"), Wide: true}
}

// Data are the names of the attributes.
func (r PermissionRow) Data() []web.Text {
	var all []web.Text
	for _, a := range r.Attributes {
		all = append(all, AttributeName(a))
	}
	return all
}

// Withdrawn is the notice after a withdrawal.
func Withdrawn(name string) web.Text {
	return web.Text{Key: "permissions.withdrawn", Args: web.Args{"name": name}}
}

// Notices of what has just been done, for Frame.Notice.
var (
	NoticeNewCode     = web.Say("notice.new_code")
	NoticeSessionOver = web.Say("notice.session_over")
	NoticeOthersOver  = web.Say("notice.others_over")
)

// HomePage is H1.
type HomePage struct {
	web.Frame
	SignedIn bool
}

// Look names the page.
func (p HomePage) Look() web.Look {
	return web.Look{Template: "home", Step: "home", Heading: web.Say("home.h1"), Wide: true}
}

// Levels is the list of tiers.
func (p HomePage) Levels() []Level { return levels("") }
