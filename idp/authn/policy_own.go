package authn

import (
	"strings"
	"time"
	"unicode"
)

// Own data is looked for as a part of the password: a name of four letters or more anywhere, a name of three where it
// stands alone (between signs, digits or a change of case: "Lev2010", not "Clever"), of a number at least seven digits in a
// row, of a document number six. A birth year alone is no refusal, nor are day and month in four digits: any other four
// digits would be refused as often by chance.

const (
	shortestName   = 3 // stands alone
	shortestInside = 4 // anywhere
)

// within says whether the password contains some of the data.
func (o Own) within(password string) bool {
	p := newCandidate(password)
	for _, name := range append(append([]string{}, o.Names...), mailNames(o.Emails)...) {
		for _, part := range nameParts(name) {
			if p.hasWord([]rune(part)) {
				return true
			}
		}
	}
	for _, w := range dateWords(o.BirthDate) {
		if p.hasWord([]rune(w)) {
			return true
		}
	}
	for _, n := range o.numbers() {
		if p.hasNumber(n) {
			return true
		}
	}
	return false
}

// candidate is a password in the forms in which data is looked for.
type candidate struct {
	forms   []form
	numbers string // digits, signs between them dropped, other characters as spaces
	letters string // letters and digits in lower case
}

// form is one reading of the password. edge[i] says that a word may begin or end before rune i.
type form struct {
	text []rune
	edge []bool
}

func newCandidate(password string) candidate {
	typed := []rune(password)
	lower := make([]rune, len(typed))
	for i, r := range typed {
		lower[i] = unicode.ToLower(r)
	}
	var c candidate
	for _, reading := range typedAs(lower) {
		f := newForm(reading, typed)
		c.forms = append(c.forms, f, f.joined())
	}
	for _, table := range leets {
		s := []rune(unleet(lower, table))
		c.forms = append(c.forms, newForm(s, s)) // lengths may differ: no change of case is seen
	}
	c.numbers = strings.Map(func(r rune) rune {
		switch {
		case '0' <= r && r <= '9':
			return r
		case unicode.IsLetter(r):
			return ' '
		}
		return -1
	}, password)
	c.letters = alphanumeric(password)
	return c
}

func newForm(text, typed []rune) form {
	edge := make([]bool, len(text)+1)
	for i := range edge {
		switch {
		case i == 0, i == len(text), !unicode.IsLetter(text[i]), !unicode.IsLetter(text[i-1]):
			edge[i] = true
		case len(typed) == len(text):
			edge[i] = unicode.IsUpper(typed[i]) && unicode.IsLower(typed[i-1])
		}
	}
	return form{text, edge}
}

// joined drops the signs, as in i-v-a-n or 31.декабря; edges stay where a word or a row of digits ended.
func (f form) joined() form {
	var out form
	for i, r := range f.text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out.text = append(out.text, r)
			out.edge = append(out.edge, f.edge[i])
		}
	}
	out.edge = append(out.edge, true)
	return out
}

// hasWord looks for a lower-case word in every form, spelled in either alphabet.
func (c candidate) hasWord(word []rune) bool {
	if len(word) < shortestName {
		return false
	}
	alone := len(word) < shortestInside
	for _, f := range c.forms {
		for i := range f.text {
			if alone && !f.edge[i] {
				continue
			}
			here := f.text[i:]
			ends := func(n int) bool {
				return n >= shortestName && (n >= shortestInside && !alone || f.edge[i] && f.edge[i+n])
			}
			if spells(here, word, ends) || isLatin(word) && spelledBy(here, word, ends) {
				return true
			}
		}
	}
	return false
}

// spelledBy is the other way round: a prefix of text, in Russian letters, spells the Latin word.
func spelledBy(text, word []rune, done func(int) bool) bool {
	for n := len(word)/2 + 1; n <= len(text) && n <= len(word)+2; n++ {
		if !unicode.Is(unicode.Cyrillic, text[n-1]) {
			return false
		}
		whole := func(used int) bool { return used == len(word) }
		if spells(word, text[:n], whole) && done(n) {
			return true
		}
	}
	return false
}

func isLatin(word []rune) bool {
	for _, r := range word {
		if r > unicode.MaxASCII {
			return false
		}
	}
	return true
}

// hasNumber looks for digits, whatever signs stand between them.
func (c candidate) hasNumber(n string) bool {
	if strings.ContainsFunc(n, unicode.IsLetter) {
		return strings.Contains(c.letters, n)
	}
	return strings.Contains(c.numbers, n)
}

// nameParts splits a double name: both halves and the whole are refused.
func nameParts(name string) []string {
	name = strings.ToLower(name)
	parts := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(parts) > 1 {
		parts = append(parts, strings.Join(parts, ""))
	}
	if strings.Contains(name, "ё") {
		parts = append(parts, nameParts(strings.ReplaceAll(name, "ё", "е"))...)
	}
	return parts
}

// mailNames returns the name parts of e-mail addresses, and of each its words without the digits at the end.
func mailNames(emails []string) []string {
	var names []string
	for _, e := range emails {
		local, _, _ := strings.Cut(e, "@")
		local, _, _ = strings.Cut(local, "+")
		names = append(names, local)
		for _, part := range nameParts(local) {
			names = append(names, strings.TrimRight(part, "0123456789"))
		}
	}
	return names
}

// numbers are the digits that may not stand in the password.
func (o Own) numbers() []string {
	var all []string
	for _, phone := range o.Phones {
		if d := digitsOf(phone); len(d) >= 7 {
			all = append(all, d[len(d)-7:]) // however the code of country and city is written, or left out
		}
	}
	for _, n := range o.Numbers {
		switch d := digitsOf(n); {
		case len(d) == 11: // SNILS: without the check number
			all = append(all, d[:9])
		case strings.ContainsFunc(n, unicode.IsLetter):
			all = append(all, alphanumeric(n))
			fallthrough
		default:
			if len(d) >= 6 { // a document's own number, the series may be left out
				all = append(all, d[len(d)-6:])
			}
		}
	}
	if t, err := time.Parse(time.DateOnly, o.BirthDate); err == nil {
		for _, layout := range []string{
			"02012006", "20060102", "01022006", "020106", "060102", "010206", "212006", "122006", "200612", "2106",
		} {
			if s := t.Format(layout); len(s) >= 6 {
				all = append(all, s)
			}
		}
	}
	return all
}

var monthsRussian = [...]string{"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"}

// dateWords are the spellings of a birth date with the month as a word: day and month are enough.
func dateWords(date string) []string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return nil
	}
	english := strings.ToLower(t.Month().String())
	var words []string
	for _, day := range []string{t.Format("2"), t.Format("02")} {
		words = append(words, day+monthsRussian[t.Month()-1], day+english, english+day, day+english[:3])
	}
	return words
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
}

func alphanumeric(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}
