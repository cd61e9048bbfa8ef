// Package standin is the world outside, for the stand and for tests: the SMS gateways ([SMS]) and the mail server ([SMTP]).
// It speaks protocols only and imports none of our packages, so that a mistake of ours is not made twice; nothing that
// `idp serve` runs may import it.
package standin
