// Package grant is the engine of authorization: it checks requests, keeps consent, issues codes and tokens, rotates refresh
// tokens, authenticates clients and revokes. It knows no HTTP and no type of the OpenID library: both faces call it, so a
// rule that holds on one holds on the other. The faces parse, name the claims and spell the errors.
//
// # Codes and tokens
//
// A code, a refresh token and the `jti` of an access token begin with the key of the grant's row, so that a sharded database
// is asked on one shard. The account's number in it is masked, differently for each grant: with pairwise subjects two portals
// must not find out that they serve the same person.
//
// A code is a key and 32 random bytes, stored as a hash and redeemed by one guarded statement. A refresh token is a key, a
// generation, the family's secret (stored as a hash) and a code that only we can make. A refresh raises the generation by one
// guarded statement; the former token may be repeated for ten seconds and gives the same new one, so that a lost answer costs
// nothing; an older one ends the family (OAuth 2.0 Security Best Current Practice, RFC 9700, 4.14).
//
// # One gate
//
// Before any token leaves, [gate] asks whether this account, at this tier, may get it with this client now.
package grant
