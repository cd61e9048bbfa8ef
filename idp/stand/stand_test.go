package stand

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"propusk/idp"
	"propusk/idp/authn"
	"propusk/idp/grant"
	"propusk/idp/notify"
	"propusk/idp/web"
	"propusk/idp/web/webtest"
	"propusk/keys"
	"propusk/store"
	"propusk/store/storetest"
)

// testMaster seals what is in the image, too.
var testMaster, _ = keys.NewMaster()

// testStand is a stand with its citizens, on a database of its own: a copy of one that was seeded once, because under the
// race detector each password takes a quarter of a second.
func testStand(t *testing.T, folder string) *Stand {
	t.Helper()
	seeded.once.Do(func() {
		address := storetest.SQLiteURL(t)
		db, err := store.Open(t.Context(), address, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		standOn(t, db, "")
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if seeded.image, err = os.ReadFile(strings.TrimPrefix(address, "sqlite:")); err != nil {
			t.Fatal(err)
		}
	})
	path := filepath.Join(t.TempDir(), "stand.db")
	if err := os.WriteFile(path, seeded.image, 0o600); err != nil {
		t.Fatal(err)
	}
	return standOn(t, storetest.Open(t, "sqlite:"+path), folder)
}

var seeded struct {
	once  sync.Once
	image []byte
}

// standOn makes a stand on a database and seeds it.
func standOn(t *testing.T, db *store.DB, folder string) *Stand {
	t.Helper()
	a := &authn.Service{Store: db, Master: testMaster, Pool: authn.NewHashPool(0, 100, time.Minute), Limits: authn.DefaultLimits}
	g := &grant.Service{Store: db, Master: testMaster, Authn: a, Issuer: "http://localhost:8080"}
	s := New(Options{Store: db, Authn: a, Grant: g, Outbox: &notify.Outbox{}, Issuer: g.Issuer, Portal: "http://localhost:8081", Data: folder,
		Site: webtest.Site(t, web.Options{Stand: true, Faces: []fs.FS{Files}})})
	if err := g.Reload(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Seed(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	return s
}

// ask sends a request to the stand; a body goes as JSON.
func (s *Stand) ask(t *testing.T, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return s.serve(r)
}

func (s *Stand) serve(r *http.Request) *httptest.ResponseRecorder {
	e := echo.New()
	s.Routes(e)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

// read decodes an answer that must be JSON of a status.
func read[T any](t *testing.T, w *httptest.ResponseRecorder, status int) T {
	t.Helper()
	var v T
	if w.Code != status || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("status = %d, want %d; headers %v; body %s", w.Code, status, w.Header(), w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEveryKindOfCitizenIsThere(t *testing.T) {
	all := read[[]Citizen](t, testStand(t, "").ask(t, "GET", "/dev/citizens", ""), http.StatusOK)
	has := func(what string, is func(Citizen) bool) {
		t.Helper()
		if !slices.ContainsFunc(all, is) {
			t.Errorf("no citizen is %s", what)
		}
	}
	for _, tier := range []idp.Tier{idp.Simplified, idp.Standard, idp.Confirmed} {
		for _, factor := range []idp.Factor{idp.NoFactor, idp.SMSFactor} {
			has(fmt.Sprintf("active, %s, %s", tier, factor), func(c Citizen) bool {
				return c.Status == idp.Active && c.Tier == tier && c.SecondFactor == factor && c.Password != ""
			})
		}
	}
	for _, m := range []idp.TierMethod{idp.ByCentre, idp.ByLetter, idp.ByBank, idp.BySignature} {
		has("active and confirmed by "+string(m), func(c Citizen) bool {
			return c.Status == idp.Active && c.TierMethod == m && c.SecondFactor == idp.NoFactor
		})
	}
	has("with TOTP", func(c Citizen) bool { return c.SecondFactor == idp.TOTPFactor && c.TOTPSecret != "" })
	has("locked", func(c Citizen) bool { return c.Status == idp.Locked })
	has("without a phone", func(c Citizen) bool { return c.Phone == "" && c.Email != "" })
	has("without an e-mail", func(c Citizen) bool { return c.Email == "" && c.Phone != "" })
	has("without a patronymic", func(c Citizen) bool { return len(strings.Fields(c.Name)) == 2 })
}

func TestFieldsOfARecord(t *testing.T) {
	s := testStand(t, "")
	var all []map[string]any
	if err := json.Unmarshal(s.ask(t, "GET", "/dev/citizens", "").Body.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"name": "Кузнецов Пётр Алексеевич", "phone": "+79000000002", "email": "petr.kuznetsov@example.ru", "snils": "000-100-002 08",
		"password": "Belyj-9-parus", "status": "active", "tier": "standard", "tier_method": "", "second_factor": "none", "totp_secret": "",
		"note": "Standard, no second factor: the password alone signs in."}
	if diff := cmp.Diff(want, all[1]); diff != "" {
		t.Error(diff)
	}
}

func TestFixedCitizensAreValid(t *testing.T) {
	all, err := readFixed()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 16 {
		t.Errorf("%d citizens", len(all))
	}
	canonical := func(name, value string, parsed string, err error) {
		t.Helper()
		if value != "" && (err != nil || value != parsed) {
			t.Errorf("%s %q: parsed %q, %v", name, value, parsed, err)
		}
	}
	seen := map[string]bool{}
	for _, f := range all {
		phone, err := idp.ParsePhone(string(f.Phone))
		canonical("phone", string(f.Phone), string(phone), err)
		email, err := idp.ParseEmail(string(f.Email))
		canonical("e-mail", string(f.Email), string(email), err)
		inn, err := idp.ParseINN(string(f.INN))
		canonical("INN", string(f.INN), string(inn), err)
		snils, err := idp.ParseSNILS(f.SNILS)
		canonical("SNILS", f.SNILS, snils.Spaced(), err)
		if f.TOTPSecret != "" {
			secret, ok := readSecret(f.TOTPSecret)
			if !ok || secret != f.TOTPSecret {
				t.Errorf("TOTP secret of %s", f.OID)
			}
		}
		own := authn.Own{Names: []string{f.LastName, f.FirstName, f.MiddleName}, Emails: []string{string(f.Email)}, BirthDate: f.BirthDate}
		if p := authn.PolicyState.Check(f.Password, f.Password, own); len(p) > 0 {
			t.Errorf("password %s: %v", f.Password, p)
		}
		for _, v := range []string{string(f.Phone), string(f.Email), f.SNILS, string(f.INN), f.Password, f.OID.String()} {
			if v != "" && seen[v] {
				t.Errorf("%s stands twice", v)
			}
			seen[v] = true
		}
		if f.Note.RU == "" || f.Note.EN == "" || len(f.draft().identifiers()) == 0 {
			t.Errorf("%s lacks a note or a login", f.OID)
		}
	}
}

func TestSpecialCitizens(t *testing.T) {
	s := testStand(t, "")
	now := time.Now()
	var kinds []string
	for _, k := range s.book.all() {
		a, err := s.Store.Account(t.Context(), k.OID)
		if err != nil {
			t.Fatal(err)
		}
		docs, err := s.Store.Documents(t.Context(), k.OID)
		if err != nil {
			t.Fatal(err)
		}
		if (a.Tier == idp.Simplified) != (len(docs) == 0) || (a.Tier == idp.Simplified) != (a.SNILS == "") {
			t.Errorf("%v: tier %s, %d documents", a, a.Tier, len(docs))
		}
		for _, d := range docs {
			if d.Kind == idp.ForeignDocument {
				kinds = append(kinds, "foreign "+a.Person.Citizenship)
			} else if d.Expired(now.Format(time.DateOnly)) {
				kinds = append(kinds, "expired")
			}
		}
		if a.RecentRecovery(now.Unix()) > 0 {
			kinds = append(kinds, "recovered")
		}
		if a.Language == idp.English {
			kinds = append(kinds, "English")
		}
	}
	if diff := cmp.Diff([]string{"foreign UZB", "expired", "foreign GBR", "English", "recovered"}, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestSeedingTwiceChangesNothing(t *testing.T) {
	s := testStand(t, "")
	before := accounts(t, s)
	if _, err := s.Store.TakeTOTP(t.Context(), before[9].OID, 77); err != nil {
		t.Fatal(err)
	}
	before[9].TOTPStep = 77
	again := New(s.Options) // as after a restart with -data
	if err := again.Seed(t.Context(), time.Now().Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, accounts(t, again)); diff != "" {
		t.Error(diff)
	}
}

func accounts(t *testing.T, s *Stand) []idp.Account {
	t.Helper()
	var all []idp.Account
	for _, k := range s.book.all() {
		a, err := s.Store.Account(t.Context(), k.OID)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

func TestACitizenWhosePhoneIsTakenIsLeftOut(t *testing.T) {
	db := storetest.SQLite(t)
	if _, err := db.AddIdentifier(t.Context(), idp.Phone("+79000000003").Identifier(), 5_000_000_000, 1); err != nil {
		t.Fatal(err)
	}
	all, err := standOn(t, db, "").Citizens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fixed, _ := readFixed()
	if len(all) != len(fixed)-1 || slices.ContainsFunc(all, func(c Citizen) bool { return c.Phone == "+79000000003" }) {
		t.Errorf("%d citizens, want %d", len(all), len(fixed)-1)
	}
}

func TestOtherMethods(t *testing.T) {
	s := testStand(t, "")
	for path, allow := range map[string]string{"/dev/": "GET, HEAD", "/dev/citizens": "GET, HEAD, POST", "/dev/outbox": "GET, HEAD", "/dev/requests": "GET, HEAD"} {
		for _, method := range []string{"DELETE", "PUT", "PATCH", "OPTIONS"} {
			if w := s.ask(t, method, path, ""); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != allow {
				t.Errorf("%s %s: status %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
		if w := s.ask(t, "GET", path, ""); w.Code != http.StatusOK {
			t.Errorf("GET %s: status %d", path, w.Code)
		}
	}
	if w := s.ask(t, "POST", "/dev/outbox", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /dev/outbox: status %d", w.Code)
	}
}
