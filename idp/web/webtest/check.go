package webtest

import (
	"bytes"
	"compress/gzip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"propusk/idp/web"
)

// The budgets of DESIGN.md 2.10, before compression.
const (
	mostPage      = 10 << 10
	mostScript    = 6 << 10
	mostStyle     = 12 << 10
	mostVisit     = 30 << 10
	mostVisitGzip = 12 << 10
)

// Check holds the shots to the rules of DESIGN.md that need no browser.
func Check(t *testing.T, site *web.Site, shots []Shot) {
	t.Helper()
	titles := map[string]string{}
	for _, s := range shots {
		doc, err := html.Parse(strings.NewReader(s.HTML))
		if err != nil {
			t.Fatal(err)
		}
		c := checker{t: t, shot: s, ids: map[string]*html.Node{}}
		c.walk(doc)
		c.rules()
		screen, _, _ := strings.Cut(strings.TrimSuffix(s.Name, "."+string(s.Lang)), "-")
		title := string(s.Lang) + strings.TrimPrefix(strings.TrimPrefix(text(first(c.titles)), "Ошибка: "), "Error: ")
		if other, ok := titles[title]; ok && other != screen {
			t.Errorf("%s: the title %q is that of %s", s.Name, title, other)
		}
		titles[title] = screen
		budget(t, site, s)
	}
	if len(shots) > 0 {
		assetBudget(t, site, shots[0])
	}
}

func assetBudget(t *testing.T, site *web.Site, s Shot) {
	t.Helper()
	for _, path := range hashed.FindAllString(s.HTML, -1) {
		switch file := Asset(t, site, path); {
		case strings.HasSuffix(path, ".js") && len(file) > mostScript:
			t.Errorf("the script has %d bytes, %d are allowed", len(file), mostScript)
		case strings.HasSuffix(path, ".css") && len(file) > mostStyle:
			t.Errorf("the sheet has %d bytes, %d are allowed", len(file), mostStyle)
		}
	}
}

func budget(t *testing.T, site *web.Site, s Shot) {
	t.Helper()
	visit := []byte(s.HTML)
	for _, path := range hashed.FindAllString(s.HTML, -1) {
		visit = append(visit, Asset(t, site, path)...)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(visit)
	_ = z.Close()
	if len(s.HTML) > mostPage && strings.Contains(s.HTML, `id="return"`) {
		t.Errorf("%s: %d bytes, %d are allowed", s.Name, len(s.HTML), mostPage)
	}
	if strings.Contains(s.HTML, `id="return"`) && (len(visit) > mostVisit || packed.Len() > mostVisitGzip) {
		t.Errorf("%s: a first visit is %d bytes, %d compressed; %d and %d are allowed", s.Name, len(visit), packed.Len(), mostVisit, mostVisitGzip)
	}
}

// checker walks one page.
type checker struct {
	t       *testing.T
	shot    Shot
	ids     map[string]*html.Node
	titles  []*html.Node
	h1      []*html.Node
	heads   []int // levels of headings, in order
	labels  []string
	inputs  []*html.Node
	submits []string // ids of submit buttons, in order
	buttons []*html.Node
	links   []string // links within the page
	forms   int
}

func (c *checker) errorf(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("%s: "+format, append([]any{c.shot.Name}, args...)...)
}

func (c *checker) walk(n *html.Node) {
	if n.Type == html.ElementNode {
		c.element(n)
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		c.walk(child)
	}
}

func (c *checker) element(n *html.Node) {
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") || a.Key == "title" || a.Key == "placeholder" || a.Key == "maxlength" {
			c.errorf("<%s> has the attribute %s", n.Data, a.Key)
		}
	}
	if id := attr(n, "id"); id != "" {
		if c.ids[id] != nil {
			c.errorf("the id %s stands twice", id)
		}
		c.ids[id] = n
	}
	switch n.Data {
	case "title":
		c.titles = append(c.titles, n)
	case "h1", "h2", "h3", "h4":
		if n.Data == "h1" {
			c.h1 = append(c.h1, n)
		}
		if attr(n.Parent, "id") != "error-summary" {
			c.heads = append(c.heads, int(n.Data[1]-'0'))
		}
	case "style":
		c.errorf("an inline sheet")
	case "script":
		if attr(n, "src") == "" || n.FirstChild != nil {
			c.errorf("an inline script")
		}
	case "label":
		c.labels = append(c.labels, attr(n, "for"))
	case "form":
		c.forms++
	case "input":
		if attr(n, "type") != "hidden" && !has(n, "hidden") {
			c.inputs = append(c.inputs, n)
		}
	case "button":
		c.buttons = append(c.buttons, n)
		if attr(n, "type") != "button" {
			c.submits = append(c.submits, attr(n, "id"))
		}
	case "a":
		if h := attr(n, "href"); strings.HasPrefix(h, "#") && h != "#" {
			c.links = append(c.links, h[1:])
		}
	}
}

// rules are those of the page as a whole.
func (c *checker) rules() {
	if len(c.h1) != 1 || len(c.titles) != 1 {
		c.errorf("%d h1 and %d titles", len(c.h1), len(c.titles))
		return
	}
	title, wrong := text(c.titles[0]), c.ids["error-summary"] != nil
	if wrong != (strings.HasPrefix(title, "Ошибка: ") || strings.HasPrefix(title, "Error: ")) {
		c.errorf("title %q", title)
	}
	if !strings.Contains(title, text(c.h1[0])+" — ") {
		c.errorf("the title %q does not hold the h1 %q", title, text(c.h1[0]))
	}
	for i := 1; i < len(c.heads); i++ {
		if c.heads[i] > c.heads[i-1]+1 {
			c.errorf("headings skip from h%d to h%d", c.heads[i-1], c.heads[i])
		}
	}
	for _, id := range c.links {
		if c.ids[id] == nil {
			c.errorf("a link to #%s, which is not there", id)
		}
	}
	if i, j := slices.Index(c.submits, "continue"), slices.Index(c.submits, "return"); j >= 0 && i > j {
		c.errorf("#return stands before #continue")
	}
	if c.ids["return"] != nil && c.ids["continue"] == nil {
		c.errorf("a page of a flow without #continue")
	}
	for _, in := range c.inputs {
		c.input(in)
	}
	if wrong {
		c.summary()
	}
}

// autocompletes is the attribute by field (DESIGN.md section 4, point 10).
var autocompletes = map[string]string{
	"login": "username webauthn", "code": "one-time-code", "phone": "tel", "email": "email", "last_name": "family-name",
	"first_name": "given-name", "middle_name": "additional-name", "password_repeat": "new-password",
}

func (c *checker) input(n *html.Node) {
	name, kind := attr(n, "name"), attr(n, "type")
	want := autocompletes[name]
	if name == "password" {
		want = "current-password"
		if step := c.shot.HTML; strings.Contains(step, `data-step="register-password"`) {
			want = "new-password"
		}
	}
	if got := attr(n, "autocomplete"); kind != "checkbox" && kind != "radio" && want != "" && got != want && got != "off" {
		c.errorf("autocomplete of %s = %q, want %q", name, got, want)
	}
	if !slices.Contains(c.labels, attr(n, "id")) && n.Parent.Data != "label" {
		c.errorf("the input %s has no label", name)
	}
	for _, id := range strings.Fields(attr(n, "aria-describedby")) {
		if c.ids[id] == nil {
			c.errorf("%s is described by #%s, which is not there", name, id)
		}
	}
	if has(n, "autofocus") || (kind == "password" || name == "code") && has(n, "value") {
		c.errorf("%s has focus, or a secret came back", name)
	}
}

// summary: its sentence and that at the field are equal.
func (c *checker) summary() {
	box := c.ids["error-summary"]
	if !has(box, "autofocus") || attr(box, "role") != "alert" || attr(box, "tabindex") != "-1" {
		c.errorf("the summary does not take focus")
	}
	for _, a := range all(box, "a") {
		field := strings.TrimPrefix(attr(a, "href"), "#")
		at := c.ids[field+"-error"]
		if at == nil {
			c.errorf("no sentence at the field %s", field)
			continue
		}
		got := strings.TrimPrefix(strings.TrimPrefix(text(at), "Ошибка: "), "Error: ")
		if got != text(a) {
			c.errorf("summary %q, field %q", text(a), got)
		}
	}
	if strings.Contains(text(box), "Проверьте это поле") || strings.Contains(text(box), "Check this field") {
		c.errorf("a code has no text")
	}
}

func first(nodes []*html.Node) *html.Node {
	if len(nodes) == 0 {
		return nil
	}
	return nodes[0]
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

func text(n *html.Node) string {
	if n == nil {
		return ""
	}
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		b.WriteString(text(child))
	}
	return b.String()
}

func all(n *html.Node, name string) []*html.Node {
	var out []*html.Node
	if n.Type == html.ElementNode && n.Data == name {
		out = append(out, n)
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		out = append(out, all(child, name)...)
	}
	return out
}
