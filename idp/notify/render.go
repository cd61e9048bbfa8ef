package notify

import (
	"bytes"
	"html/template"
	"log/slog"
	"net/url"
	"strings"
	"time"
	"unicode"

	"propusk/idp"
)

// Brand is what the words take from the installation. Its zero value but for Issuer is usable.
type Brand struct {
	Issuer    string         // public URL without a slash at its end: IDP_ISSUER
	Name      string         // IDP_BRAND_NAME; empty: Пропуск
	NameEN    string         // IDP_BRAND_NAME_EN; empty: Propusk
	HelpPhone string         // IDP_HELP_PHONE
	Zone      *time.Location // IDP_TIME_ZONE; nil: Moscow
}

// Rendered is a message in words.
type Rendered struct {
	Subject  string // of an e-mail; empty in a text message
	Text     string
	HTML     string // of an e-mail, the same words
	From     string // name of the product, shown as the sender of an e-mail
	Segments int    // parts of a text message
}

// LogValue masks the words.
func (r Rendered) LogValue() slog.Value { return slog.GroupValue(slog.Int("segments", r.Segments)) }

// String is the masked form, for %v and friends.
func (r Rendered) String() string { return "rendered message" }

// GoString is the masked form, for %#v.
func (r Rendered) GoString() string { return r.String() }

// Render puts a message into words in its language; Russian if that is unknown. Error: Permanent, where the message lacks a
// member that its text needs or there is no such text.
func Render(m Message, b Brand) (Rendered, error) {
	if m.Lang != idp.English {
		m.Lang = idp.Russian
	}
	if err := m.check(); err != nil {
		return Rendered{}, err
	}
	switch m.Channel {
	case SMS:
		text := smsWords(m, b)
		_, n := length(text)
		return Rendered{Text: text, Segments: n}, nil
	case Letter:
		w := m.wordsOf()
		return Rendered{Subject: w.subject, Text: strings.Join(paragraphs(w.body, m, b), "\n\n") + "\n", From: b.name(m.Lang)}, nil
	default:
		return renderMail(m, b), nil
	}
}

// check refuses a message whose words would have a hole.
func (m Message) check() error {
	words := strings.Join(m.wordsOf().body, " ")
	if m.Channel == SMS {
		words = smsText[m.Kind][m.Lang]
	}
	needsLink, needsEnd := m.needs()
	if strings.Contains(words, "{date}") || strings.Contains(words, "{day_until}") {
		needsEnd = true
	}
	switch {
	case words == "":
		return fail(Permanent, "", "no text for this kind and channel")
	case m.To == "":
		return fail(Permanent, "", "message without an address")
	case m.Code == "" && strings.Contains(words, "{code}"):
		return fail(Permanent, "", "message without its code")
	case m.Link == "" && needsLink:
		return fail(Permanent, "", "message without its link")
	case m.Until == 0 && needsEnd:
		return fail(Permanent, "", "message without its end")
	}
	return nil
}

// needs tells which e-mails make no sense without a link of their own, or without a date. Other notices lead to /stop.
func (m Message) needs() (link, end bool) {
	if m.Channel != Email {
		return false, false
	}
	switch m.Kind {
	case Registration, Recovery, NewContact, CopyReady, CertificateExpiring:
		return true, true
	case DeliveriesFailing:
		return true, false
	case NumberClaimed:
		return false, true
	}
	return false, false
}

func smsWords(m Message, b Brand) string {
	text := b.words(m).Replace(smsText[m.Kind][m.Lang])
	if !bindsToHost(m.Kind) {
		return text
	}
	bound := text + bindingLine(b.host(), m.Code)
	if _, n := length(bound); n > 1 {
		return text
	}
	return bound
}

// block is a paragraph of an e-mail: a link of its own, or words with the code among them.
type block struct {
	Link                string
	Before, Code, After string
}

var mailPage = template.Must(template.New("mail").Parse(`<!DOCTYPE html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Subject}}</title></head>
<body style="margin:0;padding:24px;background:#ffffff;color:#1c2321;font:17px/1.5 Arial,sans-serif"><div style="max-width:30em;margin:0 auto">
{{range .Blocks}}{{if .Link}}<p style="word-break:break-all"><a href="{{.Link}}" style="color:#0f5c4d">{{.Link}}</a></p>
{{else}}<p>{{.Before}}{{if .Code}}<strong style="font-size:1.2em;letter-spacing:.1em">{{.Code}}</strong>{{end}}{{.After}}</p>
{{end}}{{end}}{{with .Footer}}<hr style="border:0;border-top:1px solid #77827e"><p style="color:#55605c;font-size:.85em">{{.}}</p>
{{end}}</div></body></html>
`))

func renderMail(m Message, b Brand) Rendered {
	words := m.wordsOf()
	text := paragraphs(words.body, m, b)
	page := struct {
		Lang, Subject, Footer string
		Blocks                []block
	}{Lang: string(m.Lang), Subject: words.subject}
	for _, p := range text {
		page.Blocks = append(page.Blocks, blockOf(p, m.Code))
	}
	if !words.stranger {
		page.Footer = b.words(m).Replace(mailFooter[m.Lang])
		text = append(text, "-- \n"+page.Footer)
	}
	var html bytes.Buffer
	if err := mailPage.Execute(&html, page); err != nil {
		panic("notify: e-mail page: " + err.Error()) // a buffer takes everything and the page is fixed
	}
	return Rendered{Subject: words.subject, Text: strings.Join(text, "\n\n") + "\n", HTML: html.String(), From: b.name(m.Lang)}
}

func blockOf(p, code string) block {
	if (strings.HasPrefix(p, "https://") || strings.HasPrefix(p, "http://")) && !strings.ContainsAny(p, " \n") {
		return block{Link: p}
	}
	if before, after, found := strings.Cut(p, code); found && code != "" {
		return block{Before: before, Code: code, After: after}
	}
	return block{Before: p}
}

// paragraphs fills the placeholders. A paragraph whose placeholder has no value is left out, so that every text says only
// what is known; {details} becomes a paragraph for each line.
func paragraphs(body []string, m Message, b Brand) []string {
	var out []string
	words := b.words(m)
	empty := map[string]bool{"{until}": m.Until == 0, "{device}": m.Device == "",
		"{service}": m.Service == "", "{name}": m.Name == "", "{help}": b.HelpPhone == ""}
next:
	for _, p := range body {
		if p == "{details}" {
			for _, line := range m.Details {
				out = append(out, oneLine(line, 400))
			}
			continue
		}
		for placeholder, missing := range empty {
			if missing && strings.Contains(p, placeholder) {
				continue next
			}
		}
		out = append(out, words.Replace(p))
	}
	return out
}

// words is the replacer of all placeholders.
func (b Brand) words(m Message) *strings.Replacer {
	at, until := time.Unix(m.At, 0).In(b.zone()), time.Unix(m.Until, 0).In(b.zone())
	link := m.Link
	if link == "" {
		link = "/stop"
	}
	if strings.HasPrefix(link, "/") {
		link = b.Issuer + link
	}
	return strings.NewReplacer("{code}", m.Code, "{host}", b.host(), "{issuer}", b.Issuer, "{brand}", b.name(m.Lang), "{link}", link,
		"{day}", at.Format("02.01"), "{clock}", at.Format("15:04"), "{date}", until.Format("02.01.2006"),
		"{at}", whenAt(at, m.Lang), "{until}", whenUntil(until, m.Lang), "{day_until}", dayOf(until, m.Lang),
		"{device}", oneLine(m.Device, 80), "{service}", oneLine(m.Service, 150), "{name}", oneLine(m.Name, 200), "{help}", b.HelpPhone)
}

func (b Brand) host() string {
	u, err := url.Parse(b.Issuer)
	if err != nil {
		return ""
	}
	return u.Host
}

func (b Brand) name(lang idp.Language) string {
	switch {
	case lang == idp.English && b.NameEN != "":
		return b.NameEN
	case lang == idp.English:
		return "Propusk"
	case b.Name != "":
		return b.Name
	}
	return "Пропуск"
}

var moscow = time.FixedZone("MSK", 3*60*60)

func (b Brand) zone() *time.Location {
	if b.Zone == nil {
		return moscow
	}
	return b.Zone
}

var months = [12]string{"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"}

func dayOf(t time.Time, lang idp.Language) string {
	if lang == idp.English {
		return t.Format("2 January 2006")
	}
	return t.Format("2 ") + months[t.Month()-1] + t.Format(" 2006")
}

// whenAt is «22 ноября 2026 в 14:30 (мск)», for what happened.
func whenAt(t time.Time, lang idp.Language) string {
	if lang == idp.English {
		return dayOf(t, lang) + " at " + t.Format("15:04") + " (" + zoneMark(t, lang) + ")"
	}
	return dayOf(t, lang) + " в " + t.Format("15:04") + " (" + zoneMark(t, lang) + ")"
}

// whenUntil is «25 ноября 2026, 14:30 (мск)», for an end.
func whenUntil(t time.Time, lang idp.Language) string {
	return dayOf(t, lang) + ", " + t.Format("15:04") + " (" + zoneMark(t, lang) + ")"
}

// zoneMark is «мск» for Moscow; other zones of Russia have no letters in the zone database (+05) and become UTC+5.
func zoneMark(t time.Time, lang idp.Language) string {
	name := t.Format("MST")
	if name == "MSK" && lang == idp.Russian {
		return "мск"
	}
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		return "UTC" + strings.Replace(strings.Replace(name, "+0", "+", 1), "-0", "-", 1)
	}
	return name
}

// oneLine keeps what others named (a device, a portal) from breaking out of its line: control letters become spaces, and
// more than limit letters are cut.
func oneLine(s string, limit int) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
	letters := []rune(strings.Join(strings.Fields(clean), " "))
	if len(letters) > limit {
		return string(letters[:limit-1]) + "…"
	}
	return string(letters)
}
