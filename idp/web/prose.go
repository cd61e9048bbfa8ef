package web

import (
	"fmt"
	"html"
	"html/template"
	"strings"
)

// Block is one piece of a long text: a heading (h2, with the id of its anchor), a paragraph (p) or a list (ul).
type Block struct {
	Kind  string
	ID    string
	Text  template.HTML
	Items []template.HTML
}

// Prose reads a long text: blocks parted by empty lines; "# Heading {#id}", "- item" lines, else a paragraph. Marks and placeholders
// are those of the catalogue.
func Prose(source string, args Args) ([]Block, error) {
	var out []Block
	for part := range strings.SplitSeq(strings.TrimSpace(strings.ReplaceAll(source, "\r", "")), "\n\n") {
		b, err := proseBlock(strings.TrimSpace(part), args)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func proseBlock(part string, args Args) (Block, error) {
	if heading, ok := strings.CutPrefix(part, "# "); ok {
		words, id, _ := strings.Cut(heading, " {#")
		return Block{Kind: "h2", ID: strings.TrimSuffix(id, "}"), Text: template.HTML(html.EscapeString(words))}, nil
	}
	items, list := strings.CutPrefix(part, "- ")
	if !list {
		text, err := mark(strings.Join(strings.Fields(part), " "), args)
		return Block{Kind: "p", Text: text}, err
	}
	b := Block{Kind: "ul"}
	for item := range strings.SplitSeq(items, "\n- ") {
		text, err := mark(strings.Join(strings.Fields(item), " "), args)
		if err != nil {
			return b, err
		}
		b.Items = append(b.Items, text)
	}
	return b, nil
}

// mark makes HTML of a sentence of prose.
func mark(s string, args Args) (template.HTML, error) {
	return markUp(s, func(name string) (string, error) {
		if v, ok := args[name].(string); ok {
			return html.EscapeString(v), nil
		}
		return "", fmt.Errorf("no value of {%s}", name)
	})
}
