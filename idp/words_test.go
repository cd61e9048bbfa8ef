package idp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"propusk/idp"
)

func TestAnACRIsReadAndWritten(t *testing.T) {
	for _, text := range idp.AllACRs() {
		a, err := idp.ParseACR(text)
		if err != nil || a.String() != text {
			t.Errorf("ParseACR(%q) = %v, %v", text, a, err)
		}
	}
	if n := len(idp.AllACRs()); n != 9 {
		t.Errorf("%d values, want 9", n)
	}
	for _, text := range []string{"", "0", "gold", "urn:propusk:acr:", "urn:propusk:acr:gold", "urn:propusk:acr:standard:", "urn:propusk:acr:standard:mfa:phr",
		"urn:propusk:acr:standard:MFA", "urn:propusk:acr:Standard", "standard", "urn:propusk:acr::mfa", " urn:propusk:acr:standard"} {
		if a, err := idp.ParseACR(text); err == nil {
			t.Errorf("ParseACR(%q) = %v", text, a)
		}
	}
}

func TestTheLadderGoesBothWays(t *testing.T) {
	all := []idp.ACR{}
	for _, text := range idp.AllACRs() {
		a, _ := idp.ParseACR(text)
		all = append(all, a)
	}
	for _, a := range all {
		for _, b := range all {
			want := a.Tier.Rank() >= b.Tier.Rank() && a.Strength >= b.Strength
			if a.Satisfies(b) != want {
				t.Errorf("%v satisfies %v: %v", a, b, !want)
			}
		}
	}
	if idp.Tier("").AtLeast(idp.Simplified) || !idp.Confirmed.AtLeast(idp.Standard) || idp.LowerTier(idp.Confirmed, idp.Simplified) != idp.Simplified {
		t.Error("tiers are not in order")
	}
	for _, bad := range []string{"", "gold", "Confirmed"} {
		if _, err := idp.ParseTier(bad); err == nil {
			t.Errorf("tier %q", bad)
		}
		if _, err := idp.ParseTierMethod(bad); err == nil {
			t.Errorf("tier method %q", bad)
		}
	}
}

func acrs(words ...string) (out []idp.ACR) {
	for _, w := range words {
		a, err := idp.ParseACR("urn:propusk:acr:" + w)
		if err != nil {
			panic(err)
		}
		out = append(out, a)
	}
	return out
}

func TestTheReturnedACRIsTheFirstThatIsSatisfied(t *testing.T) {
	for name, c := range map[string]struct {
		asked   []idp.ACR
		reached string
		want    string
	}{
		"nothing asked":                {nil, "standard:mfa", "standard:mfa"},
		"the first":                    {acrs("simplified", "standard"), "confirmed:mfa", "simplified"},
		"the second":                   {acrs("confirmed", "standard"), "standard", "standard"},
		"none: the level reached":      {acrs("confirmed:phr", "standard:mfa"), "confirmed", "confirmed"},
		"a stronger factor satisfies":  {acrs("standard:mfa"), "standard:phr", "standard:mfa"},
		"a higher tier does not alone": {acrs("standard:mfa"), "confirmed", "confirmed"},
	} {
		if got := idp.ReturnedACR(c.asked, acrs(c.reached)[0]); got != acrs(c.want)[0] {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

func TestWhatIsWantedOfASignInDependsOnWhatTheAccountCanProve(t *testing.T) {
	phone := func(a *idp.Account) { a.PhoneVerifiedAt = 1 }
	for name, c := range map[string]struct {
		r        idp.AuthRequest
		change   func(*idp.Account)
		want     string
		demanded bool
	}{
		"nothing asked":                              {idp.AuthRequest{}, nil, "simplified", false},
		"the client's tier is demanded":              {idp.AuthRequest{MinimumTier: idp.Confirmed}, nil, "confirmed", true},
		"the first value that can be proved":         {idp.AuthRequest{ACRs: acrs("confirmed", "standard:mfa", "standard")}, nil, "standard", false},
		"with a phone the second can be proved":      {idp.AuthRequest{ACRs: acrs("confirmed", "standard:mfa", "standard")}, phone, "standard:mfa", false},
		"none can be proved and none is demanded":    {idp.AuthRequest{ACRs: acrs("confirmed:phr")}, nil, "simplified", false},
		"none can be proved and the first is wanted": {idp.AuthRequest{ACRs: acrs("confirmed:phr", "confirmed"), ACREssential: true}, nil, "confirmed:phr", true},
		"essential and can be proved":                {idp.AuthRequest{ACRs: acrs("standard:mfa"), ACREssential: true}, phone, "standard:mfa", true},
		"the client's tier raises a lower value":     {idp.AuthRequest{ACRs: acrs("simplified:mfa"), MinimumTier: idp.Standard}, phone, "standard:mfa", true},
	} {
		a := idp.Account{Tier: idp.Standard}
		if c.change != nil {
			c.change(&a)
		}
		if got, demanded := c.r.Wanted(a); got != acrs(c.want)[0] || demanded != c.demanded {
			t.Errorf("%s: %v, %v; want %s, %v", name, got, demanded, c.want, c.demanded)
		}
	}
}

func TestStrengthFollowsFromTheMethods(t *testing.T) {
	for methods, want := range map[string]string{
		"": "0 []", "pwd": "0 [pwd]", "sms": "0 [sms]", "pwd sms": "1 [pwd sms mfa]", "pwd otp": "1 [pwd otp mfa]", "pwd hwk": "1 [pwd hwk mfa]",
		"hwk user": "2 [hwk user mfa]", "swk user": "2 [swk user mfa]", "user": "0 [user]", "hwk": "0 [hwk]",
	} {
		a := idp.Authentication{Methods: strings.Fields(methods)}
		if got := fmt.Sprint(int(a.Strength()), " ", a.AMR()); got != want {
			t.Errorf("%q: %s, want %s", methods, got, want)
		}
	}
}

func TestTheTierOfASignInIsNeverHigherThanThatOfTheAccountNow(t *testing.T) {
	signedIn := idp.Authentication{Tier: idp.Standard, TierAt: 1, TierMethod: ""}
	if got := signedIn.Now(idp.Account{Tier: idp.Confirmed, TierAt: 2, TierMethod: idp.ByBank}); cmp.Diff(signedIn, got) != "" {
		t.Errorf("raised since: %+v", got)
	}
	if got := signedIn.Now(idp.Account{Tier: idp.Simplified, TierAt: 3}); got.Tier != idp.Simplified || got.TierAt != 3 {
		t.Errorf("fallen since: %+v", got)
	}
}

func TestAnAccountAsksForAFactorThatItHas(t *testing.T) {
	for name, c := range map[string]struct {
		a    idp.Account
		want string
	}{
		"none":                           {idp.Account{SecondFactor: idp.NoFactor}, "[] none 0"},
		"a phone that is not on":         {idp.Account{SecondFactor: idp.NoFactor, PhoneVerifiedAt: 1}, "[sms] none 1"},
		"a phone":                        {idp.Account{SecondFactor: idp.SMSFactor, PhoneVerifiedAt: 1}, "[sms] sms 1"},
		"an app and a phone":             {idp.Account{SecondFactor: idp.TOTPFactor, PhoneVerifiedAt: 1, TOTPSecret: []byte{1}}, "[totp sms] totp 1"},
		"a phone that is not theirs yet": {idp.Account{SecondFactor: idp.SMSFactor, Phone: "+79123456789"}, "[] none 0"},
	} {
		if got := fmt.Sprint(c.a.Factors(), " ", c.a.DefaultFactor(), " ", int(c.a.Reach())); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	a := idp.Account{RecoveredAt: 1000}
	if a.RecentRecovery(1000+idp.RecoveryPause-1) != 1000 || a.RecentRecovery(1000+idp.RecoveryPause) != 0 || (idp.Account{}).RecentRecovery(5) != 0 {
		t.Error("the pause after a recovery is not 72 hours")
	}
}

func TestScopesOpenTheirAttributesInTheOrderOfConsent(t *testing.T) {
	for scopes, want := range map[string]string{
		"": "[]", "openid offline_access address unheard": "[]", "profile": "[name birth_date gender]", "inn snils": "[snils inn]", "contacts": "[phone email]",
		"mobile phone": "[phone]", "email fullname birthplace citizenship id_doc": "[name birth_place citizenship document email]",
	} {
		if got := fmt.Sprint(idp.Opens(strings.Fields(scopes))); got != want {
			t.Errorf("Opens(%s) = %s, want %s", scopes, got, want)
		}
	}
	if got := idp.Opens(idp.Scopes()); cmp.Diff(idp.Attributes, got) != "" {
		t.Errorf("all scopes open %v", got)
	}
	if !slices.IsSorted(idp.Scopes()) || idp.KnownScope("unheard") || !idp.KnownScope("id_doc") {
		t.Error("Scopes")
	}
	if got := fmt.Sprint(idp.ScopesFor(idp.AttrPhone, []string{"openid", "phone", "contacts", "snils"})); got != "[phone contacts]" {
		t.Error(got)
	}
}

// whole is an account of which every value is a word of its own, so that a leak is seen.
func whole() (idp.Account, []idp.Document) {
	return idp.Account{OID: 7, Person: idp.Person{LastName: "LAST", FirstName: "FIRST", MiddleName: "MIDDLE", BirthDate: "BIRTHDATE", BirthPlace: "PLACE",
			Gender: "GENDER", Citizenship: "CITIZENSHIP"}, SNILS: "SNILS", INN: "TAX", Phone: "PHONE", PhoneVerifiedAt: 1, Email: "EMAIL", EmailVerifiedAt: 1,
			PasswordHash: "PASSWORD", TOTPSecret: []byte("TOTP"), UpdatedAt: 5},
		[]idp.Document{{Kind: idp.ForeignDocument, Number: "FOREIGN"}, {Kind: idp.RFPassport, Series: "SERIES", Number: "PASSPORT"}}
}

func TestAReleaseHoldsWhatIsOpenedAndNothingElse(t *testing.T) {
	words := map[idp.Attribute][]string{idp.AttrName: {"LAST", "FIRST", "MIDDLE"}, idp.AttrBirthDate: {"BIRTHDATE"}, idp.AttrGender: {"GENDER"},
		idp.AttrBirthPlace: {"PLACE"}, idp.AttrCitizenship: {"CITIZENSHIP"}, idp.AttrSNILS: {"SNILS"}, idp.AttrINN: {"TAX"},
		idp.AttrDocument: {"SERIES", "PASSPORT"}, idp.AttrPhone: {"PHONE"}, idp.AttrEmail: {"EMAIL"}}
	a, documents := whole()
	for opened := range 1 << len(idp.Attributes) {
		var allowed []idp.Attribute
		var want []string
		for i, attr := range idp.Attributes {
			if opened>>i&1 == 1 {
				allowed, want = append(allowed, attr), append(want, words[attr]...)
			}
		}
		r := idp.ReleaseOf(a, documents, allowed)
		r.Attributes = nil
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		got := regexp.MustCompile(`"[A-Z]{3,}"`).FindAllString(strings.ReplaceAll(string(text), "RF_PASSPORT", ""), -1)
		for i := range got {
			got[i] = strings.Trim(got[i], `"`)
		}
		names := []string{"SNILS", "INN"} // of members
		got = slices.DeleteFunc(got, func(w string) bool { return slices.Contains(names, w) && !strings.Contains(string(text), `:"`+w+`"`) })
		slices.Sort(got)
		slices.Sort(want)
		if got = slices.Compact(got); cmp.Diff(want, got) != "" && len(want)+len(got) > 0 {
			t.Fatalf("allowed %v (-want +got):\n%s", allowed, cmp.Diff(want, got))
		}
	}
	if r := idp.ReleaseOf(a, documents[:1], []idp.Attribute{idp.AttrDocument}); r.Document == nil || r.Document.Number != "FOREIGN" || !r.Opened(idp.AttrDocument) || r.Opened(idp.AttrName) {
		t.Errorf("a foreign document: %+v", r.Document)
	}
}

func TestNothingOfThePersonReachesALog(t *testing.T) {
	a, documents := whole()
	var out strings.Builder
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("x", "account", a, "person", a.Person, "document", documents[1], "phone", idp.Phone("+79123456789"), "email", a.Email, "snils", a.SNILS, "inn", a.INN)
	for _, word := range []string{"LAST", "BIRTHDATE", "SERIES", "PASSPORT", "345", "EMAIL", "SNILS", "TAX", "PASSWORD", "TOTP"} {
		if strings.Contains(out.String(), word) {
			t.Errorf("%s is in the log: %s", word, out.String())
		}
	}
}

func TestIDsSortByTimeAndComeBack(t *testing.T) {
	at := time.UnixMilli(1_800_000_000_123)
	var last idp.ID
	seen := map[idp.ID]bool{}
	for i := range 1000 {
		id := idp.NewID(at.Add(time.Duration(i) * time.Millisecond))
		if id <= last || seen[id] || !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(string(id)) {
			t.Fatalf("%s after %s", id, last)
		}
		b := id.Bytes()
		if back, ok := idp.IDFromBytes(b[:]); !ok || back != id {
			t.Fatalf("%s came back as %s", id, back)
		}
		last, seen[id] = id, true
	}
	for _, bad := range []idp.ID{"", "x", "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz", last + "0"} {
		if bad.Bytes() != [16]byte{} {
			t.Errorf("%q has bytes", bad)
		}
	}
	if _, ok := idp.IDFromBytes([]byte("short")); ok {
		t.Error("short bytes are an ID")
	}
}

func TestNumbersOfAccountsFitAJSONNumber(t *testing.T) {
	for range 10_000 {
		o := idp.NewOID()
		if back, err := idp.ParseOID(o.String()); back != o || err != nil || o < 1_000_000_000 || float64(o) != float64(int64(float64(o))) {
			t.Fatalf("%d came back as %d, %v", o, back, err)
		}
	}
	for _, bad := range []string{"", "0", "-5", "+5", "05", "5 ", "0x5", "9007199254740992", "99999999999999999999", "5.0", "٥"} {
		if o, err := idp.ParseOID(bad); err == nil {
			t.Errorf("ParseOID(%q) = %d", bad, o)
		}
	}
}

func TestSecretsAndReferenceCodesHaveTheirShape(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s, r := idp.NewSecret(), idp.NewReference()
		if len(s) != 43 || seen[s] || !regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$`).MatchString(r) || seen[r] {
			t.Fatalf("secret %q, reference %q", s, r)
		}
		seen[s], seen[r] = true, true
	}
}

func TestARedirectIsComparedLetterByLetterButForTheLoopbackPort(t *testing.T) {
	c := idp.Client{RedirectURIs: []string{"https://portal.example.ru/cb", "https://portal.example.ru/cb?a=1", "http://127.0.0.1/cb", "http://[::1]:5000/cb?x=%2F",
		"http://localhost:8081/cb", "ru.example.app:/cb"}, PostLogoutURIs: []string{"https://portal.example.ru/"}}
	for uri, want := range map[string]bool{
		"https://portal.example.ru/cb": true, "https://portal.example.ru/cb?a=1": true, "ru.example.app:/cb": true,
		"http://127.0.0.1/cb": true, "http://127.0.0.1:49152/cb": true, "http://[::1]/cb?x=%2F": true, "http://[::1]:1/cb?x=%2F": true, "http://localhost:8081/cb": true,
		"": false, "https://portal.example.ru/cb/": false, "https://portal.example.ru/CB": false, "https://portal.example.ru:443/cb": false,
		"https://portal.example.ru/cb?a=2": false, "https://portal.example.ru/cb#": false, "http://portal.example.ru/cb": false,
		"http://localhost:8082/cb": false, "http://127.0.0.2/cb": false, "https://127.0.0.1/cb": false, "http://127.0.0.1/other": false,
		"http://127.0.0.1/cb?x": false, "http://127.0.0.1/cb?": false, "http://127.0.0.1/cb#": false, "http://127.0.0.1:5/cb#x": false, "http://a@127.0.0.1/cb": false,
		"http://[::1]/cb?x=/": false, "http://127.0.0.1.example.ru/cb": false, "http://127.0.0.1:5@example.ru/cb": false, "http://127.0.0.1\\@example.ru/cb": false,
		"ru.example.app:/cb2": false, "https://portal.example.ru/": false,
	} {
		if got := c.RedirectAllowed(uri); got != want {
			t.Errorf("RedirectAllowed(%q) = %v, want %v", uri, got, want)
		}
	}
	if !c.PostLogoutAllowed("https://portal.example.ru/") || c.PostLogoutAllowed("https://portal.example.ru/cb") {
		t.Error("post_logout_redirect_uri")
	}
}

func TestAnAddressIsShownAndGuardedByItsHost(t *testing.T) {
	for uri, want := range map[string]string{
		"https://portal.example.ru/cb?x": "portal.example.ru https://portal.example.ru", "http://localhost:8081/cb": "localhost:8081 http://localhost:8081",
		"ru.example.app:/cb": "ru.example.app ru.example.app:", "::": " ",
	} {
		if got := idp.Host(uri) + " " + idp.Origin(uri); got != want {
			t.Errorf("%q: %q, want %q", uri, got, want)
		}
	}
	for host, want := range map[string]bool{"localhost": true, "LOCALHOST:80": true, "a.localhost": true, "127.0.0.1:8080": true, "127.9.9.9": true, "[::1]:5": true,
		"localhost.example.ru": false, "example.ru": false, "192.168.0.1": false, "": false, "notlocalhost": false, "127.1": false} {
		if got := idp.Loopback(host); got != want {
			t.Errorf("Loopback(%q) = %v", host, got)
		}
	}
}

func TestAClientNeedsPKCEUnlessItsOperatorSaysOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		client idp.Client
		want   bool
	}{"confidential": {idp.Client{RequirePKCE: true}, true}, "switched off": {idp.Client{}, false}, "public": {idp.Client{AuthMethod: idp.AuthNone}, true}} {
		if got := c.client.NeedsPKCE(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	c := idp.Client{ID: "id"}
	if c.Shown() != "id" || c.Asker() != "id" {
		t.Error("a client without a name shows its ID")
	}
	c.Name, c.Organization = "name", "organization"
	if c.Shown() != "name" || c.Asker() != "organization" {
		t.Error("the organization gets the data")
	}
}

func TestALanguageIsReadByItsFirstPart(t *testing.T) {
	for tag, want := range map[string]idp.Language{"ru": "ru", "ru-RU": "ru", "RU_ru": "ru", "en-GB": "en", "En": "en", "de": "", "rus": "", "r": "", "": "", "english": ""} {
		if got, ok := idp.ParseLanguage(tag); got != want || ok != (want != "") {
			t.Errorf("ParseLanguage(%q) = %q, %v", tag, got, ok)
		}
	}
}

func TestAnErrorIsItsKindThroughAnyWrapping(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("redeem code: %w", idp.Fail(idp.Gone, "code.used").Because(cause))
	if !errors.Is(err, idp.Gone) || errors.Is(err, idp.NotFound) || !errors.Is(err, cause) || err.Error() != "redeem code: gone: code.used: cause" {
		t.Error(err)
	}
	many := idp.Problems{idp.Wrong("a", "a.empty"), idp.Wrong("b", "b.empty")}
	wrapped := fmt.Errorf("begin: %w", many.OrNil())
	if !errors.Is(wrapped, idp.Invalid) || len(idp.ProblemsOf(wrapped)) != 2 || len(idp.ProblemsOf(idp.Wrong("a", "x"))) != 1 || idp.ProblemsOf(cause) != nil {
		t.Error(wrapped)
	}
	if (idp.Problems{}).OrNil() != nil || codeOf(idp.Wrong("f", "c")) != "c" || idp.Wrong("f", "c").Error() != "invalid: c (f)" {
		t.Error("no problems are no error")
	}
}

func FuzzACRAndRedirects(f *testing.F) {
	for _, s := range []string{"urn:propusk:acr:standard:mfa", "http://127.0.0.1:5/cb", "http://[::1]/cb", "5"} {
		f.Add(s)
	}
	c := idp.Client{RedirectURIs: []string{"http://127.0.0.1/cb", "http://[::1]/cb", "https://portal.example.ru/cb"}}
	allowed := regexp.MustCompile(`^(?i:http)://(127\.0\.0\.1|\[::1\])(:[0-9]*)?/cb$`)
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := idp.ParseACR(s); err == nil && a.String() != s {
			t.Errorf("ParseACR(%q) = %v", s, a)
		}
		if o, err := idp.ParseOID(s); err == nil && o.String() != s {
			t.Errorf("ParseOID(%q) = %v", s, o)
		}
		if c.RedirectAllowed(s) && s != c.RedirectURIs[2] && !allowed.MatchString(s) {
			t.Errorf("RedirectAllowed(%q)", s)
		}
		_, _, _ = idp.Host(s), idp.Origin(s), idp.Loopback(s)
		_, _ = idp.ParseLanguage(s)
	})
}
