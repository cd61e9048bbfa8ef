package idp

// EventName names an event of the journal. Each constant says which details it carries; none holds personal data.
type EventName string

// The events. An event is written in the transaction of the change that it records.
const (
	Registered       EventName = "registered"        // by: phone, email
	ContactProved    EventName = "contact_proved"    // kind
	SignedIn         EventName = "signed_in"         // client, methods, device: new or known
	SignedInAgain    EventName = "signed_in_again"   // client, methods: step-up or renewed
	PasswordWrong    EventName = "password_wrong"    // client, by
	PasswordPaused   EventName = "password_paused"   // until
	CodeSent         EventName = "code_sent"         // purpose, channel
	CodeWrong        EventName = "code_wrong"        // purpose
	CodeSpent        EventName = "code_spent"        // purpose: the last try was wrong
	SignedOut        EventName = "signed_out"        // client
	ConsentGiven     EventName = "consent_given"     // client, attributes
	ConsentDenied    EventName = "consent_denied"    // client
	ConsentWithdrawn EventName = "consent_withdrawn" // client
	CodeReused       EventName = "code_reused"       // client: an authorization code came twice, its tokens ended
	RefreshReused    EventName = "refresh_reused"    // client: an old refresh token came again, its family ended
	TokensRevoked    EventName = "tokens_revoked"    // client
	PasswordChanged  EventName = "password_changed"  // -
)

// Event is one line of an account's journal.
type Event struct {
	OID      OID
	ID       ID
	At       int64
	What     EventName
	ClientID string
	Session  ID
	Agent    string            // User-Agent as sent, bounded
	Details  map[string]string // no personal data
}
