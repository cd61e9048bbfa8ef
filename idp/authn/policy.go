package authn

import (
	"log/slog"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"propusk/idp"

	"golang.org/x/text/unicode/norm"
)

// Policy says what a new password must be (DESIGN.md 2.6). It is checked when a password is chosen, never at sign-in.
type Policy string

// The policies of IDP_PASSWORD_POLICY.
const (
	// PolicyState is the state rule: 8 to 256 printable ASCII characters, a space only inside; at least one small and one
	// capital letter and one digit; typed twice.
	PolicyState Policy = "state"
	// PolicyLength asks for 15 to 256 characters of Unicode (NFC, counted by code points), typed once.
	PolicyLength Policy = "length"
)

const longestPassword = 256 // characters

// ParsePolicy reads the value of IDP_PASSWORD_POLICY; empty is PolicyState. The error is idp.Invalid.
func ParsePolicy(s string) (Policy, error) {
	switch p := Policy(s); p {
	case "":
		return PolicyState, nil
	case PolicyState, PolicyLength:
		return p, nil
	}
	return "", idp.Wrong("IDP_PASSWORD_POLICY", "password.policy")
}

// Own is what the password must not contain: the person's own data, each entry as it is kept elsewhere, canonical or as
// typed. Empty entries are passed over. It masks itself in logs.
type Own struct {
	Names     []string // last, first, middle and former names, in either alphabet
	Phones    []string // E.164
	Emails    []string // only the part before the @ counts
	BirthDate string   // 1990-12-31
	Numbers   []string // SNILS, INN, series and number of documents, with or without separators
}

// LogValue hides everything.
func (Own) LogValue() slog.Value { return slog.StringValue("hidden") }

// Codes of the problems, which are keys of the catalogue. `password.short` has the arguments `min` and `missing`,
// `password.long` has `max`; `password.lacks` has `upper`, `lower` and `digit`, each present (with the value "1") if it
// is lacking.
const (
	codeEmpty       = "password.empty.new"
	codeShort       = "password.short"
	codeLong        = "password.long"
	codeCyrillic    = "password.cyrillic"
	codeLacks       = "password.lacks"
	codeForeign     = "password.foreign"
	codeSpace       = "password.space"
	codeCommon      = "password.common"
	codeOwn         = "password.own"
	codeRepeat      = "password.repeat"
	codeRepeatOther = "password.differs"
)

// Form fields of a new password.
const (
	fieldPassword = "password"
	fieldRepeat   = "password_repeat"
)

// Check returns what is wrong with a new password, at most one problem for each field: the first to mend, in the order of
// DESIGN.md B5 but that Russian letters are named before what is lacking, for they are the reason of the lack. repeat is
// not looked at where the policy does not ask for it. Whether the password is the former one is for the caller to find
// out.
func (p Policy) Check(password, repeat string, own Own) idp.Problems {
	var problems idp.Problems
	if e := p.shape(password); e != nil {
		problems = append(problems, e)
	} else if isCommon(password) {
		problems = append(problems, idp.Wrong(fieldPassword, codeCommon))
	} else if own.within(password) {
		problems = append(problems, idp.Wrong(fieldPassword, codeOwn))
	}
	switch {
	case p == PolicyLength, repeat == password && repeat != "":
	case repeat == "":
		problems = append(problems, idp.Wrong(fieldRepeat, codeRepeat))
	default:
		problems = append(problems, idp.Wrong(fieldRepeat, codeRepeatOther))
	}
	return problems
}

// shape checks length and composition.
func (p Policy) shape(password string) *idp.Error {
	least := 8
	if p == PolicyLength {
		least = 15
	}
	n := utf8.RuneCountInString(norm.NFC.String(password))
	switch {
	case password == "":
		return idp.Wrong(fieldPassword, codeEmpty)
	case n < least:
		e := idp.Wrong(fieldPassword, codeShort)
		e.Args = map[string]string{"min": strconv.Itoa(least), "missing": strconv.Itoa(least - n)}
		return e
	case p == PolicyLength && !utf8.ValidString(password):
		return idp.Wrong(fieldPassword, codeForeign)
	case p == PolicyLength:
	default:
		if e := composition(password); e != nil {
			return e
		}
	}
	if n > longestPassword {
		e := idp.Wrong(fieldPassword, codeLong)
		e.Args = map[string]string{"max": strconv.Itoa(longestPassword)}
		return e
	}
	return nil
}

// composition is the state rule without the lengths.
func composition(password string) *idp.Error {
	lacks := map[string]string{"upper": "1", "lower": "1", "digit": "1"}
	cyrillic, foreign := false, false
	for _, c := range password {
		switch {
		case 'A' <= c && c <= 'Z':
			delete(lacks, "upper")
		case 'a' <= c && c <= 'z':
			delete(lacks, "lower")
		case '0' <= c && c <= '9':
			delete(lacks, "digit")
		case unicode.Is(unicode.Cyrillic, c):
			cyrillic = true
		case c < ' ' || c > '~':
			foreign = true
		}
	}
	switch {
	case cyrillic:
		return idp.Wrong(fieldPassword, codeCyrillic)
	case len(lacks) > 0:
		e := idp.Wrong(fieldPassword, codeLacks)
		e.Args = lacks
		return e
	case foreign:
		return idp.Wrong(fieldPassword, codeForeign)
	case strings.Trim(password, " ") != password:
		return idp.Wrong(fieldPassword, codeSpace)
	}
	return nil
}
