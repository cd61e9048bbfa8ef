package idp_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"propusk/idp"
)

// codeOf is the stable code of an error, empty without one.
func codeOf(err error) string {
	var e *idp.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func TestAPhoneIsReadAsPeopleWriteIt(t *testing.T) {
	for text, want := range map[string]idp.Phone{
		"+7 912 345-67-89": "+79123456789", "8 (912) 345-67-89": "+79123456789", "9123456789": "+79123456789", "79123456789": "+79123456789",
		"007 912 345 67 89": "+79123456789", "(+7) 912.345.67.89": "+79123456789", "＋７ ９１２ ３４５ ６７ ８９": "+79123456789",
		"\u00a08\u2011912\u2013345\u221267\u200b89 ": "+79123456789",
		"+375 29 123-45-67":                          "+375291234567", "+49 1512 3456789": "+4915123456789", "+1 202 555 0123": "+12025550123", "+7 701 234 56 78": "+77012345678",
	} {
		if got, err := idp.ParsePhone(text); got != want || err != nil {
			t.Errorf("ParsePhone(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "phone.empty", " \t": "phone.empty", "912345678": "phone.digits", "8912345678": "phone.digits", "+7 912 345-67-8": "phone.digits",
		"891234567890": "phone.country", "375291234567": "phone.country", "+999 123": "phone.country", "+": "phone.digits", "00": "phone.country",
		"+7 495 123-45-67": "phone.landline", "8 800 555-35-35": "phone.landline", "+49 30 123456": "phone.landline",
		"912345678O": "phone.digits", "+7 912 345-67-89 доб. 1": "phone.digits", "+7 912 345-67-89\x00": "phone.digits", "٩١٢٣٤٥٦٧٨٩": "phone.digits",
		"99912345678": "phone.digits",
	} {
		if got, err := idp.ParsePhone(text); err == nil || codeOf(err) != want {
			t.Errorf("ParsePhone(%q) = %q, %v; want %s", text, got, err, want)
		}
	}
}

func TestAPhoneIsShownInParts(t *testing.T) {
	p := idp.Phone("+79123456789")
	if got := p.Tail() + "|" + p.Masked() + "|" + p.Spaced(); got != "67-89|+7 … 67-89|+7 912 345-67-89" {
		t.Error(got)
	}
	if got := idp.Phone("").Tail() + idp.Phone("").Masked(); got != "…" {
		t.Error(got)
	}
}

func TestAnEmailIsReadInAnyAlphabet(t *testing.T) {
	for text, want := range map[string]idp.Email{
		" Ivan.Petrov+gos@Example.RU ": "ivan.petrov+gos@example.ru", "иван@почта.рф": "иван@xn--80a1acny.xn--p1ai", "ИВАН@ПОЧТА.РФ": "иван@xn--80a1acny.xn--p1ai",
		"иван@xn--80a1acny.xn--p1ai": "иван@xn--80a1acny.xn--p1ai", "a@mail。example。ru": "a@mail.example.ru", "и\u0306ван@example.ru": "йван@example.ru",
		"ｉｖａｎ＠example.ru": "ivan@example.ru", "ﬁ@example.ru": "fi@example.ru", "o'hara@example.ru": "o'hara@example.ru",
	} {
		got, err := idp.ParseEmail(text)
		if got != want || err != nil {
			t.Errorf("ParseEmail(%q) = %q, %v; want %q", text, got, err, want)
		}
		// Whoever registers with an address signs in with it.
		if id, err := idp.ParseLogin(text); err != nil || id != want.Identifier() {
			t.Errorf("ParseLogin(%q) = %v, %v; want %q", text, id, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "email.empty", "ivan": "email.at", "ivan@example,ru": "email.comma", "@example.ru": "email.shape", "a b@example.ru": "email.shape",
		"a@b@example.ru": "email.domain", "ivan@localhost": "email.domain", "ivan@": "email.domain", "ivan@.ru": "email.domain", "ivan@example.": "email.domain",
		"ivan@exa mple.ru": "email.shape", "ivan@[192.0.2.1]": "email.shape", ".ivan@example.ru": "email.shape", "ivan.@example.ru": "email.shape",
		"i..van@example.ru": "email.shape", "<ivan@example.ru>": "email.shape", "ivan\r\nbcc:x@example.ru": "email.shape", "ivan\x00@example.ru": "email.shape",
		"iv\xffan@example.ru": "email.shape", "iv\u200ban@example.ru": "email.shape", "iv\u202ean@example.ru": "email.shape", "ivan@exa_mple.ru": "email.domain",
		strings.Repeat("a", 65) + "@example.ru": "email.shape", "a@" + strings.Repeat("b", 64) + ".ru": "email.domain",
		"a@" + strings.Repeat("bbbbbbbbb.", 26) + "ru": "email.shape",
	} {
		if got, err := idp.ParseEmail(text); err == nil || codeOf(err) != want {
			t.Errorf("ParseEmail(%q) = %q, %v; want %s", text, got, err, want)
		}
	}
	e := idp.Email("иван@xn--80a1acny.xn--p1ai")
	if got := e.Masked() + "|" + e.Readable() + "|" + idp.Email("").Masked(); got != "и…@почта.рф|иван@почта.рф|…" {
		t.Error(got)
	}
}

func TestControlNumbersHold(t *testing.T) {
	for text, want := range map[string]string{
		"112-233-445 95": "11223344595", "11223344595": "11223344595", "087-654-303 00": "08765430300",
		"112-233-445 96": "snils.control", "112-233-545 95": "snils.control", "1122334459": "snils.digits", "": "snils.digits", "112-233-445 9x": "snils.digits",
	} {
		got, err := idp.ParseSNILS(text)
		if err == nil && string(got) != want || err != nil && codeOf(err) != want {
			t.Errorf("ParseSNILS(%q) = %q, %v; want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"500100732259": "500100732259", "5001 0073 2259": "500100732259", "500100732258": "inn.control", "500100732249": "inn.control",
		"7707083893": "inn.digits", "": "inn.digits", "50010073225x": "inn.digits",
	} {
		got, err := idp.ParseINN(text)
		if err == nil && string(got) != want || err != nil && codeOf(err) != want {
			t.Errorf("ParseINN(%q) = %q, %v; want %s", text, got, err, want)
		}
	}
	if got := idp.SNILS("11223344595").Spaced(); got != "112-233-445 95" {
		t.Error(got)
	}
}

// Every number has one control number: of the hundred possible pairs exactly one is accepted (two where the sum is 100 or 101).
func TestASNILSHasOneControlNumber(t *testing.T) {
	for _, nine := range []string{"112233445", "087654303", "999999999", "001001998", "123456789"} {
		n := 0
		for pair := range 100 {
			if _, err := idp.ParseSNILS(fmt.Sprintf("%s%02d", nine, pair)); err == nil {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s has %d control numbers", nine, n)
		}
	}
}

func TestALoginIsAPhoneAnEmailOrASNILS(t *testing.T) {
	for text, want := range map[string]idp.Identifier{
		"8 912 345-67-89":   {Kind: idp.ByPhone, Value: "+79123456789"},
		"9123456789":        {Kind: idp.ByPhone, Value: "+79123456789"},
		"Ivan@example.ru":   {Kind: idp.ByEmail, Value: "ivan@example.ru"},
		"112-233-445 95":    {Kind: idp.BySNILS, Value: "11223344595"},
		"112 233 445 95":    {Kind: idp.BySNILS, Value: "11223344595"},
		"112-233-445-95":    {Kind: idp.BySNILS, Value: "11223344595"},
		"11223344595":       {Kind: idp.BySNILS, Value: "11223344595"},
		"８９１２３４５６７８９":       {Kind: idp.ByPhone, Value: "+79123456789"},
		"89123456789":       {Kind: idp.ByPhone, Value: "+79123456789"},
		"+375 29 123-45-67": {Kind: idp.ByPhone, Value: "+375291234567"},
	} {
		if got, err := idp.ParseLogin(text); got != want || err != nil {
			t.Errorf("ParseLogin(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "login.empty", "ivan": "email.at", "иван.example.ru": "email.at", "ivan@example,ru": "email.comma", "112-233-445 96": "snils.control",
		"11223344596": "login.phone_or_snils", "12345": "phone.digits", "+7 495 123-45-67": "phone.landline", "123456789012": "phone.country",
	} {
		_, err := idp.ParseLogin(text)
		var e *idp.Error
		if !errors.As(err, &e) || e.Code != want || e.Field != "login" || !errors.Is(err, idp.Invalid) {
			t.Errorf("ParseLogin(%q): %v; want %s at the field login", text, err, want)
		}
	}
}

// canonical holds a parser to it that its result is valid UTF-8 and parses to itself.
func canonical[T ~string](t *testing.T, parse func(string) (T, error), text string) {
	t.Helper()
	v, err := parse(text)
	if err != nil {
		return
	}
	if again, err := parse(string(v)); again != v || err != nil || !utf8.ValidString(string(v)) || strings.ContainsRune(string(v), 0) {
		t.Errorf("%q was read as %q, and that as %q, %v", text, v, again, err)
	}
}

func FuzzContacts(f *testing.F) {
	for _, s := range []string{"+7 912 345-67-89", "8(912)3456789", "иван@почта.рф", "112-233-445 95", "500100732259", "ｉｖａｎ@example.ru", "İ@example.ru", "+39 06 1234"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		canonical(t, idp.ParsePhone, s)
		canonical(t, idp.ParseEmail, s)
		canonical(t, idp.ParseSNILS, s)
		canonical(t, idp.ParseINN, s)
		if id, err := idp.ParseLogin(s); err == nil {
			if again, err := idp.ParseLogin(id.Value); again != id || err != nil {
				t.Errorf("login %q was read as %v, and that as %v, %v", s, id, again, err)
			}
		}
		if e, err := idp.ParseEmail(s); err == nil {
			_ = e.Masked() + e.Readable()
		}
		if p, err := idp.ParsePhone(s); err == nil {
			_ = p.Masked() + p.Spaced()
		}
	})
}
