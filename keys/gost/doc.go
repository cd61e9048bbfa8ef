// Package gost has the Russian algorithms that ESIA and its clients sign with, and the CMS messages they sign in: the hash Streebog
// (GOST R 34.11-2012, RFC 6986), the signature GOST R 34.10-2012 of 256 and 512 bits (RFC 7091), its keys and certificates (RFC 9215,
// PKCS#8 as TC26 and OpenSSL's gost engine write it) and SignedData (RFC 5652) by GOST, RSA and ECDSA keys. It is written from
// these documents in pure Go and imports the standard library and x/crypto/cryptobyte only.
//
// # What to call
//
//   - A client's v2 or v3 request, and a JWT: VerifyMessage or VerifyJWT with the key of a Certificate registered for the client,
//     SignMessage with ours. A signature is s and r, highest byte first (esia-protocol.md, 2.5); Reversed and SwapHalves convert from others.
//   - A client's v1 request: ParseSignedData, then Verify with the text and the registered certificates, then compare the Certificate
//     of the result with these. A message that verifies says only that somebody signed: anybody can make a key and a certificate.
//   - client_certificate_hash: Certificate.Hash.
//   - A refused signature: Diagnose names the known mistake by which it was made.
//   - Publishing a key as ESIA does: GenerateKey, MarshalPrivateKey (to be sealed), SelfSigned.
//
// # Secrets and time
//
// Nonces and keys come from crypto/rand, whatever reader a caller passes to Sign.
//
// These take the same steps, and touch the same memory, for every key, nonce and digest of a curve, as far as the Go compiler keeps
// to the arithmetic it is given (there is no assembly to prove it): the arithmetic modulo p and q (fixed limbs, Montgomery or folding,
// final subtraction by mask), the inversion by Fermat, the multiplication of the generator (complete addition formulas, every table
// entry read), hence Sign, GenerateKey, NewPrivateKey and the derivation of a public key. The time does show how many nonces were thrown away
// for being out of range, which says nothing about the one used. The range check in NewPrivateKey shows whether a key was refused.
//
// These take time that depends on their input, which is public: Verify and everything on it, NewPublicKey, the parsing of all
// structures, Diagnose, and Streebog, whose tables are indexed by the data as in every table implementation: do not use it for passwords or as a MAC
// of secrets shared with someone who runs on the same processor. PKCS#8 is parsed by its lengths and tags, which are not secret.
// Memory that held secrets is not wiped: the collector of Go may have copied it.
//
// # What is refused
//
// GOST R 34.10-2001 and 34.11-94, SHA-1 and MD5, RSA keys below 2048 and above 8192 bits, points outside the group of order q,
// messages above MaxSignedData, certificates above MaxCertificate, nesting above 32 levels. The old algorithms are named in the error,
// which wraps ErrUnsupported.
//
// # Decisions
//
// 24 November 2026: the outer list of digests in SignedData is not compared with the signers: a known client fills it with the digest
// of 1994 (esia-protocol.md, 6.2). Signed attributes are hashed in the order in which they came, as OpenSSL does, not sorted anew.
//
// 24 November 2026: verification with the field of CryptoPro-A folds instead of using Montgomery's form, because ESIA's own keys and most clients
// are on that curve; it costs forty lines and saves a sixth of the time.
package gost
