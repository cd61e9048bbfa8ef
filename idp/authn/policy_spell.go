package authn

import (
	"slices"
	"strings"
	"unicode"
)

// Ways in which people disguise a word in a password: the other keyboard layout, digits for letters, the other alphabet.
// All functions take lower-case text.

// The keys of a keyboard in both layouts, the shifted signs of the Latin one after them.
const (
	keysLatin   = "`qwertyuiop[]asdfghjkl;'zxcvbnm,." + `~{}:"<>`
	keysRussian = "ёйцукенгшщзхъфывапролджэячсмитьбю" + `ёхъжэбю`
)

var (
	toRussian = layoutMap(keysLatin, keysRussian)
	toLatin   = layoutMap(keysRussian[:len("ёйцукенгшщзхъфывапролджэячсмитьбю")], keysLatin)
)

func layoutMap(from, to string) map[rune]rune {
	m := map[rune]rune{}
	target := []rune(to)
	for i, r := range []rune(from) {
		m[r] = target[i]
	}
	return m
}

// mapped replaces each letter that the table knows.
func mapped(s []rune, table map[rune]rune) []rune {
	out := make([]rune, len(s))
	for i, r := range s {
		out[i] = r
		if to, ok := table[r]; ok {
			out[i] = to
		}
	}
	return out
}

// typedAs returns what was typed and what the same keys give in the other layout, both ways.
func typedAs(s []rune) [][]rune { return [][]rune{s, mapped(s, toRussian), mapped(s, toLatin)} }

// Digits and signs in place of letters. The second table reads 1 as l, the third as people who write Russian in Latin
// letters do (devo4ka, ko6ka, ma9k); there several letters stand for one digit.
var leets = []map[rune]string{
	{'0': "o", '1': "i", '3': "e", '4': "a", '5': "s", '6': "b", '7': "t", '8': "b", '9': "g", '@': "a", '$': "s", '!': "i", '+': "t", '|': "l"},
	{'0': "o", '1': "l", '3': "e", '4': "a", '5': "s", '6': "g", '7': "t", '8': "b", '9': "g", '@': "a", '$': "s", '!': "l", '(': "c", '€': "e"},
	{'0': "o", '1': "i", '3': "z", '4': "ch", '6': "sh", '8': "v", '9': "ya", '@': "a", '$': "s", '!': "i"},
	{'0': "о", '3': "з", '4': "ч", '6': "б", '8': "в", '@': "а", '1': "и"},
}

func unleet(s []rune, table map[rune]string) string {
	var b strings.Builder
	for _, r := range s {
		if to, ok := table[r]; ok {
			b.WriteString(to)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// lettersOf drops everything but letters.
func lettersOf(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, s)
}

// spellings are the usual Latin spellings of the Russian letters: passport, telegram, chat and mixtures of them.
// The first one is the plainest. An empty string means that the letter may be left out.
var spellings = map[rune][]string{
	'а': {"a"}, 'б': {"b"}, 'в': {"v", "w"}, 'г': {"g", "h"}, 'д': {"d"}, 'е': {"e", "ye", "je", "ie"},
	'ё': {"yo", "e", "jo", "io", "o", "ye"}, 'ж': {"zh", "j", "z", "g"}, 'з': {"z"}, 'и': {"i", "y", "ee"},
	'й': {"y", "i", "j", ""}, 'к': {"k", "c", "ck"}, 'л': {"l"}, 'м': {"m"}, 'н': {"n"}, 'о': {"o"},
	'п': {"p"}, 'р': {"r"}, 'с': {"s", "c", "ss"}, 'т': {"t"}, 'у': {"u", "oo", "ou"},
	'ф': {"f", "ph"}, 'х': {"kh", "h", "x", "ch"}, 'ц': {"ts", "c", "tc", "tz", "cz"}, 'ч': {"ch", "4", "tch", "c"},
	'ш': {"sh", "6", "s", "w"}, 'щ': {"shch", "sch", "shh", "sh", "w"}, 'ъ': {"", "'", "ie", "`"},
	'ы': {"y", "i", "bi"}, 'ь': {"", "'", "`", "i", "y"}, 'э': {"e", "je"}, 'ю': {"yu", "ju", "iu", "u"}, 'я': {"ya", "ja", "ia", "9", "a"},
}

// pairs are two letters that have a spelling of their own.
var pairs = map[string][]string{
	"кс": {"x", "ks"}, "дж": {"j", "g", "dzh", "dj"}, "ий": {"y", "iy", "ii", "ij", "i"}, "ый": {"y", "yi", "yj", "iy", "i"},
	"ия": {"ia", "iya", "ija", "ya"}, "ья": {"ia", "ya", "ja"},
}

// spells asks for each length that a prefix of text has which spells all of word, until done accepts one. Letters without
// a spelling, Latin ones and digits among them, stand for themselves. Only the first longestWord letters are looked at.
// The set of lengths grows with each letter instead of a search that goes back: a name may be ьььь.
func spells(text, word []rune, done func(length int) bool) bool {
	word = word[:min(len(word), longestWord)]
	ends := make([][]int, len(word)+2) // the lengths that spell the first k letters
	ends[0] = []int{0}
	for k := range word {
		for _, from := range ends[k] {
			ends[k+1] = advance(ends[k+1], text, from, spellings[word[k]])
			ends[k+1] = advance(ends[k+1], text, from, []string{string(word[k])})
			if k+1 < len(word) {
				ends[k+2] = advance(ends[k+2], text, from, pairs[string(word[k:k+2])])
			}
		}
	}
	return slices.ContainsFunc(ends[len(word)], done)
}

const longestWord = 20

// advance adds the lengths at which one of the options ends that begin at from.
func advance(ends []int, text []rune, from int, options []string) []int {
options:
	for _, o := range options {
		end := from
		for _, r := range o {
			if end == len(text) || text[end] != r {
				continue options
			}
			end++
		}
		if !slices.Contains(ends, end) {
			ends = append(ends, end)
		}
	}
	return ends
}

// plain is the plainest Latin spelling of Russian text.
func plain(s string) string {
	var b strings.Builder
	for _, r := range s {
		if to, ok := spellings[r]; ok {
			b.WriteString(to[0])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// The steps of skeleton: letters that several schemes of transliteration write differently become one.
var (
	sameSound = strings.NewReplacer("shch", "š", "sch", "š", "shh", "š", "sh", "š", "zh", "ž", "kh", "h", "tch", "č", "ch", "č",
		"ts", "c", "tz", "c", "tc", "c", "ph", "f", "ck", "k", "x", "ks", "w", "v", "q", "k", "oo", "u", "ee", "i")
	oneI = strings.NewReplacer("y", "i", "j", "i")
)

// skeleton brings a word, Russian or Latin, to a form that is equal for all usual spellings of it.
func skeleton(word string) string {
	s := []rune(oneI.Replace(sameSound.Replace(plain(word))))
	out := s[:0]
	for i, r := range s {
		next := strings.TrimLeft(string(s[i:]), "i")
		beforeVowel := r == 'i' && next != "" && strings.Contains("aeou", next[:1])
		if beforeVowel || len(out) > 0 && out[len(out)-1] == r {
			continue // ya, ja, ia, iya = a; double letters are one
		}
		out = append(out, r)
	}
	return string(out)
}
