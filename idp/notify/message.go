package notify

import (
	"log/slog"
	"time"

	"propusk/idp"
)

// Channel is the way a message takes.
type Channel string

// The channels. Their values are those of the stand's outbox (CONTRACT.md section 6).
const (
	SMS    Channel = "sms"
	Email  Channel = "email"
	Letter Channel = "letter" // on paper; rendered for the print file and for the outbox
)

// Kind says what a message tells. The values are stored in job rows: never change one.
type Kind string

// The kinds, in the order of DESIGN.md 6.1 and 6.2. In brackets: the channels that have a text, and the members a message
// needs besides To, Lang and At; others appear when they are given.
const (
	SignIn       Kind = "sign_in"       // code of sign-in, also A9 (sms, email: Code)
	Registration Kind = "registration"  // code of B2 (sms: Code), e-mail of B3 (email: Code, Link, Until)
	Recovery     Kind = "recovery"      // (sms: Code; email: Code, Link, Until)
	NewContact   Kind = "new_contact"   // a number is added (sms: Code), second address (email: Link, Until)
	Confirmation Kind = "confirmation"  // any other act: A18, old contact, deletion (sms, email: Code)
	FirstSignIn  Kind = "first_sign_in" // code from the centre (sms: Code)

	NewDevice         Kind = "new_device"         // (sms, email; email: Device, Service, Link to «Это был не я»)
	PasswordChanged   Kind = "password_changed"   // (sms, email; email: Device, Link)
	ContactChanging   Kind = "contact_changing"   // change of number begun (sms, email; email: Until, Link)
	ContactChanged    Kind = "contact_changed"    // change of number done (email: Link)
	FactorAdded       Kind = "factor_added"       // (sms, email; email: Details says which; Device, Link)
	FactorRemoved     Kind = "factor_removed"     // as FactorAdded
	NumberClaimed     Kind = "number_claimed"     // B6 (email: Until)
	ChecksFinished    Kind = "checks_finished"    // (sms, email; email: Details is the result by registry, no values)
	TierRaised        Kind = "tier_raised"        // (email: Details is from, to, ground, what follows)
	TierLowered       Kind = "tier_lowered"       // (sms, email; email: Details as TierRaised)
	IdentityConfirmed Kind = "identity_confirmed" // (sms, email; email: Details is centre and operation number)
	AccessRestored    Kind = "access_restored"    // in a centre; as IdentityConfirmed
	ConsentGiven      Kind = "consent_given"      // (email: Service; Details is the data; Until)
	ConsentWithdrawn  Kind = "consent_withdrawn"  // (email: Service)
	DeletionBegun     Kind = "deletion_begun"     // (sms, email: Until is the day)
	DeletionCancelled Kind = "deletion_cancelled" // (email)
	DeletionDone      Kind = "deletion_done"      // (email)
	CopyReady         Kind = "copy_ready"         // (email: Link to D15, Until)

	CertificateExpiring Kind = "certificate_expiring" // to integrators (email: Service is the system; Until, Link to F3)
	DeliveriesFailing   Kind = "deliveries_failing"   // to integrators (email: Service is the system; Link to F6)

	ActivationCode Kind = "activation_code" // code that confirms identity (letter: Name, Code, Until)
)

// Message is one message before it has words. It travels as JSON, sealed, in a job row; it masks itself in logs.
type Message struct {
	Kind      Kind         `json:"kind"`
	Channel   Channel      `json:"channel"`
	To        string       `json:"to"` // idp.Phone, idp.Email or, for a letter, the postal address
	Lang      idp.Language `json:"lang"`
	Reference string       `json:"reference"` // id of the job: the same message, however often it is tried
	At        int64        `json:"at"`        // when what it tells happened, Unix seconds

	Code    string   `json:"code,omitempty"`
	Link    string   `json:"link,omitempty"`    // whole address, or a path of ours ("/confirm/...")
	Until   int64    `json:"until,omitempty"`   // when code, link or the possibility to object ends, Unix seconds
	Device  string   `json:"device,omitempty"`  // as the session list shows it: «Chrome, Windows»
	Service string   `json:"service,omitempty"` // registered name of the portal
	Name    string   `json:"name,omitempty"`    // of the addressee of a letter
	Details []string `json:"details,omitempty"` // finished sentences in Lang; no personal values
}

// LogValue masks the message: kind, channel and reference, nothing of the person.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(slog.String("kind", string(m.Kind)), slog.String("channel", string(m.Channel)),
		slog.String("reference", m.Reference))
}

// String is the masked form, for %v and friends.
func (m Message) String() string { return string(m.Kind) + " by " + string(m.Channel) }

// GoString is the masked form, for %#v.
func (m Message) GoString() string { return m.String() }

// How long a message without an end of its own is worth sending.
const (
	codeAge   = 5 * time.Minute // life of a code (DESIGN.md 2.11)
	noticeAge = 72 * time.Hour
)

// Deadline is the moment from which the message is not sent any more: the end of its code or link, five minutes for a code
// without one, three days for a notice. A notice's Until is a date it tells, not its end.
func (m Message) Deadline() time.Time {
	age := noticeAge
	if m.Code != "" && m.Channel != Letter {
		age = codeAge
	}
	if m.Until > 0 && (m.Code != "" || m.Kind == NewContact) {
		return time.Unix(m.Until, 0)
	}
	return time.Unix(m.At, 0).Add(age)
}
