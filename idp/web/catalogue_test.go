package web

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"propusk/idp"
)

// everyText reads the texts of every face from the sources.
func everyText(t *testing.T) catalogue {
	t.Helper()
	all := catalogue{}
	faces, err := filepath.Glob("../*/texts")
	if err != nil || len(faces) == 0 {
		t.Fatal("no texts", err)
	}
	for _, dir := range faces {
		if err := all.load(os.DirFS(filepath.Dir(dir))); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// everySource is the text of every template and every Go file of idp.
func everySource(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || (!strings.HasSuffix(path, ".go") || path == "web/catalogue_test.go") && !strings.Contains(path, "templates/") {
			return err
		}
		data, err := os.ReadFile(filepath.Join("..", path))
		b.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEveryTextIsUsedAndEveryUseHasAText(t *testing.T) {
	texts, source := everyText(t), everySource(t)
	for key := range texts {
		if code, ok := strings.CutPrefix(key, "error."); ok {
			if !errorUsed(source, code) {
				t.Errorf("no error has the code of the text %q", key)
			}
			continue
		}
		if !strings.Contains(source, `"`+key+`"`) {
			t.Errorf("the text %q is not used", key)
		}
	}
	used := regexp.MustCompile(`(?:\{\{|\(|\{)(?:t|raw) "([^"]+)"|Say\("([^"]+)"\)|Text\{Key: "([^"]+)"`)
	for _, m := range used.FindAllStringSubmatch(source, -1) {
		if key := m[1] + m[2] + m[3]; !texts.has(key) && key != "key" { // "key" is the example of a comment
			t.Errorf("there is no text %q", key)
		}
	}
}

// errorUsed tells whether a code is raised somewhere or shown in the gallery, by itself or with a field or a variant after it.
func errorUsed(source, code string) bool {
	for _, form := range []string{code, code[:max(strings.LastIndexByte(code, '.'), 0)]} {
		if form != "" && (strings.Contains(source, `"`+form+`"`) || strings.Contains(source, " "+form+`"`) || strings.Contains(source, " "+form+" ")) {
			return true
		}
	}
	return strings.Contains(source, `"`+code[strings.IndexByte(code, '.')+1:]+`"`)
}

func TestPlaceholdersOfBothLanguagesAreEqual(t *testing.T) {
	for key, both := range everyText(t) {
		names := func(lang idp.Language) string {
			found := placeholder.FindAllString(both[lang], -1)
			for _, l := range link.FindAllStringSubmatch(both[lang], -1) {
				found = append(found, l[2])
			}
			slices.Sort(found)
			return fmt.Sprint(found)
		}
		if names(idp.Russian) != names(idp.English) {
			t.Errorf("%s: %s and %s", key, names(idp.Russian), names(idp.English))
		}
	}
}

var forbidden = map[idp.Language]*regexp.Regexp{
	idp.Russian: regexp.MustCompile(`(?i)пожалуйста|извините|недопустим|некорректн|неверный формат|успешно|необходимо|осуществ|данн(ая|ой|ую) страниц|госуслуг|есиа|\bВы\b|\bВас\b`),
	idp.English: regexp.MustCompile(`(?i)\bplease\b|\bsorry\b|\binvalid\b|\billegal\b|\bsuccessfully\b|gosuslugi|\besia\b`),
}

func TestTextsKeepToTheVoice(t *testing.T) {
	sentences := regexp.MustCompile(`[.!?] `)
	for key, both := range everyText(t) {
		for lang, s := range both {
			if word := forbidden[lang].FindString(s); word != "" {
				t.Errorf("%s: %q is not used", key, word)
			}
			for _, sentence := range sentences.Split(s, -1) {
				if n := utf8.RuneCountInString(sentence); n > 140 {
					t.Errorf("%s: a sentence of %d characters", key, n)
				}
			}
			if n := utf8.RuneCountInString(s); strings.Contains(key, ".h1") && n > 60 {
				t.Errorf("%s: a heading of %d characters", key, n)
			}
			if strings.ContainsAny(s, "\"<>") || s != strings.TrimSpace(s) {
				t.Errorf("%s: %q has straight quotes, a tag or a space at its end", key, s)
			}
		}
	}
}

// TestButtonsAreShort: the main button has up to 3 words, others up to 5.
func TestButtonsAreShort(t *testing.T) {
	texts := everyText(t)
	button := regexp.MustCompile(`<(?:button|a) class="(button|link)[^>]*>((?:\{\{(?:if|else|end|t)[^}]*\}\}|\s)+)<`)
	key := regexp.MustCompile(`t "([^"]+)"`)
	for _, m := range button.FindAllStringSubmatch(everySource(t), -1) {
		for _, k := range key.FindAllStringSubmatch(m[2], -1) {
			most := 5
			if m[1] == "button" {
				most = 4 // «В кабинет» is "Go to my account" in DESIGN.md
			}
			for lang, s := range texts[k[1]] {
				if n := len(strings.Fields(s)); n > most {
					t.Errorf("%s (%s): the button %q has %d words", k[1], lang, s, n)
				}
			}
		}
	}
}

func TestAKeyStandsOnce(t *testing.T) {
	data, _ := json.Marshal(map[string]map[string]string{"a": {"ru": "а", "en": "a"}})
	c := catalogue{}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "texts"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x.json", "y.json"} {
		if err := os.WriteFile(filepath.Join(dir, "texts", name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.load(os.DirFS(dir)); err == nil {
		t.Error("a key stood twice, and nothing was said")
	}
}

func TestValuesAreEscaped(t *testing.T) {
	c := catalogue{"k": {idp.Russian: "**{name}** и [сюда](url)", idp.English: "x"}}
	got, err := c.html(idp.Russian, Text{"k", Args{"name": `<i>"`, "url": "/a?b&c"}})
	if want := `<b>&lt;i&gt;&#34;</b> и <a href="/a?b&amp;c">сюда</a>`; err != nil || string(got) != want {
		t.Errorf("got = %s, %v, want %s", got, err, want)
	}
	if _, err := c.html(idp.Russian, Text{"k", Args{"name": "x"}}); err == nil {
		t.Error("a value was missing, and nothing was said")
	}
}
