package authn

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Common passwords are found by undoing what people do to a common word, not by a list of all results: some thousand
// roots stand for tens of millions of passwords. A password is common if all of it is one root and decoration; a
// root within something longer is fine ("Tiger" + eight more random letters).

//go:embed common.txt
var commonText string

// commonRoots holds the words of common.txt as they are and their skeletons.
type commonRoots struct {
	words     map[string]bool
	skeletons map[string]bool
	longest   int // runes
}

var roots = sync.OnceValue(func() commonRoots {
	c := commonRoots{words: map[string]bool{}, skeletons: map[string]bool{}}
	for line := range strings.Lines(commonText) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, w := range strings.Fields(line) {
			c.words[w] = true
			c.longest = max(c.longest, utf8.RuneCountInString(w))
			for _, form := range []string{w, strings.ReplaceAll(w, "ё", "е")} {
				if s := skeleton(lettersOf(form)); utf8.RuneCountInString(s) >= shortestRoot {
					c.skeletons[s] = true
				}
			}
		}
	}
	return c
})

const (
	shortestRoot = 3
	// maxDecoration is how many digits and signs around a root make it no better: a year with a sign on each side and two
	// more. Longer decoration counts if it is a pattern itself.
	maxDecoration = 8
	// maxPatternCost is the number of independent pieces up to which a password is a run of keys: see patternCost.
	maxPatternCost = 4
	// longestUnit is up to how many characters a repetition of one thing counts as no better than the thing.
	longestUnit = 6
)

// isCommon says whether the password is a disguised common word or a run or repetition of keys.
func isCommon(password string) bool {
	s := []rune(strings.ToLower(password))
	if len(s) > longestPassword {
		return false
	}
	if patternCost(s) <= maxPatternCost {
		return true
	}
	for _, form := range [][]rune{s, []rune(alphanumeric(password))} { // with and without the signs between
		if unit := repeated(form); len(unit) < len(form) && len(unit) <= longestUnit {
			return true
		}
	}
	return decorated(s)
}

// decorated takes away more and more digits and signs from both ends and asks whether a root is left.
func decorated(s []rune) bool {
	notLetter := func(r rune) bool { return !unicode.IsLetter(r) }
	head := len(s) - len([]rune(strings.TrimLeftFunc(string(s), notLetter)))
	tail := len(s) - len([]rune(strings.TrimRightFunc(string(s), notLetter)))
	if head == len(s) {
		head, tail = 0, 0
	}
	for i := 0; i <= min(head, maxDecoration); i++ {
		for j := 0; j <= min(tail, maxDecoration-i); j++ {
			if isRoot(s[i : len(s)-j]) {
				return true
			}
		}
	}
	decoration := slices.Concat(s[:head], s[len(s)-tail:])
	return len(decoration) > maxDecoration && patternCost(decoration) < maxPatternCost && isRoot(s[head:len(s)-tail])
}

// isRoot undoes layout, digits for letters, signs between letters, repetition and transliteration.
func isRoot(middle []rune) bool {
	if len(middle) > 4*roots().longest {
		return false
	}
	for _, typed := range typedAs(middle) {
		forms := []string{string(typed)}
		for _, table := range leets {
			forms = append(forms, unleet(typed, table))
		}
		for i, form := range forms {
			if i > 0 || hasSigns(form) {
				form = lettersOf(form)
			}
			if knownRoot(form) {
				return true
			}
		}
	}
	return false
}

func hasSigns(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func knownRoot(form string) bool {
	word := repeated([]rune(form))
	c := roots()
	if len(word) < shortestRoot || len(word) > c.longest+4 {
		return false
	}
	if c.words[string(word)] {
		return true
	}
	letters := lettersOf(string(word))
	for _, x := range []string{letters, strings.ReplaceAll(letters, "x", "kh")} { // alex, xorosho
		if s := skeleton(x); utf8.RuneCountInString(s) >= shortestRoot && c.skeletons[s] {
			return true
		}
	}
	return false
}

// repeated returns the shortest unit of which s is a repetition, s itself if it is none.
func repeated(s []rune) []rune {
	for n := 1; n <= len(s)/2; n++ {
		if len(s)%n == 0 && string(s[n:]) == string(s[:len(s)-n]) {
			return s[:n]
		}
	}
	return s
}

// Tracks are sequences that fingers and tongues follow, one way or the other; Latin keys stand for both layouts. Three keys
// along a straight one are a run: rows and columns of the keyboard, digits, alphabets. Of a crooked one it takes
// four, since three are often met by chance.
var (
	straight = bothWays(
		"1234567890-=", "0123456789", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./",
		"1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol.", "0p;/",
		"abcdefghijklmnopqrstuvwxyz", "абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "абвгдежзиклмнопрст",
	)
	crooked = bothWays(
		"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/", "qazwsxedcrfvtgbyhnujmik,ol.p;/", "zaq1xsw2cde3vfr4bgt5nhy6mju7",
		"1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "qawsedrftgyhujikolp", "1a2b3c4d5e6f", "a1b2c3d4e5f6",
	)
)

func bothWays(tracks ...string) []string {
	all := slices.Clone(tracks)
	for _, t := range tracks {
		r := []rune(t)
		slices.Reverse(r)
		all = append(all, string(r))
	}
	return all
}

var shifted = layoutMap(`!@#$%^&*()_+{}|:"<>?`, `1234567890-=[]\;',./`)

// patternCost counts the pieces of which the text is made: a run of keys along a track is one piece, a
// repetition of what stood before is one, and each other character is one. Layout and shift make no difference.
func patternCost(s []rune) int {
	keys := mapped(mapped(s, toLatin), shifted)
	readings := [][]rune{s, keys, mapped(s, toRussian)}
	cost := make([]int, len(s)+1)
	for i := range cost[1:] {
		cost[i+1] = len(s)
	}
	for i := range s {
		reach := max(runFrom(readings, i), copyFrom(keys, i))
		cost[i+1] = min(cost[i+1], cost[i]+1)
		for n := 2; n <= reach; n++ {
			cost[i+n] = min(cost[i+n], cost[i]+1)
		}
	}
	return cost[len(s)]
}

// runFrom returns the length of the longest run that begins at i, 0 if there is none.
func runFrom(readings [][]rune, i int) int {
	longest := 0
	for _, r := range readings {
		longest = max(longest, along(straight, r[i:], 3), along(crooked, r[i:], 4))
	}
	return longest
}

// along returns how many keys follow one of the tracks, 0 if fewer than least.
func along(tracks []string, keys []rune, least int) int {
	n := least
	for n <= len(keys) && slices.ContainsFunc(tracks, func(t string) bool { return strings.Contains(t, string(keys[:n])) }) {
		n++
	}
	if n == least {
		return 0
	}
	return n - 1
}

// copyFrom returns how many keys from i on repeat what stood some keys before: at least 3, or 2 of the very same key, or 0.
func copyFrom(keys []rune, i int) int {
	longest := 0
	for back := 1; back <= i && back <= 32; back++ {
		n := 0
		for i+n < len(keys) && keys[i+n] == keys[i+n-back] {
			n++
		}
		if n >= 3 || back == 1 && n == 2 {
			longest = max(longest, n)
		}
	}
	return longest
}
