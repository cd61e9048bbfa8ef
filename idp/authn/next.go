package authn

import (
	"slices"

	"propusk/idp"
)

// Step is what the citizen does next; its value is the data-step of the page.
type Step string

// The steps of a sign-in. Pages never route to one another: each POST records a fact and asks Next again.
const (
	Login        Step = "login"         // who is it, and the password
	Reauth       Step = "reauth"        // the password again, for a session that is there
	Code         Step = "code"          // code by SMS
	TOTP         Step = "totp"          // code from the app
	EmailCode    Step = "email-code"    // code by e-mail, on a new device (its page is a "code" page)
	ChooseMethod Step = "choose-method" // which second factor: a step-up begins here, its POST sends the code
	ContinueAs   Step = "continue-as"   // is it the person of the session?
	Register     Step = "register"      // the portal asked for a new account
	OtherPerson  Step = "other-person"  // signed in, but not as the person whom the portal named
	Raise        Step = "raise"         // the portal demands more than the account can prove
	Consent      Step = "consent"       // may these data leave?
	Finished     Step = "done"          // the request gave its answer before
	Expired      Step = "expired"       // the request is too old
	Done         Step = ""              // nothing is left: the face answers the portal
)

// Flow is everything that decides the next step. It is read, never written, by Next.
type Flow struct {
	Request idp.AuthRequest
	Session *idp.Session // of this browser and alive; nil without one
	Account *idp.Account // of the session, or, while a sign-in is under way, of Request.OID; nil without either
	Known   bool         // the account signed in from this browser before
	Client  *idp.Client  // nil: the citizen goes to the cabinet
	Consent *idp.Consent // what the account allowed the client; nil: nothing
	Wants   []idp.Attribute
	Offline bool // the client wants refresh tokens
	Now     int64
}

// Next names the step that comes next. It is the only place that decides it.
func Next(f Flow) Step {
	r := f.Request
	switch {
	case r.GrantedAt > 0 || r.RefusedAt > 0:
		return Finished
	case f.Now >= r.ExpiresAt:
		return Expired
	case r.OID == 0 && r.Prompt("create") && !r.Prompt(idp.PromptOther):
		return Register
	}
	if step := SignIn(f); step != Done {
		return step
	}
	if r.HintOID != 0 && r.HintOID != f.Account.OID {
		return OtherPerson
	}
	if step := level(f); step != Done {
		return step
	}
	if f.Client == nil {
		return Done
	}
	if r.ConsentedAt == 0 && r.Prompt("consent") || f.Consent.Lacks(f.Client, r.Scopes, f.Wants, f.Offline, f.Now) {
		return Consent
	}
	return Done
}

// SignIn names the step that still lacks until the browser has a session that counts for the request; Done if none does.
func SignIn(f Flow) Step {
	r := f.Request
	if r.PasswordAt > 0 && (f.Session == nil || f.Session.ID != r.SessionID) {
		if f.Account == nil || f.Account.OID != r.OID || r.PasswordAt < f.Account.PasswordAt || r.SessionID != "" {
			return Login // signed out meanwhile, in another tab
		}
		if step := secondFactor(f); step != Done {
			return step
		}
		return Login // nothing lacks any more (the device became known in another tab), but no session was made of this password
	}
	if f.Session == nil || f.Account == nil || r.OID == 0 && r.Prompt(idp.PromptOther) {
		return Login
	}
	fresh := r.PasswordAt > 0 // and it made this very session
	tooOld := r.MaxAge == 0 || r.MaxAge > 0 && f.Now-f.Session.Auth.Time > r.MaxAge
	switch {
	case fresh:
		return Done
	case r.HintOID != 0 && r.HintOID != f.Session.OID:
		return Login
	case r.OID != 0 && r.OID != f.Session.OID, r.Prompt("select_account") && r.ChosenAt == 0:
		return ContinueAs
	case r.Prompt("login") || tooOld:
		return Reauth
	}
	return Done
}

// secondFactor names what is asked after the right password, until a session is made.
func secondFactor(f Flow) Step {
	r, a := f.Request, *f.Account
	want, _ := r.Wanted(a)
	needed := a.DefaultFactor() != idp.NoFactor || want.Strength > idp.OneFactor && a.Reach() >= want.Strength
	switch {
	case needed && r.SecondAt == 0:
		return byMethod(r.Method, a)
	case !needed && a.NewDeviceCode && a.EmailVerifiedAt > 0 && !f.Known && r.EmailAt == 0:
		return EmailCode
	}
	return Done
}

func byMethod(m idp.Factor, a idp.Account) Step {
	if !slices.Contains(a.Factors(), m) {
		return ChooseMethod
	}
	if m == idp.TOTPFactor {
		return TOTP
	}
	return Code
}

// level compares the sign-in with what the portal demands or asks for.
func level(f Flow) Step {
	r, a := f.Request, *f.Account
	auth := f.Session.Auth.Now(a)
	want, demanded := r.Wanted(a)
	if demanded && (!a.Tier.AtLeast(want.Tier) || a.Reach() < want.Strength) || demanded && methodRefused(f, want.Tier) {
		return Raise
	}
	if !auth.Tier.AtLeast(want.Tier) && a.Tier.AtLeast(want.Tier) {
		return Reauth // the tier rose since this session signed in, and the tokens carry the tier of the sign-in
	}
	if auth.Strength() < want.Strength && a.Reach() >= want.Strength {
		if r.Method == "" {
			return ChooseMethod
		}
		return byMethod(r.Method, a)
	}
	return Done
}

// methodRefused tells whether the portal works with confirmed accounts alone and does not accept how this one was confirmed.
func methodRefused(f Flow, want idp.Tier) bool {
	return f.Client != nil && want == idp.Confirmed && len(f.Client.TierMethods) > 0 && !slices.Contains(f.Client.TierMethods, f.Account.TierMethod)
}
