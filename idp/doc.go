// Package idp holds the words of Propusk, an identity provider: its types, its pure rules, its kinds of error and the names
// of its events. Every other package points here; this one imports nothing of ours.
//
// # One login
//
// An agency's portal sends the citizen's browser to /authorize. The face (idp/oidc, idp/esia) parses and checks the request
// once, stores it as an [AuthRequest] bound to the browser, and answers 303 to /login?request=ID.
//
// The cabinet shows the step that the pure function authn.Next names: the password, a code, consent, or the way up to a
// higher [Tier]. Each POST proves or allows one thing, writes that fact with its event in one transaction, and answers 303
// to the same address. No page knows which comes after it.
//
// When nothing is left to do, Next says Done and the browser goes to the request's ReturnTo, a path of the face. The face
// takes the request (once), gets a [Grant] with an authorization code from idp/grant and sends the browser back to the portal.
// The portal redeems the code (once); [ReleaseOf] decides which attributes leave, keys signs, and the tokens carry the tier
// that the account had when the citizen signed in, never a higher one than it has now.
//
// # Two axes
//
// [Tier] says how much is known of the person; [Strength] says how they signed in. They meet only in [ACR], the value of
// the claim `acr`. [Status] is neither: it says whether the account may be used at all.
//
// # Time, secrets, identifiers
//
// Times are seconds since the epoch, UTC. Secrets that we hand out (cookies, codes, tokens) are random and stored as SHA-256;
// secrets that we must read again are sealed under the master key. Identifiers are made in Go: no sequence, no trigger, so
// that the tables can be distributed by their first key column.
package idp
