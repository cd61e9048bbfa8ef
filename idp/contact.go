package idp

import (
	"errors"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Phone is a number in E.164 form, as +79123456789. Made by ParsePhone alone.
type Phone string

// Email is an address with its domain in lower-case ASCII (punycode) and its local part in lower case. Made by ParseEmail alone.
type Email string

// SNILS is the eleven digits of an insurance number whose control number holds. Made by ParseSNILS alone.
type SNILS string

// INN is the twelve digits of a person's taxpayer number whose control digits hold. Made by ParseINN alone.
type INN string

// LogValue masks the value: personal data never reaches a log.
func (p Phone) LogValue() slog.Value { return slog.StringValue(p.Masked()) }

// LogValue masks the value: personal data never reaches a log.
func (e Email) LogValue() slog.Value { return slog.StringValue("e-mail") }

// LogValue masks the value: personal data never reaches a log.
func (s SNILS) LogValue() slog.Value { return slog.StringValue("snils") }

// LogValue masks the value: personal data never reaches a log.
func (n INN) LogValue() slog.Value { return slog.StringValue("inn") }

// ParsePhone reads a mobile number as people write it: +7 912 345-67-89, 8 (912) 345-67-89, 9123456789; foreign ones begin with +.
// Errors: phone.digits, phone.country, phone.landline (DESIGN.md B1).
func ParsePhone(text string) (Phone, error) {
	text = strings.TrimSpace(norm.NFKC.String(text))
	if text == "" {
		return "", Wrong("phone", "phone.empty")
	}
	plus := strings.HasPrefix(text, "+") || strings.HasPrefix(text, "00")
	digits, ok := phoneDigits(text)
	if !ok {
		return "", Wrong("phone", "phone.digits")
	}
	switch {
	case plus:
		digits = "+" + strings.TrimPrefix(digits, "00")
	case len(digits) == 11 && (digits[0] == '8' || digits[0] == '7'):
		digits = "+7" + digits[1:]
	case len(digits) == 10:
		digits = "+7" + digits
	case len(digits) > 11:
		return "", Wrong("phone", "phone.country")
	default:
		return "", Wrong("phone", "phone.digits")
	}
	return checkPhone(digits)
}

func checkPhone(digits string) (Phone, error) {
	n, err := phonenumbers.Parse(digits, "RU")
	if err != nil {
		return "", Wrong("phone", "phone.country")
	}
	russian := n.GetCountryCode() == 7
	if !phonenumbers.IsValidNumber(n) {
		if russian {
			return "", Wrong("phone", "phone.digits")
		}
		return "", Wrong("phone", "phone.country")
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return Phone(phonenumbers.Format(n, phonenumbers.E164)), nil
	default:
		return "", Wrong("phone", "phone.landline")
	}
}

// phoneDigits keeps the digits of text; false if there is anything but digits and the signs people put between them.
func phoneDigits(text string) (string, bool) {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), strings.ContainsRune("+().\u2212\u200b\u2060", r):
		default:
			return "", false
		}
	}
	return b.String(), b.Len() > 0
}

// Tail is the last four digits as they are spoken, 67-89: what a page may show of an account's number.
func (p Phone) Tail() string {
	if len(p) < 4 {
		return ""
	}
	return string(p[len(p)-4:len(p)-2]) + "-" + string(p[len(p)-2:])
}

// Masked is the form for lists: +7 … 67-89.
func (p Phone) Masked() string {
	if len(p) < 6 {
		return "…"
	}
	return string(p[:2]) + " … " + p.Tail()
}

// Spaced is the whole number as people read it: +7 912 345-67-89.
func (p Phone) Spaced() string {
	n, err := phonenumbers.Parse(string(p), "RU")
	if err != nil {
		return string(p)
	}
	return phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
}

// ParseEmail reads an address; letters of any alphabet are accepted on both sides of the @ (RFC 6531). It is folded as ParseLogin
// folds a login (NFKC), so that whoever registers with an address signs in with it. Errors: email.at, email.comma, email.shape,
// email.domain.
func ParseEmail(text string) (Email, error) {
	if !utf8.ValidString(text) {
		return "", Wrong("email", "email.shape")
	}
	text = strings.TrimSpace(norm.NFKC.String(text))
	if text == "" {
		return "", Wrong("email", "email.empty")
	}
	local, domain, found := strings.Cut(text, "@")
	local = norm.NFKC.String(strings.ToLower(local))
	switch {
	case !found:
		return "", Wrong("email", "email.at")
	case strings.ContainsRune(domain, ','):
		return "", Wrong("email", "email.comma")
	case local == "" || len(local)+1+len(domain) > 254 || len(local) > 64 || strings.ContainsAny(local+domain, "\"<>()[]\\;:, \t\r\n\x00"),
		strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, ".."):
		return "", Wrong("email", "email.shape")
	}
	for _, r := range local { // what is not seen would make another address that looks the same
		if unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return "", Wrong("email", "email.shape")
		}
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !hostName(ascii) {
		return "", Wrong("email", "email.domain")
	}
	return Email(local + "@" + strings.ToLower(ascii)), nil
}

// hostName tells whether a name has two labels at least, each of 1 to 63 characters (RFC 1035, 2.3.4).
func hostName(ascii string) bool {
	labels := strings.Split(ascii, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 {
			return false
		}
	}
	return len(labels) > 1 && len(ascii) <= 253
}

// Masked is the form for lists and for the page that awaits a code: i…@example.ru.
func (e Email) Masked() string {
	local, domain, ok := strings.Cut(string(e), "@")
	if !ok {
		return "…"
	}
	first := []rune(local)
	return string(first[:1]) + "…@" + unicodeDomain(domain)
}

// Readable is the whole address with its domain in its own letters.
func (e Email) Readable() string {
	local, domain, ok := strings.Cut(string(e), "@")
	if !ok {
		return string(e)
	}
	return local + "@" + unicodeDomain(domain)
}

func unicodeDomain(ascii string) string {
	if u, err := idna.Lookup.ToUnicode(ascii); err == nil {
		return u
	}
	return ascii
}

// ParseSNILS reads an insurance number, as 000-123-123 44 or eleven digits. Errors: snils.digits, snils.control.
func ParseSNILS(text string) (SNILS, error) {
	digits, ok := phoneDigits(strings.TrimSpace(norm.NFKC.String(text)))
	if !ok || len(digits) != 11 {
		return "", Wrong("snils", "snils.digits")
	}
	sum := 0
	for i := range 9 {
		sum += int(digits[i]-'0') * (9 - i)
	}
	if control := sum % 101 % 100; int(digits[9]-'0')*10+int(digits[10]-'0') != control {
		return "", Wrong("snils", "snils.control")
	}
	return SNILS(digits), nil
}

// Spaced is the printed form, 000-123-123 44.
func (s SNILS) Spaced() string {
	if len(s) != 11 {
		return string(s)
	}
	return string(s[:3]) + "-" + string(s[3:6]) + "-" + string(s[6:9]) + " " + string(s[9:])
}

// ParseINN reads a person's taxpayer number of twelve digits. Errors: inn.digits, inn.control.
func ParseINN(text string) (INN, error) {
	digits, ok := phoneDigits(strings.TrimSpace(norm.NFKC.String(text)))
	if !ok || len(digits) != 12 {
		return "", Wrong("inn", "inn.digits")
	}
	weights := [11]int{3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8}
	control := func(w []int) byte {
		sum := 0
		for i, n := range w {
			sum += n * int(digits[i]-'0')
		}
		return byte('0' + sum%11%10)
	}
	if digits[10] != control(weights[1:]) || digits[11] != control(weights[:]) {
		return "", Wrong("inn", "inn.control")
	}
	return INN(digits), nil
}

// IdentifierKind says by which kind of name an account is found.
type IdentifierKind string

// The kinds of the identifier table.
const (
	ByPhone IdentifierKind = "phone"
	ByEmail IdentifierKind = "email"
	BySNILS IdentifierKind = "snils"
)

// Identifier is one canonical name of an account. Each leads to one live account at most.
type Identifier struct {
	Kind  IdentifierKind
	Value string
}

// Identifier is the phone as a name of an account.
func (p Phone) Identifier() Identifier { return Identifier{ByPhone, string(p)} }

// Identifier is the address as a name of an account.
func (e Email) Identifier() Identifier { return Identifier{ByEmail, string(e)} }

// Identifier is the insurance number as a name of an account.
func (s SNILS) Identifier() Identifier { return Identifier{BySNILS, string(s)} }

// ParseLogin reads what a person types into the one field of the sign-in page: phone, e-mail or SNILS. Eleven bare digits
// that may be both are a phone, and the error then adds that a SNILS is typed with hyphens (DESIGN.md 2.6).
func ParseLogin(text string) (Identifier, error) {
	text = strings.TrimSpace(norm.NFKC.String(text))
	if text == "" {
		return Identifier{}, Wrong("login", "login.empty")
	}
	if strings.ContainsRune(text, '@') {
		e, err := ParseEmail(text)
		return e.Identifier(), atLogin(err)
	}
	if strings.ContainsFunc(text, unicode.IsLetter) {
		return Identifier{}, Wrong("login", "email.at")
	}
	if looksLikeSNILS(text) {
		s, err := ParseSNILS(text)
		return s.Identifier(), atLogin(err)
	}
	p, err := ParsePhone(text)
	if err == nil {
		return p.Identifier(), nil
	}
	digits, _ := phoneDigits(text)
	if len(digits) == 11 && !strings.HasPrefix(text, "+") {
		if s, snilsErr := ParseSNILS(text); snilsErr == nil {
			return s.Identifier(), nil
		}
		return Identifier{}, Wrong("login", "login.phone_or_snils")
	}
	return Identifier{}, atLogin(err)
}

// looksLikeSNILS tells the printed form 000-000-000 00 (or 000-000-000-00) from a phone.
func looksLikeSNILS(text string) bool {
	var groups []int
	n := 0
	for _, r := range text + " " {
		switch {
		case r >= '0' && r <= '9':
			n++
		case unicode.IsSpace(r) || unicode.Is(unicode.Pd, r):
			if n > 0 {
				groups = append(groups, n)
			}
			n = 0
		default:
			return false
		}
	}
	return len(groups) == 4 && groups[0] == 3 && groups[1] == 3 && groups[2] == 3 && groups[3] == 2
}

func atLogin(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return Wrong("login", e.Code)
	}
	return err
}
