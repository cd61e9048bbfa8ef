// Package relyingparty is the client side of OpenID Connect as an agency's site needs it, and a sample site built on it.
//
// It imports nothing of the provider: what it knows is the protocol, so an agency may copy the package as it stands.
// The first half is the library:
//
//	client, err := relyingparty.New(relyingparty.Config{
//		Issuer:       "https://id.example.ru",
//		ClientID:     "portal",
//		ClientSecret: secret,
//		RedirectURL:  "https://portal.example.ru/callback",
//	})
//	client.Start(w, r, relyingparty.Request{ReturnTo: "/me"})   // at /login: sends the browser to the provider
//	result, err := client.Finish(w, r)                          // at /callback: checks everything, opens the session
//	session, ok := client.Session(r)                            // at every other page
//	guard.RequireTier(relyingparty.Confirmed)(handler)          // a page for confirmed people alone
//
// One sign-in goes so. Start makes state, nonce and a PKCE verifier (RFC 7636), keeps them on the server under the
// digest of state, binds them to the browser by a cookie and redirects. Finish looks the state up, compares the cookie,
// checks iss (RFC 9207), redeems the code, verifies the ID token (OpenID Connect Core 1.0, 3.1.3.7), reads userinfo and
// compares its sub, and answers with a new session. Each check that fails is named in a CheckError; an error that the
// provider sent is a ProviderError; a provider that does not answer is an Unavailable.
//
// Sessions, sign-ins under way and seen logout tokens are kept in memory, bounded in number and in time: a restart signs
// everybody out, and several processes need a balancer that keeps a visitor at one of them.
//
// The second half is the sample site, «Портал обращений»: NewSite. It takes appeals at three levels of identity and shows
// integrators every message of the sign-in.
package relyingparty
