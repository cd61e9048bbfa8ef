// Package keys makes, seals, rotates and publishes the keys of the provider, signs and verifies its tokens, and
// verifies what clients sign with theirs. It knows no account, no HTTP and no database: package store persists
// [SigningKey] as it stands.
//
// One [Master] key, given to the process in a file, seals everything at rest and keys the message authentication codes.
// Signing keys live through a [Schedule]: published, used, kept published, deleted. [Plan] says what to do next,
// [Ring] is what the faces sign with.
//
// Decision of 22 November 2026: ES256 by default, EdDSA where the client allows, RS256 and PS256 where demanded
// (library-facts.md 1.7). RSA keys have 2048 bits: 3072 would cost three times a signature that is already thirty times
// an ES256 one, and the keys live for 90 days.
//
// Decision of 24 November 2026: compact signatures are assembled here around the standard library; the JSON forms of keys
// and the thumbprints are go-jose's. Measured (BenchmarkSign, BenchmarkVerify): go-jose with a kept signer adds 10 % to
// a bare ES256 signature and 68 allocations, this package 2 % and 6; to a verification 16 % and 100 against 5 % and
// 17. The time alone would not decide it. No signer has to be kept for each pair of key and header, and one strict parser
// of three parts (no line breaks, no loose bits, no extensions, 16 KiB) is less to audit than five serializations.
package keys
