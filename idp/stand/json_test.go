package stand

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"propusk/idp"
	"propusk/idp/notify"
	"propusk/idp/web"
)

var plain = cmpopts.IgnoreUnexported(Citizen{})

func TestCreatingWithEveryMember(t *testing.T) {
	s := testStand(t, "")
	c := read[Citizen](t, s.ask(t, "POST", "/dev/citizens", `{"name": "Ким  Ольга Ильинична", "phone": "8 900 123-45-67", "email": "Olga@Example.RU",
		"snils": "00020000012", "password": "Kofe-7utrom-gory", "status": "active", "tier": "confirmed", "tier_method": "bank", "second_factor": "totp",
		"totp_secret": "jbsw y3dp ehpk 3pxp", "note": "из теста"}`), http.StatusCreated)
	want := Citizen{Name: "Ким Ольга Ильинична", Phone: "+79001234567", Email: "olga@example.ru", SNILS: c.SNILS, Password: "Kofe-7utrom-gory", Status: idp.Active,
		Tier: idp.Confirmed, TierMethod: idp.ByBank, SecondFactor: idp.TOTPFactor, TOTPSecret: "JBSWY3DPEHPK3PXP", Note: "из теста"}
	if diff := cmp.Diff(want, c, plain); diff != "" {
		t.Error(diff)
	}
	all := read[[]Citizen](t, s.ask(t, "GET", "/dev/citizens", ""), http.StatusOK)
	if diff := cmp.Diff(want, all[len(all)-1], plain); diff != "" {
		t.Errorf("listed otherwise than answered: %s", diff)
	}
}

func TestCreatingMakesUpWhatLacks(t *testing.T) {
	s := testStand(t, "")
	for body, check := range map[string]func(Citizen) bool{
		`{}`: func(c Citizen) bool {
			return c.Tier == idp.Simplified && c.SNILS == "" && c.SecondFactor == idp.NoFactor
		},
		`{"tier": "standard"}`:             func(c Citizen) bool { return c.SNILS != "" && c.TierMethod == "" },
		`{"tier": "confirmed"}`:            func(c Citizen) bool { return c.TierMethod == idp.ByCentre },
		`{"phone": ""}`:                    func(c Citizen) bool { return c.Phone == "" && c.Email != "" },
		`{"email": "", "snils": ""}`:       func(c Citizen) bool { return c.Email == "" && c.Phone != "" },
		`{"second_factor": "totp"}`:        func(c Citizen) bool { return len(c.TOTPSecret) == 32 },
		`{"name": null, "password": null}`: func(c Citizen) bool { return c.Name != "" && c.Password != "" },
	} {
		if c := read[Citizen](t, s.ask(t, "POST", "/dev/citizens", body), http.StatusCreated); !check(c) || c.Password == "" || c.Name == "" {
			t.Errorf("%s: got %+v", body, c)
		}
	}
}

func TestMembersThatAreWrong(t *testing.T) {
	s := testStand(t, "")
	for body, want := range map[string]string{
		`[]`:                                             " citizen.json",
		`{"name": `:                                      " citizen.json",
		`null`:                                           " citizen.json",
		`{"login": "x"}`:                                 "login citizen.member",
		`{"phone": 79001234567}`:                         "phone citizen.text",
		`{"name": "Иванов"}`:                             "name citizen.name",
		`{"name": "Ivanоv Иван"}`:                        "name name.mixed",
		`{"phone": "12"}`:                                "phone phone.digits",
		`{"email": "x"}`:                                 "email email.at",
		`{"snils": "000-000-001 02"}`:                    "snils snils.control",
		`{"password": "short"}`:                          "password password.short",
		`{"status": "closed"}`:                           "status citizen.status",
		`{"tier": "gold"}`:                               "tier tier.unknown",
		`{"tier_method": "bank"}`:                        "tier_method citizen.tier_method",
		`{"second_factor": "email"}`:                     "second_factor citizen.second_factor",
		`{"totp_secret": "0189"}`:                        "totp_secret citizen.totp_secret",
		`{"phone": "", "email": ""}`:                     "phone contact.empty",
		`{"tier": "x", "snils": "1"}`:                    "tier tier.unknown, snils snils.digits",
		`{"phone": "+79000000001"}`:                      "409 phone citizen.taken",
		`{"snils": "000-100-002 08"}`:                    "409 snils citizen.taken",
		`{"email": "ANNA.LI@example.ru"}`:                "409 email citizen.taken",
		`{"tier": "confirmed", "tier_method": "post"}`:   "tier_method tier_method.unknown",
		`{"phone": "", "second_factor": "sms"}`:          "second_factor citizen.sms_phone",
		`{"note": "` + strings.Repeat("x", 1001) + `"}`:  "note citizen.note",
		`{"note": "` + strings.Repeat("x", 70000) + `"}`: " citizen.json",
	} {
		want, taken := strings.CutPrefix(want, "409 ")
		status := http.StatusBadRequest
		if taken {
			status = http.StatusConflict
		}
		f := read[failure](t, s.ask(t, "POST", "/dev/citizens", body), status)
		var got []string
		for _, p := range f.Problems {
			got = append(got, p.Member+" "+p.Code)
			if p.Message == "" || strings.Contains(p.Message, "Check this field") || !strings.Contains(f.Description, p.Message) {
				t.Errorf("%.60s: message %q, description %q", body, p.Message, f.Description)
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%.60s: got %q, want %q", body, strings.Join(got, ", "), want)
		}
	}
	fixed, _ := readFixed()
	if n := len(s.book.all()); n != len(fixed) {
		t.Errorf("%d citizens after refusals", n)
	}
}

func TestPasswordsOfCreatedCitizensOutliveARestartWithAFolder(t *testing.T) {
	folder := t.TempDir()
	s := testStand(t, folder)
	c := read[Citizen](t, s.ask(t, "POST", "/dev/citizens", `{"second_factor": "totp"}`), http.StatusCreated)
	f, err := os.OpenFile(bookFile(folder), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(`{"oid": 12, "passw`) // cut by a crash
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	d := read[Citizen](t, s.ask(t, "POST", "/dev/citizens", ``), http.StatusCreated)

	again := New(s.Options)
	if err := again.Seed(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	all := read[[]Citizen](t, again.ask(t, "GET", "/dev/citizens", ""), http.StatusOK)
	if diff := cmp.Diff([]Citizen{c, d}, all[len(all)-2:], plain); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(bookFile(folder)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
}

func TestAPasswordThatWasChangedIsNotListed(t *testing.T) {
	a := idp.Account{CreatedAt: 5, PasswordAt: 6}
	if c := record(a, known{Password: "Old-1-password"}); c.Password != "" {
		t.Errorf("password = %q", c.Password)
	}
}

func send(t *testing.T, o *notify.Outbox, to, code string) {
	t.Helper()
	m := notify.Message{Kind: notify.SignIn, Channel: notify.SMS, To: to, Code: code}
	if err := o.Send(t.Context(), m, notify.Rendered{Text: code + " — код входа & всё"}); err != nil {
		t.Fatal(err)
	}
}

func TestFieldsOfTheOutbox(t *testing.T) {
	s := testStand(t, "")
	if w := s.ask(t, "GET", "/dev/outbox", ""); strings.TrimSpace(w.Body.String()) != "[]" {
		t.Errorf("empty: %s", w.Body)
	}
	send(t, s.Outbox, "+79000000007", "123456")
	var all []map[string]any
	w := s.ask(t, "GET", "/dev/outbox?to="+url.QueryEscape("8 (900) 000-00-07")+"&wait=10s", "")
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || len(all) != 1 {
		t.Fatalf("%s: %v", w.Body, err)
	}
	var names []string
	for name := range all[0] {
		names = append(names, name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"at", "channel", "code", "id", "link", "subject", "text", "to"}, names); diff != "" {
		t.Error(diff)
	}
	for _, query := range []string{"?to=%2B79000000008", "?after=" + all[0]["id"].(string), "?to=nobody@example.ru&wait=0"} {
		if got := read[[]notify.Entry](t, s.ask(t, "GET", "/dev/outbox"+query, ""), http.StatusOK); len(got) != 0 {
			t.Errorf("%s: %v", query, got)
		}
	}
	for _, wait := range []string{"soon", "-1s", "10"} {
		want := http.StatusBadRequest
		if wait == "10" {
			want = http.StatusOK
		}
		if w := s.ask(t, "GET", "/dev/outbox?wait="+wait, ""); w.Code != want {
			t.Errorf("wait=%s: status %d, want %d", wait, w.Code, want)
		}
	}
}

func TestTheOutboxWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Outbox: &notify.Outbox{}})
		begun := time.Now()
		go func() {
			time.Sleep(3 * time.Second)
			send(t, s.Outbox, "+79000000008", "111111")
			time.Sleep(3 * time.Second)
			send(t, s.Outbox, "+79000000007", "222222")
		}()
		got := read[[]notify.Entry](t, s.ask(t, "GET", "/dev/outbox?to=79000000007&wait=10s", ""), http.StatusOK)
		if took := time.Since(begun); len(got) != 1 || got[0].Code != "222222" || took != 6*time.Second {
			t.Errorf("got %d after %v", len(got), took)
		}
		begun = time.Now()
		s.ask(t, "GET", "/dev/outbox?to=79000000009&wait=1h", "")
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("waited %v, want a minute", took)
		}
	})
}

func TestTheFormOfThePage(t *testing.T) {
	s := testStand(t, "")
	post := func(body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/dev/citizens", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept-Language", "en")
		return s.serve(r)
	}
	if w := post("name=&phone=&email=&tier=standard&second_factor=sms"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/dev/" {
		t.Errorf("status %d to %s: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	w := post("name=&phone=%2B79000000001&email=&tier=confirmed&second_factor=none")
	for _, want := range []string{`value="+79000000001"`, `value="confirmed" selected`, "<details open>", "Another citizen has it already", `id="error-summary"`} {
		if !strings.Contains(strings.ReplaceAll(w.Body.String(), "&#43;", "+"), want) {
			t.Errorf("status %d, the page lacks %s", w.Code, want)
		}
	}
	if w.Code != http.StatusUnprocessableEntity {
		t.Errorf("status = %d", w.Code)
	}
	if w := post(`{"tier": "standard"}`); w.Code != http.StatusCreated { // curl -d
		t.Errorf("JSON under the type of a form: status %d", w.Code)
	}
}

func TestThePageShowsCitizensMessagesAndAddresses(t *testing.T) {
	s := testStand(t, "")
	send(t, s.Outbox, "+79000000007", "123456")
	c := read[Citizen](t, s.ask(t, "POST", "/dev/citizens", `{"note": "made by hand"}`), http.StatusCreated)
	page := s.ask(t, "GET", "/dev/", "").Body.String()
	for _, want := range []string{"Belyj-9-parus", "Заблокирована", "123456", "http://localhost:8081/", "made by hand", c.Password, `data-step="dev"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Index(page, c.Password) > strings.Index(page, "Belyj-9-parus") {
		t.Error("a created citizen stands below the fixed ones")
	}
}

func TestRefusals(t *testing.T) {
	s := testStand(t, "")
	for i := range 501 {
		s.Refused(web.Refused{Reference: idp.NewReference(), Endpoint: "GET /authorize", ClientID: "c" + string(rune('a'+i%26)), Reason: "scope_unknown"})
	}
	s.Refused(web.Refused{Reference: "E7K2-410D", Endpoint: "GET /authorize", ClientID: "portal", Code: "invalid_request", Reason: "redirect_uri_mismatch",
		Text: "register the address", Came: "http://localhost:8081/calback", Expected: "a registered address", Nearest: "http://localhost:8081/callback"})
	if n := len(s.log.find("")); n != 500 {
		t.Errorf("%d are kept, want 500", n)
	}
	page := s.ask(t, "GET", "/dev/requests?reference=e7k2+4iod", "").Body.String()
	for _, want := range []string{"E7K2-410D", "redirect_uri_mismatch", "/calback", "/callback", "a registered address", "register the address"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if n := strings.Count(page, "GET /authorize"); n != 1 {
		t.Errorf("%d requests are shown, want 1", n)
	}
	if page := s.ask(t, "GET", "/dev/requests", "").Body.String(); strings.Count(page, "GET /authorize") != 500 {
		t.Errorf("%d of 500 are shown", strings.Count(page, "GET /authorize"))
	}
}
