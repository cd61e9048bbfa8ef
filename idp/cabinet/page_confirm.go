package cabinet

import (
	"propusk/idp"
	"propusk/idp/web"
)

// ConfirmEmailPage is B4: the link of a letter was opened. Nothing happens until its button is pressed: mail scanners open links.
// It posts decision = yes or no to Action.
type ConfirmEmailPage struct {
	web.Frame
	Action  string // /confirm/{token}
	Email   idp.Email
	AskedAt int64
	Second  bool // a second address of an account that exists
}

// Look names the page.
func (p ConfirmEmailPage) Look() web.Look {
	l := web.Look{Template: "confirm_email", Step: "confirm-email", Heading: web.Say("confirm.h1")}
	if p.Second {
		l.Heading = web.Say("confirm.h1_second")
	}
	return l
}

// Text is what the visitor did, in the letter's words.
func (p ConfirmEmailPage) Text() web.Text {
	return web.Text{Key: "confirm.text", Args: web.Args{"email": p.Email.Readable(), "at": p.Moment(p.AskedAt)}}
}

// ConfirmState is why a link of a letter does nothing any more, or what it did.
type ConfirmState string

// The states.
const (
	ConfirmExpired   ConfirmState = "expired"   // too old
	ConfirmUsed      ConfirmState = "used"      // used, or not known
	ConfirmReplaced  ConfirmState = "replaced"  // there is a newer letter
	ConfirmRefused   ConfirmState = "refused"   // «Это не я» was pressed
	ConfirmConfirmed ConfirmState = "confirmed" // the second address is confirmed
)

// ConfirmEndPage is what B4 says where there is nothing to confirm.
type ConfirmEndPage struct {
	web.Frame
	State     ConfirmState
	ExpiredAt int64  // of ConfirmExpired
	Again     string // where [Прислать новую] posts; empty: it cannot be sent
}

// Look names the page.
func (p ConfirmEndPage) Look() web.Look {
	h := map[ConfirmState]string{
		ConfirmExpired: "confirm_end.expired", ConfirmUsed: "confirm_end.used", ConfirmReplaced: "confirm_end.replaced",
		ConfirmRefused: "confirm_end.refused", ConfirmConfirmed: "confirm_end.confirmed",
	}[p.State]
	return web.Look{Template: "confirm_end", Step: "confirm-email", Heading: web.Say(h)}
}
