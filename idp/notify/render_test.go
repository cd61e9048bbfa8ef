package notify

import (
	"errors"
	"fmt"
	"html"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"propusk/idp"
)

const host16 = "id.primersk45.ru" // the longest host for which every code carries its last line (DESIGN.md 6.1)

var (
	brand16 = Brand{Issuer: "https://" + host16}
	atTest  = time.Date(2026, 11, 22, 11, 30, 0, 0, time.UTC).Unix() // 14:30 in Moscow
	kinds   = map[Channel][]Kind{SMS: sortedKinds(), Email: mailKinds(), Letter: {ActivationCode}}
)

func mailKinds() []Kind {
	var all []Kind
	for k := range proofText {
		all = append(all, k)
	}
	for k := range noticeText {
		all = append(all, k)
	}
	return all
}

// full is a message of which every member has a value, as long as it gets.
func full(k Kind, c Channel, lang idp.Language) Message {
	m := Message{Kind: k, Channel: c, To: "+79123456789", Lang: lang, Reference: "job-1", At: atTest, Code: "482913", Link: "/confirm/PLANTEDLINK",
		Until: atTest + 72*3600, Device: "Chrome, Windows", Service: "Портал обращений", Name: "Иванова Анна Петровна", Details: []string{"Ключ доступа."}}
	if c == Email {
		m.To = "ivan@example.ru"
	}
	return m
}

func render(t *testing.T, m Message, b Brand) Rendered {
	t.Helper()
	r, err := Render(m, b)
	if err != nil {
		t.Fatalf("Render(%v) = %v", m, err)
	}
	return r
}

func TestTextMessagesReadAsDesigned(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		lang idp.Language
		want string
		size int
	}{
		{SignIn, "ru", "482913 — код входа. Никому его не называйте.\n@" + host16 + " #482913", 70},
		{Registration, "ru", "482913 — код регистрации. Не сообщайте его!\n@" + host16 + " #482913", 69},
		{Recovery, "ru", "482913 — код смены пароля. Не сообщайте его!\n@" + host16 + " #482913", 70},
		{NewContact, "ru", "482913 — код привязки номера. Не сообщайте!\n@" + host16 + " #482913", 69},
		{Confirmation, "ru", "482913 — код подтверждения. Не сообщайте его\n@" + host16 + " #482913", 70},
		{FirstSignIn, "ru", "482913 — код первого входа на " + host16 + "/first", 52},
		{NewDevice, "ru", "Вход с нового устройства 22.11 14:30. Не вы? " + host16 + "/stop", 66},
		{PasswordChanged, "ru", "Пароль изменён 22.11 в 14:30. Не вы? " + host16 + "/stop", 58},
		{ContactChanging, "ru", "Номер для входа меняют. Не вы? Отмените: " + host16 + "/stop", 62},
		{FactorAdded, "ru", "Новый способ входа добавлен. Не вы? " + host16 + "/stop", 57},
		{FactorRemoved, "ru", "Способ входа удалён 22.11. Не вы? " + host16 + "/stop", 55},
		{ChecksFinished, "ru", "Данные проверены, есть результат: " + host16 + "/cabinet", 58},
		{IdentityConfirmed, "ru", "Личность подтверждена 22.11. Не вы? " + host16 + "/stop", 57},
		{TierLowered, "ru", "Уровень учётной записи снижен. Почему: " + host16 + "/cabinet", 63},
		{AccessRestored, "ru", "Доступ восстановлен в центре. Не вы? " + host16 + "/stop", 58},
		{DeletionBegun, "ru", "Запись удалят 25.11.2026. Не вы? " + host16 + "/stop", 54},
		{SignIn, "en", "482913 is your sign-in code. Do not share it.\n@" + host16 + " #482913", 71},
		{NewDevice, "en", "New device sign-in 22.11 14:30. Not you? " + host16 + "/stop", 62},
	} {
		r := render(t, full(c.kind, SMS, c.lang), brand16)
		if n, _ := length(r.Text); r.Text != c.want || n != c.size {
			t.Errorf("%s %s: %d letters, want %d\n got %q\nwant %q", c.kind, c.lang, n, c.size, r.Text, c.want)
		}
	}
}

func TestEveryTextMessageFitsOnePartWithAHostOf16Letters(t *testing.T) {
	if len(host16) != 16 {
		t.Fatalf("the host has %d letters", len(host16))
	}
	for _, k := range kinds[SMS] {
		for lang, limit := range map[idp.Language]int{"ru": 70, "en": 160} {
			r := render(t, full(k, SMS, lang), brand16)
			if n, parts := length(r.Text); parts != 1 || r.Segments != 1 || n > limit {
				t.Errorf("%s %s: %d letters in %d parts", k, lang, n, parts)
			}
			if lang == "en" && strings.ContainsFunc(r.Text, func(c rune) bool { return !strings.ContainsRune(gsmBasic, c) }) {
				t.Errorf("%s en has letters outside of GSM-7: %q", k, r.Text)
			}
			if bound := strings.HasSuffix(r.Text, "\n@"+host16+" #482913"); bound != bindsToHost(k) {
				t.Errorf("%s %s: bound to the host = %v", k, lang, bound)
			}
		}
	}
}

func TestTheLastLineIsLeftOut(t *testing.T) {
	for name, issuer := range map[string]string{
		"where the host is too long":     "https://vhod.primersk-oblast.ru",
		"for localhost":                  "http://localhost:8080",
		"for a name below localhost":     "http://id.localhost:8080",
		"for an IPv4 address":            "http://127.0.0.1:8080",
		"for an IPv6 address":            "https://[2001:db8::1]",
		"for an IPv6 address and a port": "https://[2001:db8::1]:8443",
		"for a name without a dot":       "https://intranet",
	} {
		if r := render(t, full(SignIn, SMS, "ru"), Brand{Issuer: issuer}); strings.Contains(r.Text, "@") || r.Segments != 1 {
			t.Errorf("%s: got %q", name, r.Text)
		}
	}
	if r := render(t, full(SignIn, SMS, "ru"), Brand{Issuer: "https://id.example.ru:8443"}); !strings.HasSuffix(r.Text, "\n@id.example.ru #482913") {
		t.Errorf("the port is no part of the last line: got %q", r.Text)
	}
}

func TestCheckHostWarns(t *testing.T) {
	for host, want := range map[string]int{host16: 0, "id.example.ru": 0, "127.0.0.1": 1, "id.primersk456.ru": 3} {
		if got := CheckHost(host); len(got) != want {
			t.Errorf("CheckHost(%s) = %d warnings, want %d: %q", host, len(got), want, got)
		}
	}
	for _, w := range CheckHost("vhod.uslugi.primerskaya-oblast.example.ru") {
		if !strings.HasPrefix(w, "IDP_ISSUER: ") {
			t.Errorf("a warning does not name its setting: %q", w)
		}
		if strings.Contains(w, "2 parts") {
			return
		}
	}
	t.Error("no notice in two parts with a host of 41 letters")
}

func TestLengthCountsAsNetworksDo(t *testing.T) {
	for text, want := range map[string][2]int{
		"": {0, 1}, strings.Repeat("a", 160): {160, 1}, strings.Repeat("a", 161): {161, 2}, strings.Repeat("a", 307): {307, 3},
		"[]": {4, 1}, strings.Repeat("я", 70): {70, 1}, strings.Repeat("я", 71): {71, 2}, strings.Repeat("я", 135): {135, 3}, "😀": {2, 1}, "€": {2, 1},
	} {
		if n, parts := length(text); n != want[0] || parts != want[1] {
			t.Errorf("length(%.5q...) = %d, %d, want %v", text, n, parts, want)
		}
	}
}

func TestTheRegistrationMailReadsAsDesigned(t *testing.T) {
	r := render(t, full(Registration, Email, "ru"), Brand{Issuer: "https://id.example.ru"})
	want := `Вы указали этот адрес, когда создавали учётную запись «Пропуск» 22 ноября 2026 в 14:30 (мск).

Откройте ссылку, чтобы продолжить:

https://id.example.ru/confirm/PLANTEDLINK

Или введите код на странице, где начали: 482913

Ссылка и код действуют до 25 ноября 2026, 14:30 (мск). Никому их не пересылайте.

Это были не вы? Ничего делать не нужно: без этого письма запись с вашим адресом не создадут.
`
	if r.Subject != "Подтвердите почту" || r.Text != want {
		t.Errorf("got %q\n%s", r.Subject, r.Text)
	}
	r = render(t, full(Registration, Email, "en"), Brand{Issuer: "https://id.example.ru", Zone: time.FixedZone("+05", 5*3600)})
	if !strings.Contains(r.Text, "on 22 November 2026 at 16:30 (UTC+5).") {
		t.Errorf("got %s", r.Text)
	}
}

var (
	tags        = regexp.MustCompile(`(?s)<head>.*?</head>|<[^>]*>`)
	placeholder = regexp.MustCompile(`\{[a-z_]+\}`)
	sentences   = regexp.MustCompile(`[.!?:]\s|\n`)
	unwanted    = regexp.MustCompile(`(?i)пожалуйста|извините|недопустим|некорректн|неверный формат|успешно|необходимо|осуществ|данная страница|\b(please|sorry|invalid|illegal|successfully)\b|госуслуг|есиа`)
)

func TestEveryMail(t *testing.T) {
	for _, channel := range []Channel{Email, Letter} {
		for _, k := range kinds[channel] {
			for _, lang := range []idp.Language{"ru", "en"} {
				checkMail(t, fmt.Sprintf("%s %s", k, lang), channel, render(t, full(k, channel, lang), Brand{Issuer: "https://id.example.ru", HelpPhone: "8 800 000-00-00"}))
			}
		}
	}
}

func checkMail(t *testing.T, name string, channel Channel, r Rendered) {
	t.Helper()
	if r.Subject == "" || strings.Contains(r.Subject, "482913") || utf8.RuneCountInString(r.Subject) > 60 {
		t.Errorf("%s: subject %q", name, r.Subject)
	}
	if found := unwanted.FindString(r.Subject + r.Text); found != "" {
		t.Errorf("%s says %q", name, found)
	}
	if placeholder.MatchString(r.Text + r.HTML) {
		t.Errorf("%s has a placeholder left:\n%s", name, r.Text)
	}
	for _, s := range sentences.Split(r.Text, -1) {
		if utf8.RuneCountInString(s) > 140 {
			t.Errorf("%s has a sentence of %d letters: %q", name, utf8.RuneCountInString(s), s)
		}
	}
	if channel == Letter {
		return
	}
	words := func(s string) string { return strings.Join(strings.Fields(strings.ReplaceAll(s, "-- \n", "")), " ") }
	if plain, rich := words(r.Text), words(html.UnescapeString(tags.ReplaceAllString(r.HTML, " "))); plain != strings.ReplaceAll(rich, " .", ".") {
		t.Errorf("%s has different words as text and as HTML:\n%s\n%s", name, plain, rich)
	}
	if regexp.MustCompile(`(?i)<(img|script|link|iframe|form)|url\(|src=`).MatchString(r.HTML) {
		t.Errorf("%s has a remote part or an image", name)
	}
	for _, href := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(r.HTML, -1) {
		if !strings.Contains(r.Text, html.UnescapeString(href[1])) || !strings.HasPrefix(href[1], "https://id.example.ru/") {
			t.Errorf("%s: the address %s is not shown in full", name, href[1])
		}
	}
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	for _, texts := range []map[Kind]map[idp.Language]mailWords{proofText, noticeText, letterText} {
		for k, w := range texts {
			ru, en := placeholder.FindAllString(strings.Join(w["ru"].body, " "), -1), placeholder.FindAllString(strings.Join(w["en"].body, " "), -1)
			if len(w["ru"].body) != len(w["en"].body) || fmt.Sprint(ru) != fmt.Sprint(en) || w["ru"].stranger != w["en"].stranger {
				t.Errorf("%s: %v and %v", k, ru, en)
			}
		}
	}
	for k, w := range smsText {
		if w["ru"] == "" || w["en"] == "" {
			t.Errorf("%s lacks a language", k)
		}
	}
}

func TestANoticeWithoutALinkOfItsOwnLeadsToTheStopPage(t *testing.T) {
	m := Message{Kind: NewDevice, Channel: Email, To: "ivan@example.ru", Lang: "ru", At: atTest}
	r := render(t, m, brand16)
	if !strings.Contains(r.Text, "\n"+"https://"+host16+"/stop\n") || strings.Contains(r.Text, "Устройство") || strings.Contains(r.Text, "действует до") {
		t.Errorf("got %s", r.Text)
	}
}

func TestWhatOthersNamedStaysInItsLine(t *testing.T) {
	m := full(NewDevice, Email, "ru")
	m.Device, m.Service = "Chrome\r\n\r\nОткройте http://evil.example\u202e", `<a href="x">`+strings.Repeat("я", 300)
	r := render(t, m, brand16)
	if strings.Contains(r.Text, "\r") || !strings.Contains(r.Text, "Устройство: Chrome Откройте http://evil.example\n") || strings.Contains(r.HTML, `<a href="x">`) {
		t.Errorf("got %s\n%s", r.Text, r.HTML)
	}
}

func TestRenderRefusesAMessageWithAHole(t *testing.T) {
	for name, break_ := range map[string]func(*Message){
		"no code":       func(m *Message) { m.Code = "" },
		"no link":       func(m *Message) { m.Link = "" },
		"no end":        func(m *Message) { m.Until = 0 },
		"no address":    func(m *Message) { m.To = "" },
		"no such kind":  func(m *Message) { m.Kind = "other" },
		"other channel": func(m *Message) { m.Channel = "pigeon" },
		"not a letter":  func(m *Message) { m.Channel = Letter },
	} {
		m := full(Registration, Email, "ru")
		break_(&m)
		if _, err := Render(m, brand16); !errors.Is(err, Permanent) {
			t.Errorf("%s: got %v, want a permanent error", name, err)
		}
	}
}

func TestMessagesMaskThemselves(t *testing.T) {
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	for channel, all := range kinds {
		for _, k := range all {
			m := full(k, channel, "ru")
			r := render(t, m, brand16)
			logger.Info("send", "message", m, "rendered", r, "entry", Entry{ID: "1", To: m.To, Text: r.Text})
			fmt.Fprintf(&log, "%v %+v %#v %s %v %+v %#v %s %v\n", m, m, m, m, r, r, r, r, &m)
		}
	}
	for _, secret := range []string{"79123456789", "ivan@", "482913", "PLANTEDLINK", "Chrome", "Иванова"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
}

func TestAMessageIsWorthlessAfterItsDeadline(t *testing.T) {
	for name, c := range map[string]struct {
		m    Message
		want time.Duration
	}{
		"a code by its end":              {Message{Kind: SignIn, Channel: SMS, Code: "1", At: 1000, Until: 1300}, 300 * time.Second},
		"a code without an end":          {Message{Kind: SignIn, Channel: SMS, Code: "1", At: 1000}, codeAge},
		"a registration mail":            {Message{Kind: Registration, Channel: Email, Code: "1", At: 1000, Until: 1000 + 72*3600}, 72 * time.Hour},
		"a notice":                       {Message{Kind: NewDevice, Channel: SMS, At: 1000, Until: 1001}, noticeAge},
		"a letter's code lives its days": {Message{Kind: ActivationCode, Channel: Letter, Code: "1", At: 1000, Until: 1000 + 90*86400}, 90 * 24 * time.Hour},
	} {
		if got := c.m.Deadline().Sub(time.Unix(1000, 0)); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
