package web

// ClientErrorPage is A17: a portal's request cannot be served, and the citizen is told whose setting it is.
type ClientErrorPage struct {
	Frame
	Name      string       // of the system, if it is known; never from the request
	Reference string       // for the one who will mend it
	ReturnURL string       // where the portal gets the error; empty unless the address is trusted
	Detail    *StandDetail // what the integrator sees; printed in the stand alone
}

// StandDetail is what an integrator needs to mend a request (DESIGN.md 7.1). Empty members are not shown.
type StandDetail struct {
	Parameter string // or the part of the request
	Came      string
	Expected  string
	Nearest   string // registered value
	Mend      string // what to do, a sentence
	DocsURL   string
}

// Look names the page.
func (p ClientErrorPage) Look() Look {
	return Look{Template: "client_error", Step: "error", Heading: Say("client_error.h1")}
}

// Shown is the detail in the stand, nil elsewhere.
func (p ClientErrorPage) Shown() *StandDetail {
	if !p.Stand() {
		return nil
	}
	return p.Detail
}

// ExpiredPage is A21: the request is older than it may be, or is not known.
type ExpiredPage struct {
	Frame
	Name     string // of the portal; empty: the request is not known
	StartURL string // the portal's own start, else its redirect_uri with an error; empty: our home page
	Signup   bool   // it is a registration that is too old; StartURL is /signup then
}

// Look names the page.
func (p ExpiredPage) Look() Look {
	return Look{Template: "expired", Step: "expired", Heading: Say("expired.h1")}
}

// DonePage is A22: the request is finished and its page was opened again.
type DonePage struct {
	Frame
	OpenURL string // of the portal; empty: our cabinet
}

// Look names the page.
func (p DonePage) Look() Look { return Look{Template: "done", Step: "done", Heading: Say("done.h1")} }

// OtherBrowserPage is A23: the request belongs to another browser, or cookies are off.
type OtherBrowserPage struct {
	Frame
	NoCookies bool   // the browser sent no cookie at all
	StartURL  string // where to begin here; empty: our home page
}

// Look names the page.
func (p OtherBrowserPage) Look() Look {
	return Look{Template: "other_browser", Step: "other-browser", Heading: Say("other_browser.h1")}
}

// Hidden is one hidden field of a form.
type Hidden struct{ Name, Value string }

// LogoutPage is the question of A13. It posts to /logout/confirm.
type LogoutPage struct {
	Frame
	Services []string // that will be signed out of too
	Hidden   []Hidden // what /logout/confirm needs
	StayURL  string   // empty: the cabinet
}

// Look names the page.
func (p LogoutPage) Look() Look {
	return Look{Template: "logout", Step: "logout", Heading: Say("logout.h1")}
}

// SignedOutPage is the end of A13.
type SignedOutPage struct {
	Frame
	Silent []string // services that did not answer
}

// Look names the page.
func (p SignedOutPage) Look() Look {
	return Look{Template: "signed_out", Step: "logout", Heading: Say("signed_out.h1")}
}
