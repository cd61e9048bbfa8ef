package web

import (
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"propusk/idp"
)

// Args are the values of a text's named placeholders: a string (escaped), template.HTML (as it is) or a Text (in the same language).
type Args map[string]any

// Text names a text of the catalogue and the values of its placeholders. The zero Text is empty.
type Text struct {
	Key  string
	Args Args
}

// Say is a Text without placeholders.
func Say(key string) Text { return Text{Key: key} }

// catalogue holds every text under its key, in both languages.
type catalogue map[string]map[idp.Language]string

// load adds the texts of a face: {"key": {"ru": "...", "en": "..."}}, in any number of files texts/*.json. A key stands once.
func (c catalogue) load(files fs.FS) error {
	names, err := fs.Glob(files, "texts/*.json")
	if err != nil {
		return err
	}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		var texts map[string]map[idp.Language]string
		if err := json.Unmarshal(data, &texts); err != nil {
			return fmt.Errorf("%s: %w", path.Base(name), err)
		}
		for key, both := range texts {
			if _, ok := c[key]; ok {
				return fmt.Errorf("%s: the text %q stands twice", path.Base(name), key)
			}
			if both[idp.Russian] == "" || both[idp.English] == "" {
				return fmt.Errorf("%s: the text %q lacks a language", path.Base(name), key)
			}
			c[key] = both
		}
	}
	return nil
}

var (
	placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)
	link        = regexp.MustCompile(`\[([^\]]+)\]\(([a-z_]+)\)`)
	bold        = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	whole       = regexp.MustCompile(`__([^_]+)__`)
	tag         = regexp.MustCompile(`<[^>]*>`)
)

// html gives a text as HTML: **bold**, __not broken between lines__, [words](name) as a link to the address that the placeholder name holds, {name} as its value.
func (c catalogue) html(lang idp.Language, t Text) (template.HTML, error) {
	if t.Key == "" {
		return "", nil
	}
	both, ok := c[t.Key]
	if !ok {
		return "", fmt.Errorf("no text %q", t.Key)
	}
	out, err := markUp(both[lang], func(name string) (string, error) { return c.value(lang, t.Args[name]) })
	if err != nil {
		err = fmt.Errorf("text %q: %w", t.Key, err)
	}
	return out, err
}

// markUp makes HTML of a text; value gives the HTML of a placeholder.
func markUp(text string, value func(name string) (string, error)) (template.HTML, error) {
	var fail error
	get := func(name string) string {
		v, err := value(name)
		if err != nil && fail == nil {
			fail = fmt.Errorf("{%s}: %w", name, err)
		}
		return v
	}
	out := html.EscapeString(text)
	out = bold.ReplaceAllString(out, "<b>$1</b>")
	out = whole.ReplaceAllString(out, `<span class="nb">$1</span>`)
	out = link.ReplaceAllStringFunc(out, func(m string) string {
		part := link.FindStringSubmatch(m)
		return `<a href="` + get(part[2]) + `">` + part[1] + `</a>`
	})
	out = placeholder.ReplaceAllStringFunc(out, func(m string) string { return get(m[1 : len(m)-1]) })
	return template.HTML(out), fail
}

func (c catalogue) value(lang idp.Language, v any) (string, error) {
	switch v := v.(type) {
	case string:
		return html.EscapeString(v), nil
	case template.HTML:
		return string(v), nil
	case Text:
		h, err := c.html(lang, v)
		return string(h), err
	case int, int64:
		return fmt.Sprint(v), nil
	default:
		return "", fmt.Errorf("no value (%T)", v)
	}
}

// plain gives a text without marks, for titles, attributes and messages.
func (c catalogue) plain(lang idp.Language, t Text) (string, error) {
	h, err := c.html(lang, t)
	return html.UnescapeString(tag.ReplaceAllString(string(h), "")), err
}

// has tells whether there is such a text.
func (c catalogue) has(key string) bool { _, ok := c[key]; return ok }

// textFunc is the function t of templates: {{t "key" "name" value ...}}, or {{t .SomeText}}.
func (c catalogue) textFunc(lang idp.Language) func(any, ...any) (template.HTML, error) {
	return func(what any, pairs ...any) (template.HTML, error) {
		if t, ok := what.(Text); ok {
			return c.html(lang, t)
		}
		args := Args{}
		for i := 0; i+1 < len(pairs); i += 2 {
			args[fmt.Sprint(pairs[i])] = pairs[i+1]
		}
		return c.html(lang, Text{fmt.Sprint(what), args})
	}
}

// raw gives a text with its placeholders left, for the script to fill.
func (c catalogue) raw(lang idp.Language) func(string) (string, error) {
	return func(key string) (string, error) {
		both, ok := c[key]
		if !ok {
			return "", fmt.Errorf("no text %q", key)
		}
		return both[lang], nil
	}
}

// Text gives a text of the catalogue without marks, for messages and titles. A missing key or value is an error of the program:
// the key itself is returned.
func (s *Site) Text(lang idp.Language, key string, args Args) string {
	out, err := s.texts.plain(lang, Text{key, args})
	if err != nil {
		return key
	}
	return strings.TrimSpace(out)
}
