package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"propusk/standin"
)

// The values planted in every message and credential: none may appear in an error or a log.
var planted = []string{"79123456789", "9123456789", "482913", "PLANTEDLINK", "plantedlogin", "plantedsecret", "plantedpath", "ivan"}

func holdsPlanted(t *testing.T, name, text string) {
	t.Helper()
	for _, secret := range planted {
		if strings.Contains(text, secret) {
			t.Errorf("%s: holds the planted %s: %s", name, secret, text)
		}
	}
}

var paths = map[string]string{"generic": "/", "smsc": "/sys/send.php", "smsaero": "/v2/sms/send", "exolve": "/messaging/v1/SendSMS",
	"beeline": "/proto/http/rest", "kannel": "/cgi-bin/sendsms"}

func credentialsOf(kind string) string {
	if kind == "generic" || kind == "exolve" {
		return "plantedsecret"
	}
	return "plantedlogin:plantedsecret"
}

// aGateway serves a stand-in and gives the sender that uses it.
func aGateway(t *testing.T, kind string) (*standin.SMS, *Gateways) {
	t.Helper()
	s := &standin.SMS{Secret: "plantedsecret"}
	if strings.Contains(credentialsOf(kind), ":") {
		s.Login = "plantedlogin"
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	g, err := ParseSMS(server.URL+"?gateway="+kind+"&sender=79990000000", credentialsOf(kind))
	if err != nil {
		t.Fatal(err)
	}
	return s, g
}

func aCode(reference string) (Message, Rendered) {
	return Message{Kind: SignIn, Channel: SMS, To: "+79123456789", Lang: "ru", Code: "482913", Link: "/PLANTEDLINK", Reference: reference},
		Rendered{Text: "482913 — код входа. Никому его не называйте.\n@id.example.ru #482913"}
}

func TestEachGatewayTakesAMessage(t *testing.T) {
	for kind := range paths {
		t.Run(kind, func(t *testing.T) {
			s, g := aGateway(t, kind)
			m, r := aCode("0198c1b2-0000-7000-8000-000000000001")
			for range 2 { // the job runs twice
				if err := g.Send(t.Context(), m, r); err != nil {
					t.Fatal(err)
				}
			}
			taken := s.Taken()
			if len(taken) != 1 || taken[0].Text != r.Text || strings.TrimPrefix(taken[0].To, "+") != "79123456789" || taken[0].Sender != "79990000000" || taken[0].Gateway != kind {
				t.Fatalf("got %+v", taken)
			}
			if hasOne := kind == "generic" || kind == "smsc" || kind == "beeline"; hasOne && taken[0].Reference != m.Reference {
				t.Errorf("got the reference %q", taken[0].Reference)
			}
		})
	}
}

func TestAnotherProcessDoesNotSendTwice(t *testing.T) {
	for _, kind := range []string{"generic", "smsc", "beeline"} {
		s, g := aGateway(t, kind)
		m, r := aCode("ref-1")
		for range 2 {
			g.taken = memory{}
			if err := g.Send(t.Context(), m, r); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(s.Taken()); n != 1 {
			t.Errorf("%s: %d messages", kind, n)
		}
	}
}

func TestKannelGetsTheAlphabetOfTheText(t *testing.T) {
	s, g := aGateway(t, "kannel")
	m, r := aCode("a")
	g.Send(t.Context(), m, r)
	m.Reference, r.Text = "b", "482913 is your sign-in code. [x]"
	g.Send(t.Context(), m, r)
	if taken := s.Taken(); len(taken) != 2 || taken[0].Coding != "2" || taken[1].Coding != "0" {
		t.Errorf("got %+v", taken)
	}
}

func TestFailuresAreClassified(t *testing.T) {
	all := []string{"generic", "smsc", "smsaero", "exolve", "beeline", "kannel"}
	for _, c := range []struct {
		name  string
		mood  standin.SMSMood
		kinds []string
		want  error
	}{
		{"a server error is temporary", standin.SMSBroken, all, Temporary},
		{"a page of HTML is temporary", standin.SMSGarbled, all, Temporary},
		{"a body without an end is temporary", standin.SMSEndless, all, Temporary},
		{"a redirect is not followed", standin.SMSMoved, all, Misconfigured},
		{"too many requests is temporary", standin.SMSBusy, all, Temporary},
		{"an empty account is for the administrator", standin.SMSNoMoney, []string{"generic", "smsc", "smsaero", "exolve", "beeline"}, Misconfigured},
		{"a refused number is permanent", standin.SMSRefusesNumber, []string{"generic", "smsc", "smsaero", "exolve", "kannel"}, Permanent},
		{"a refusal without a number of its own is temporary", standin.SMSRefusesNumber, []string{"beeline"}, Temporary},
		{"a message seen before is sent", standin.SMSSeenBefore, []string{"generic", "smsc"}, nil},
	} {
		for _, kind := range c.kinds {
			s, g := aGateway(t, kind)
			s.Treat(c.mood)
			m, r := aCode("ref")
			err := g.Send(t.Context(), m, r)
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %s: got %v, want %v", kind, c.name, err, c.want)
			}
			if err != nil {
				holdsPlanted(t, kind, fmt.Sprintf("%v %+v %#v", err, err, err))
				if !strings.Contains(err.Error(), kind) {
					t.Errorf("the error does not name the gateway: %v", err)
				}
			}
			if len(s.Taken()) != 0 || s.Asked() != 1 {
				t.Errorf("%s: %s: %d taken, %d requests", kind, c.name, len(s.Taken()), s.Asked())
			}
		}
	}
}

func TestWrongCredentialsAreForTheAdministrator(t *testing.T) {
	for kind := range paths {
		s, g := aGateway(t, kind)
		s.Secret = "another"
		m, r := aCode("ref")
		if err := g.Send(t.Context(), m, r); !errors.Is(err, Misconfigured) || !strings.Contains(err.Error(), "IDP_SMS_PASSWORD_FILE") && kind != "beeline" {
			t.Errorf("%s: got %v", kind, err)
		}
	}
}

func TestASilentGatewayCostsItsDeadlineOnly(t *testing.T) {
	s, g := aGateway(t, "kannel")
	s.Treat(standin.SMSSilent)
	g.all[0].client.Timeout = 50 * time.Millisecond
	m, r := aCode("ref")
	err := g.Send(t.Context(), m, r)
	if !errors.Is(err, Temporary) || !strings.Contains(err.Error(), "in time") {
		t.Errorf("got %v", err)
	}
	holdsPlanted(t, "kannel", err.Error())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := g.Send(ctx, m, r); !errors.Is(err, Temporary) || g.all[0].breaker.failures != 1 {
		t.Errorf("an interrupted message: got %v, %d failures", err, g.all[0].breaker.failures)
	}
}

func TestNothingSecretReachesAnErrorOfTheConnection(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for name, c := range map[string]struct {
		url  string
		want error
	}{
		"nobody listens":                {closed.URL, Temporary},
		"an untrusted certificate":      {secure.URL, Misconfigured},
		"no TLS where https is asked":   {strings.Replace(plain.URL, "http:", "https:", 1), Misconfigured},
		"a host that nobody knows":      {"https://plantedpath.invalid", Temporary},
		"nothing answers at this path":  {plain.URL, Misconfigured},
		"TLS where plain http is asked": {strings.Replace(secure.URL, "https:", "http:", 1), Permanent},
	} {
		g, err := ParseSMS(c.url+"/plantedpath?gateway=kannel", "plantedlogin:plantedsecret")
		if err != nil {
			t.Fatal(err)
		}
		m, r := aCode("ref")
		err = g.Send(t.Context(), m, r)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		holdsPlanted(t, name, fmt.Sprintf("%v %+v %#v", err, err, err))
	}
}

func twoGateways(t *testing.T) (first, second *standin.SMS, g *Gateways) {
	t.Helper()
	first, second = &standin.SMS{}, &standin.SMS{}
	a, b := httptest.NewServer(first), httptest.NewServer(second)
	t.Cleanup(a.Close)
	t.Cleanup(b.Close)
	g, err := ParseSMS(a.URL+"?gateway=smsc  "+b.URL+"?gateway=generic", "plantedlogin:plantedsecret\nplantedsecret\n")
	if err != nil {
		t.Fatal(err)
	}
	return first, second, g
}

func TestTheNextGatewayIsAskedWhenOneFails(t *testing.T) {
	first, second, g := twoGateways(t)
	send := func(reference string) error {
		m, r := aCode(reference)
		return g.Send(t.Context(), m, r)
	}
	if err := send("a"); err != nil || second.Asked() != 0 {
		t.Fatalf("the first works: %v, the second was asked %d times", err, second.Asked())
	}
	for i, mood := range []standin.SMSMood{standin.SMSBroken, standin.SMSNoMoney} {
		first.Treat(mood)
		if err := send(fmt.Sprint("b", i)); err != nil || len(second.Taken()) != i+1 {
			t.Errorf("mood %d: %v, %d taken", mood, err, len(second.Taken()))
		}
	}
	first.Treat(standin.SMSRefusesNumber)
	if err := send("c"); !errors.Is(err, Permanent) || second.Asked() != 2 {
		t.Errorf("a refused number is refused everywhere: got %v", err)
	}
	first.Treat(standin.SMSNoMoney)
	second.Treat(standin.SMSNoMoney)
	if err := send("d"); !errors.Is(err, Misconfigured) || errors.Is(err, Temporary) {
		t.Errorf("both without money: got %v", err)
	}
	second.Treat(standin.SMSBroken)
	err := send("e")
	if !errors.Is(err, Temporary) || !strings.Contains(err.Error(), "smsc") || !strings.Contains(err.Error(), "generic") {
		t.Errorf("one of them may come back: got %v", err)
	}
}

func TestAFailingGatewayIsLeftAlone(t *testing.T) {
	first, second, g := twoGateways(t)
	first.Treat(standin.SMSBroken)
	for i := range 10 {
		m, r := aCode(fmt.Sprint(i))
		if err := g.Send(t.Context(), m, r); err != nil {
			t.Fatal(err)
		}
	}
	if first.Asked() != breakAfter || len(second.Taken()) != 10 {
		t.Errorf("asked %d times, %d taken", first.Asked(), len(second.Taken()))
	}
}

func TestTheBreakerOpensAndCloses(t *testing.T) {
	var b breaker
	now := time.Unix(0, 0)
	step := func(after time.Duration, allowed bool) {
		t.Helper()
		now = now.Add(after)
		if got := b.allow(now); got != allowed {
			t.Fatalf("at %v: allowed = %v, want %v", now.Sub(time.Unix(0, 0)), got, allowed)
		}
	}
	for range breakAfter {
		step(time.Second, true)
		b.record(now, false)
	}
	step(29*time.Second, false)
	step(time.Second, true)
	step(0, false) // one message tries it
	b.release()
	step(0, true) // and was interrupted: the next one tries
	b.record(now, false)
	step(59*time.Second, false)
	step(time.Second, true)
	b.record(now, true)
	step(0, true)
	step(0, true)
	for range 100 {
		b.record(now, false)
	}
	step(5*time.Minute, true)
}

func TestSettingsOfGatewaysAreChecked(t *testing.T) {
	for name, c := range map[string]struct{ url, password, want string }{
		"nothing is set":                      {"", "", "set the https address"},
		"http beyond loopback":                {"http://sms.example.ru/plantedpath?gateway=generic", "plantedsecret", "https"},
		"no kind":                             {"https://sms.example.ru/plantedpath", "plantedsecret", "?gateway=KIND"},
		"an unknown kind":                     {"https://sms.example.ru/plantedpath?gateway=plantedlogin", "plantedsecret", "kinds are generic, smsc"},
		"credentials in the address":          {"https://plantedlogin:plantedsecret@sms.example.ru?gateway=smsc", "x:y", "IDP_SMS_PASSWORD_FILE"},
		"a parameter nobody knows":            {"https://sms.example.ru?gateway=smsc&psw=plantedsecret", "x:y", "unknown query parameter"},
		"a line too few":                      {"https://a.example.ru?gateway=smsc https://b.example.ru?gateway=generic", "plantedlogin:plantedsecret", "holds 1 lines"},
		"an empty line":                       {"https://a.example.ru?gateway=smsc https://b.example.ru?gateway=generic", "x:y\n\n", "holds 1 lines"},
		"a key where a pair is needed":        {"https://sms.example.ru?gateway=kannel", "plantedsecret", "NAME:PASSWORD"},
		"no sender where one is needed":       {"https://sms.example.ru?gateway=smsaero", "plantedlogin:plantedsecret", "&sender=NAME"},
		"no address at all":                   {"plantedpath", "plantedsecret", "https://HOST"},
		"an address that cannot be read":      {"https://sms.example.ru/%zzplantedpath?gateway=generic", "plantedsecret", "https://HOST"},
		"the second of two is the wrong one":  {"https://a.example.ru?gateway=generic http://b.example.ru?gateway=generic", "a\nb", "gateway 2: "},
		"a password that begins with a colon": {"https://sms.example.ru?gateway=kannel", ":plantedsecret", "NAME:PASSWORD"},
	} {
		_, err := ParseSMS(c.url, c.password)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "IDP_SMS_") {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
			continue
		}
		holdsPlanted(t, name, err.Error())
	}
	g, err := ParseSMS("https://smsc.ru?gateway=smsc https://[::1]:8443/x?gateway=beeline http://localhost:13013/?gateway=kannel", "just-a-key\r\nkey\r\nname:pass:word\r\n")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, one := range g.all {
		got = append(got, one.address.String()+" "+one.login+" "+one.secret)
	}
	if want := []string{"https://smsc.ru/sys/send.php  just-a-key", "https://[::1]:8443/x  key", "http://localhost:13013/cgi-bin/sendsms name pass:word"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestCheckReachesTheGateways(t *testing.T) {
	_, g := aGateway(t, "smsc")
	if err := g.Check(t.Context()); err != nil {
		t.Error(err)
	}
	holdsPlanted(t, "the sender printed", fmt.Sprintf("%v %+v %#v %s", g, g, g, g))
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	g, _ = ParseSMS(closed.URL+"/plantedpath?gateway=generic", "plantedsecret")
	err := g.Check(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "IDP_SMS_URL: generic: no connection") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyPhonesGetTextMessages(t *testing.T) {
	s, g := aGateway(t, "smsc")
	for _, to := range []string{"", "ivan@example.ru", "79123456789", "+7912", "+7912345678901234567", "+7912345678\n", "+79123456789,+79990000000"} {
		m, r := aCode("ref")
		m.To = to
		if err := g.Send(t.Context(), m, r); !errors.Is(err, Permanent) {
			t.Errorf("%q: got %v", to, err)
		}
	}
	if s.Asked() != 0 {
		t.Errorf("asked %d times", s.Asked())
	}
}

func TestMemoryForgetsTheOldest(t *testing.T) {
	var m memory
	for i := range 3 * memorySize {
		m.add(fmt.Sprint(i))
	}
	if len(m.young)+len(m.old) > 2*memorySize || !m.has(fmt.Sprint(3*memorySize-1)) || m.has("0") || m.has("") {
		t.Errorf("%d and %d remembered", len(m.young), len(m.old))
	}
}

// FuzzAnswers: whatever a gateway answers, the reading ends, and says nothing of the answer.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{`{"id":1,"cnt":1}`, `{"error":"x","error_code":9}`, `{"success":true,"data":{"id":1,"status":6}}`, `{"success":false,"data":[]}`,
		`{"message_id":"1"}`, `{"error":{"message":"Destination"}}`, `{"actions":[{"id":null}],"errors":{}}`, `0: Accepted for delivery`, `null`, `[]`, ``, "\xff"} {
		for _, status := range []int{200, 202, 302, 400, 401, 409, 503} {
			f.Add(status, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for kind, a := range adapters {
			g := &gateway{adapter: a, kind: kind}
			err := g.read(status, body)
			if err == nil {
				if status >= 300 && status != 409 && kind != "smsc" && kind != "smsaero" {
					t.Errorf("%s takes status %d for success", kind, status)
				}
				continue
			}
			if err.Class != Temporary && err.Class != Permanent && err.Class != Misconfigured || err.What == "" || err.Gateway != kind {
				t.Errorf("%s: got %#v", kind, err)
			}
			if len(err.Error()) > 200 || len(body) > 20 && strings.Contains(err.Error(), string(body)) {
				t.Errorf("%s: the answer stands in the error: %v", kind, err)
			}
		}
	})
}
