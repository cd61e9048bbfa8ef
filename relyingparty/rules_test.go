package relyingparty

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func newRecorder(handler http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestLevelsFormALadderOnTwoAxes(t *testing.T) {
	for _, test := range []struct {
		have, want string
		enough     bool
	}{
		{"confirmed", "standard", true},
		{"standard", "standard", true},
		{"standard", "confirmed", false},
		{"standard:phr", "standard:mfa", true},
		{"standard:mfa", "standard:phr", false},
		{"confirmed", "simplified:mfa", false},
		{"simplified:phr", "standard", false},
		{"confirmed:phr", "simplified", true},
	} {
		have, err := ParseACR(acrPrefix + test.have)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ParseACR(acrPrefix + test.want)
		if err != nil {
			t.Fatal(err)
		}
		if got := have.Satisfies(want); got != test.enough {
			t.Errorf("%s satisfies %s = %v, want %v", test.have, test.want, got, test.enough)
		}
	}
	for _, raw := range []string{"", "standard", acrPrefix, acrPrefix + "gold", acrPrefix + "standard:", acrPrefix + "standard:mfa:phr",
		acrPrefix + "standard:sms", acrPrefix + ":mfa", "URN:propusk:acr:standard"} {
		if acr, err := ParseACR(raw); err == nil {
			t.Errorf("ParseACR(%q) = %v, want an error", raw, acr)
		}
	}
	if (ACR{}).Satisfies(ACR{Tier: Simplified}) {
		t.Error("no level satisfies a level")
	}
}

func TestSettingsAreCheckedAtOnce(t *testing.T) {
	_, err := New(Config{Issuer: "id.example.ru", RedirectURL: "/callback", IDTokenAlg: "HS256"})
	for _, want := range []string{"Issuer", "ClientID", "RedirectURL", "IDTokenAlg"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

func TestTableForgetsByTimeAndByNumber(t *testing.T) {
	now := time.Now()
	table := newTable[string](2, time.Hour, 10*time.Minute)
	one, two, three := digestOf("1"), digestOf("2"), digestOf("3")
	table.put(one, "one", now)
	table.put(two, "two", now)
	if _, ok := table.get(one, now.Add(time.Minute)); !ok {
		t.Fatal("a fresh entry is gone")
	}
	table.put(three, "three", now.Add(2*time.Minute))
	if _, ok := table.get(two, now.Add(2*time.Minute)); ok {
		t.Error("the least recently seen entry did not give way")
	}
	for minute := 5; minute < 60; minute += 5 {
		if _, ok := table.get(one, now.Add(time.Duration(minute)*time.Minute)); !ok {
			t.Fatalf("an entry in use ended after %d minutes", minute)
		}
	}
	if _, ok := table.get(one, now.Add(time.Hour)); ok {
		t.Error("an entry outlived its life")
	}
	if _, ok := table.get(three, now.Add(13*time.Minute)); ok {
		t.Error("an idle entry is still there")
	}
	if !table.add(one, "again", now) || table.add(one, "twice", now) {
		t.Error("add must be true for a new key alone")
	}
}

func TestTimesAreMoscowsAndHaveAYearWhenItDiffers(t *testing.T) {
	at := time.Date(2026, 11, 22, 11, 30, 0, 0, time.UTC)
	for now, want := range map[time.Time]string{at: "22 ноября, 14:30 мск", at.AddDate(1, 0, 0): "22 ноября 2026, 14:30 мск"} {
		if got := russian.moment(at, now); got != want {
			t.Errorf("moment = %q, want %q", got, want)
		}
	}
}

func TestPassportIsMasked(t *testing.T) {
	for want, document := range map[string]map[string]any{
		"45 04 … 21": {"type": "RF_PASSPORT", "series": "4504", "number": "123421"},
		"… 89":       {"type": "FID_DOC", "number": "АВ456789"},
		"… ":         {"type": "RF_PASSPORT"},
		"":           {"type": "MDCL_PLCY", "number": "123456"},
	} {
		session := &Session{Claims: &Claims{}, UserInfo: map[string]any{"documents": []any{document}}}
		if got := passportOf(session); got != want {
			t.Errorf("passport of %v = %q, want %q", document, got, want)
		}
	}
}

// forbidden are the words of DESIGN section 3 that no text may hold.
var forbidden = regexp.MustCompile(`(?i)пожалуйста|извините|недопустим|некорректн|неверный формат|успешно|необходимо|осуществить|данная страница|please|sorry|invalid|illegal|successfully`)

func TestEveryTextIsUsedWholeAndShort(t *testing.T) {
	var source strings.Builder
	for _, pattern := range []string{"*.go", "templates/*.html"} {
		names, err := fs.Glob(os.DirFS("."), pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(name, "_test.go") {
				source.Write(body)
			}
		}
	}
	for _, found := range regexp.MustCompile(`(?:\bt|text\() ?"([a-z]+\.[a-z0-9_-]+)"`).FindAllStringSubmatch(source.String(), -1) {
		if _, ok := texts[found[1]]; !ok && !strings.HasSuffix(found[1], "-") {
			t.Errorf("text %s is used and missing", found[1])
		}
	}
	composed := regexp.MustCompile(`^(kind|service|tier|factor|method|status|how\.step|how\.check|level|message|me\.source)[.-]`)
	placeholders := regexp.MustCompile(`%[sd]`)
	for key, pair := range texts {
		if !composed.MatchString(key) && !strings.Contains(source.String(), `"`+key+`"`) {
			t.Errorf("text %s is not used", key)
		}
		if ru, en := placeholders.FindAllString(pair[0], -1), placeholders.FindAllString(pair[1], -1); strings.Join(ru, "") != strings.Join(en, "") {
			t.Errorf("text %s: placeholders %v and %v", key, ru, en)
		}
		for _, text := range pair {
			if text == "" || forbidden.MatchString(text) {
				t.Errorf("text %s is empty or holds a word not used: %q", key, text)
			}
			for _, sentence := range strings.SplitAfter(text, ". ") {
				if utf8.RuneCountInString(sentence) > 140 {
					t.Errorf("text %s: a sentence is longer than 140 characters: %q", key, sentence)
				}
			}
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/", "/me?x=1", "//evil", `/\evil`, "/\t/evil", "https://evil", "/%2f/evil", "/a#b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if !LocalPath(raw) {
			return
		}
		w := httptest.NewRecorder()
		http.Redirect(w, httptest.NewRequest(http.MethodGet, "https://portal.example.ru/callback", nil), raw, http.StatusSeeOther)
		request := httptest.NewRequest(http.MethodGet, "https://portal.example.ru/callback", nil)
		target, err := request.URL.Parse(w.Header().Get("Location"))
		if err != nil || target.Host != "portal.example.ru" || target.Scheme != "https" {
			t.Errorf("%q leads to %v, %v", raw, target, err)
		}
	})
}

func FuzzParseACR(f *testing.F) {
	f.Add("urn:propusk:acr:standard")
	f.Add("urn:propusk:acr:confirmed:phr")
	f.Fuzz(func(t *testing.T, raw string) {
		if acr, err := ParseACR(raw); err == nil && acr.String() != raw {
			t.Errorf("ParseACR(%q).String() = %q", raw, acr)
		}
	})
}

func FuzzMaskedJSONHidesTokens(f *testing.F) {
	f.Add(`1}`)
	f.Add(`{"access_token":"nested"}}`)
	f.Fuzz(func(t *testing.T, rest string) {
		const secret = "0123456789abcdefghijklmnop"
		if shown := maskedJSON([]byte(`{"access_token":"` + secret + `","x":` + rest)); strings.Contains(shown, secret) {
			t.Errorf("a token is shown: %s", shown)
		}
	})
}

func FuzzReadClaimsDoesNotPanic(f *testing.F) {
	f.Add([]byte(`{"iss":"x","aud":["a","b"],"exp":1.5e9,"acr":"urn:propusk:acr:standard"}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"exp":1e400}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		claims, err := readClaims(payload)
		if err != nil {
			return
		}
		if claims.Level().Tier == "" || claims.All == nil {
			t.Errorf("claims of %q = %+v", payload, claims)
		}
	})
}
