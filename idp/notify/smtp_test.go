package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"propusk/standin"
)

// aServer starts a mail server and gives a sender that uses it as if it were not loopback.
func aServer(t *testing.T, s *standin.SMTP) *SMTP {
	t.Helper()
	s.User, s.Password = "plantedlogin@example.ru", "plantedsecret"
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	scheme := "smtp"
	if s.Implicit {
		scheme = "smtps"
	}
	out, err := ParseSMTP(scheme+"://plantedlogin@example.ru@"+s.Addr(), "plantedsecret\n", "no-reply@example.ru")
	if err != nil {
		t.Fatal(err)
	}
	out.startTLS = !s.Implicit
	out.tls.RootCAs = s.Roots()
	return out
}

func aMail(t *testing.T) (Message, Rendered) {
	m := full(Registration, Email, "ru")
	m.Reference = "0198c1b2-0000-7000-8000-000000000001"
	return m, render(t, m, brand16)
}

func TestAMailArrives(t *testing.T) {
	for name, s := range map[string]*standin.SMTP{"over STARTTLS": {}, "over TLS from the first byte": {Implicit: true}} {
		t.Run(name, func(t *testing.T) {
			out := aServer(t, s)
			m, r := aMail(t)
			if err := out.Send(t.Context(), m, r); err != nil {
				t.Fatal(err)
			}
			mails := s.Mails()
			if len(mails) != 1 || mails[0].From != "no-reply@example.ru" || mails[0].To != "ivan@example.ru" || !mails[0].Secure || mails[0].User != s.User {
				t.Fatalf("got %d mails", len(mails))
			}
			checkArrived(t, mails[0].Data, r)
		})
	}
}

func checkArrived(t *testing.T, data string, r Rendered) {
	t.Helper()
	got, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	words := new(mime.WordDecoder)
	from, _ := got.Header.AddressList("From")
	subject, _ := words.DecodeHeader(got.Header.Get("Subject"))
	if subject != r.Subject || len(from) != 1 || from[0].Name != "Пропуск" || got.Header.Get("Auto-Submitted") != "auto-generated" ||
		got.Header.Get("Message-Id") != "<0198c1b2-0000-7000-8000-000000000001@example.ru>" || got.Header.Get("Date") == "" {
		t.Errorf("got the header %v", got.Header)
	}
	kind, params, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("got %s, %v", kind, err)
	}
	parts := multipart.NewReader(got.Body, params["boundary"])
	for _, want := range []struct{ kind, text string }{{"text/plain", r.Text}, {"text/html", r.HTML}} {
		p, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil || !strings.HasPrefix(p.Header.Get("Content-Type"), want.kind) || strings.ReplaceAll(string(text), "\r\n", "\n") != want.text {
			t.Errorf("%s: %v\n%s", want.kind, err, text)
		}
	}
}

func TestFailuresOfTheMailServerAreClassified(t *testing.T) {
	for name, c := range map[string]struct {
		command, words string
		want           error
	}{
		"a full server":                    {"CONNECT", "421 4.3.2 come back later, plantedlogin", Temporary},
		"our address is refused":           {"CONNECT", "554 5.7.1 no service for you, plantedlogin", Misconfigured},
		"a wrong password":                 {"AUTH", "535 5.7.8 no, plantedsecret", Misconfigured},
		"sign-in is not ready":             {"AUTH", "454 4.7.0 later", Temporary},
		"the sender is refused":            {"MAIL", "553 5.1.8 not your address", Misconfigured},
		"greylisted":                       {"RCPT", "450 4.2.0 <ivan@example.ru> greylisted", Temporary},
		"an unknown recipient":             {"RCPT", "550 5.1.1 <ivan@example.ru> no such user", Permanent},
		"a message taken for spam":         {".", "554 5.7.1 code 482913 looks like spam", Permanent},
		"no place for the message":         {".", "452 4.3.1 disk full", Temporary},
		"the data is refused":              {"DATA", "451 4.3.0 no", Temporary},
		"the server hangs up":              {"RCPT", "-", Temporary},
		"the server hangs up at the start": {"CONNECT", "-", Temporary},
		"nonsense":                         {"MAIL", "ivan", Temporary},
		"it fails after the mail is taken": {"RSET", "-", nil},
		"it does not say goodbye":          {"QUIT", "-", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := &standin.SMTP{}
			out := aServer(t, s)
			s.Reply(c.command, c.words)
			m, r := aMail(t)
			err := out.Send(t.Context(), m, r)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			holdsPlanted(t, name, fmt.Sprintf("%v %+v %#v", err, err, err))
			if taken := len(s.Mails()); (taken == 1) != (c.want == nil) {
				t.Errorf("%d mails taken", taken)
			}
		})
	}
}

func TestTheMailServerMustSpeakTLS(t *testing.T) {
	for name, c := range map[string]struct {
		server *standin.SMTP
		change func(*SMTP)
		want   string
	}{
		"it offers no STARTTLS":         {&standin.SMTP{Plain: true}, func(*SMTP) {}, "no STARTTLS"},
		"its certificate is unknown":    {&standin.SMTP{}, func(s *SMTP) { s.tls.RootCAs = nil }, "not trusted"},
		"its certificate is another's":  {&standin.SMTP{}, func(s *SMTP) { s.tls.ServerName = "mail.example.ru" }, "not trusted"},
		"smtps, and it is unknown":      {&standin.SMTP{Implicit: true}, func(s *SMTP) { s.tls.RootCAs = nil }, "not trusted"},
		"smtps, and it speaks STARTTLS": {&standin.SMTP{}, func(s *SMTP) { s.implicit, s.startTLS = true, false }, "does not speak TLS"},
	} {
		out := aServer(t, c.server)
		c.change(out)
		m, r := aMail(t)
		if err := out.Send(t.Context(), m, r); !errors.Is(err, Misconfigured) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		if len(c.server.Mails()) != 0 {
			t.Errorf("%s: the mail was sent", name)
		}
	}
}

func TestALoopbackServerNeedsNoTLS(t *testing.T) {
	s := &standin.SMTP{Plain: true}
	out := aServer(t, s)
	out.startTLS = false
	m, r := aMail(t)
	if err := out.Send(t.Context(), m, r); err != nil || len(s.Mails()) != 1 || s.Mails()[0].Secure || s.Mails()[0].User == "" {
		t.Errorf("got %v, %d mails", err, len(s.Mails()))
	}
}

func TestASilentMailServerEndsWithTheContext(t *testing.T) {
	for _, command := range []string{"CONNECT", "EHLO", "STARTTLS", "AUTH", "RCPT", "."} {
		s := &standin.SMTP{}
		out := aServer(t, s)
		s.Reply(command, "")
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		m, r := aMail(t)
		began := time.Now()
		if err := out.Send(ctx, m, r); !errors.Is(err, Temporary) || time.Since(began) > 3*time.Second {
			t.Errorf("%s: got %v after %v", command, err, time.Since(began))
		}
		cancel()
	}
}

func TestCheckSignsIn(t *testing.T) {
	s := &standin.SMTP{}
	out := aServer(t, s)
	if err := out.Check(t.Context()); err != nil {
		t.Error(err)
	}
	holdsPlanted(t, "the sender printed", fmt.Sprintf("%v %+v %#v %s", out, out, out, out))
	out.password = "wrong"
	if err := out.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "IDP_SMTP_URL: smtp: server refuses") {
		t.Errorf("got %v", err)
	}
}

func TestAnAddressThatIsNoneIsPermanent(t *testing.T) {
	out := aServer(t, &standin.SMTP{})
	for _, to := range []string{"ivan", "ivan@example.ru\r\nBcc: x@example.ru", "a@example.ru, b@example.ru"} {
		m, r := aMail(t)
		m.To = to
		if err := out.Send(t.Context(), m, r); !errors.Is(err, Permanent) {
			t.Errorf("%q: got %v", to, err)
		}
	}
	m, r := aMail(t)
	m.To = "иван@xn--e1afmkfd.xn--p1ai"
	if err := out.Send(t.Context(), m, r); err != nil {
		t.Errorf("letters of another alphabet (RFC 6531): got %v", err)
	}
}

func TestSettingsOfTheMailServerAreChecked(t *testing.T) {
	for name, c := range map[string]struct{ url, password, from, want string }{
		"nothing":                     {"", "", "", "smtp://USER@HOST"},
		"another scheme":              {"https://plantedlogin@mail.example.ru", "plantedsecret", "", "smtp://USER@HOST"},
		"the password in the address": {"smtp://plantedlogin:plantedsecret@mail.example.ru", "", "", "IDP_SMTP_PASSWORD_FILE"},
		"a user without a password":   {"smtp://plantedlogin@mail.example.ru", "", "a@example.ru", "IDP_SMTP_PASSWORD_FILE"},
		"no sender":                   {"smtp://mail.example.ru", "", "", "?from="},
		"a user that is no address":   {"smtp://plantedlogin@mail.example.ru", "plantedsecret", "", "?from="},
		"a wrong sender":              {"smtp://mail.example.ru?from=plantedlogin", "", "", "?from="},
		"no port":                     {"smtp://mail.example.ru:99999?from=a@example.ru", "", "", "no port"},
	} {
		_, err := ParseSMTP(c.url, c.password, c.from)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "IDP_SMTP_") {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
			continue
		}
		holdsPlanted(t, name, err.Error())
	}
	for url, want := range map[string]SMTP{
		"smtp://id@example.ru@mail.example.ru":     {port: 587, startTLS: true, from: "id@example.ru"},
		"smtps://id%40example.ru@mail.example.ru":  {port: 465, implicit: true, from: "id@example.ru"},
		"smtp://localhost:1025?from=id@example.ru": {port: 1025, from: "id@example.ru"},
		"smtp://[::1]:25?from=id@example.ru":       {port: 25, from: "id@example.ru"},
	} {
		got, err := ParseSMTP(url, "plantedsecret", "")
		if err != nil || got.port != want.port || got.startTLS != want.startTLS || got.implicit != want.implicit || got.from != want.from {
			t.Errorf("%s: got %v", url, err)
		}
	}
}
