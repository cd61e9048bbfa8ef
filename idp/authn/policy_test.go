package authn

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"propusk/idp"

	"github.com/google/go-cmp/cmp"
)

var ivan = Own{
	Names:     []string{"Щукин", "Алексей", "Юрьевич", "Лев"},
	Phones:    []string{"+79123456789"},
	Emails:    []string{"al.schukin85+gos@example.ru", "Босс@пример.рф"},
	BirthDate: "1985-05-09",
	Numbers:   []string{"112-233-445 95", "4510 654321", "AB1234567"},
}

// said writes problems the way the tables below do: field, code and arguments.
func said(p idp.Problems) string {
	var out []string
	for _, e := range p {
		s := strings.TrimPrefix(e.Code, "password.")
		if e.Field == fieldRepeat {
			s = "repeat:" + s
		}
		if len(e.Args) > 0 {
			s += strings.TrimPrefix(fmt.Sprint(e.Args), "map")
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestStatePolicy(t *testing.T) {
	for name, c := range map[string]struct{ password, repeat, want string }{
		"a decent password passes":                    {"Vesna-7zontov", "Vesna-7zontov", ""},
		"a space inside is allowed":                   {"Sem zontov 7", "Sem zontov 7", ""},
		"exactly eight":                               {"Kz7!mQwb", "Kz7!mQwb", ""},
		"nothing at all":                              {"", "", "empty.new repeat:repeat"},
		"short by three":                              {"Ab1!x", "Ab1!x", "short[min:8 missing:3]"},
		"short comes before what lacks":               {"abc", "abc", "short[min:8 missing:5]"},
		"no capital letter":                           {"zontov7sem", "zontov7sem", "lacks[upper:1]"},
		"all that lacks is named":                     {"!!!!----++", "!!!!----++", "lacks[digit:1 lower:1 upper:1]"},
		"digits only":                                 {"83915274", "83915274", "lacks[lower:1 upper:1]"},
		"Russian letters are the reason of the lack":  {"Зонтовых7", "Зонтовых7", "cyrillic"},
		"a single Russian letter that looks Latin":    {"Zontоv7semKq", "Zontоv7semKq", "cyrillic"},
		"a letter of no Latin keyboard":               {"Zöntov7semKq", "Zöntov7semKq", "foreign"},
		"a tab":                                       {"Zontov7\tsemKq", "Zontov7\tsemKq", "foreign"},
		"an emoji":                                    {"Zontov7semKq🙂", "Zontov7semKq🙂", "foreign"},
		"broken UTF-8":                                {"Zontov7semKq\xff", "Zontov7semKq\xff", "foreign"},
		"a space at the end":                          {"Zontov7semKq ", "Zontov7semKq ", "space"},
		"a space at the beginning":                    {" Zontov7semKq", " Zontov7semKq", "space"},
		"256 characters":                              {long(256), long(256), ""},
		"257 characters":                              {long(257), long(257), "long[max:256]"},
		"no repetition":                               {"Vesna-7zontov", "", "repeat:repeat"},
		"another repetition":                          {"Vesna-7zontov", "Vesna-7zontoV", "repeat:differs"},
		"one problem for each field":                  {"abc", "abd", "short[min:8 missing:5] repeat:differs"},
		"common":                                      {"Password1", "Password1", "common"},
		"own":                                         {"Qk-Alexey-7vm", "Qk-Alexey-7vm", "own"},
		"common and own is called common":             {"Alexey1985", "Alexey1985", "common"},
		"composition is mended first":                 {"password", "password", "lacks[digit:1 upper:1]"},
		"of 60,000 characters no more is looked at":   {long(60000), long(60000), "long[max:256]"},
		"Russian letters in a short one are not seen": {"Пароль", "Пароль", "short[min:8 missing:2]"},
	} {
		if got := said(PolicyState.Check(c.password, c.repeat, ivan)); got != c.want {
			t.Errorf("%s: %q: got %q, want %q", name, c.password, got, c.want)
		}
	}
}

// long makes a decent password of n characters, without runs and repetitions.
func long(n int) string {
	b := []byte("Kz7!mQwb")
	for x := uint32(7); len(b) < n; {
		x = x*1664525 + 1013904223
		b = append(b, '!'+byte(x>>24)%90)
	}
	return string(b[:n-1]) + "x"
}

func TestLengthPolicy(t *testing.T) {
	for name, c := range map[string]struct{ password, want string }{
		"a few words pass, typed once":              {"семь мокрых зонтов", ""},
		"without digits and capitals":               {"correct horse battery staple", ""},
		"any script":                                {"七把湿漉漉的雨伞挂在墙上滴着水呢", ""},
		"short by one":                              {"семь мокрых зо", "short[min:15 missing:1]"},
		"code points are counted after composition": {strings.Repeat("й", 7) + "цу", "short[min:15 missing:6]"},
		"257 characters":                            {strings.Repeat("ёж идёт ", 32) + "я", "long[max:256]"},
		"broken UTF-8":                              {"семь мокрых зонтов\xff", "foreign"},
		"one key":                                   {"ааааааааааааааааа", "common"},
		"a run and a run":                           {"йцукенгшщзхъ12345", "common"},
		"one word repeated":                         {"пароль пароль пароль", "common"},
		"a repeated sentence":                       {"тарам тарам тарам", "common"},
		"own surname":                               {"семь зонтов щукина", "own"},
		"own date in words":                         {"праздник 9 мая и зонты", "own"},
		"own date in figures":                       {"семь зонтов 09.05.85", "own"},
		"own phone":                                 {"зонты 345-67-89 на стене", "own"},
	} {
		if got := said(PolicyLength.Check(c.password, "", ivan)); got != c.want {
			t.Errorf("%s: %q: got %q, want %q", name, c.password, got, c.want)
		}
	}
}

func TestCommonPasswords(t *testing.T) {
	for kind, list := range map[string]string{
		"as they are":       "password iloveyou dragon monkey sunshine пароль йцукен спартак наташа",
		"capitals":          "PassWord PASSWORD Пароль",
		"other layout":      "gfhjkm Gfhjkm1 k.,jdm yfnfif cgfhnfr ghbdtn vfhbyf Ghbdtn123 зфыыцщкв ьщтлун,1 k.,k.vfve Gfhjkm,1",
		"transliteration":   "parol natasha Natasha2010 lubov lyubov ljubov privet solnyshko solnishko krasotka zajka zayka schastye schaste sergey sergei sergej Evgeniy evgeny evgenij spartak chempion4 zhenya zhenja khabarovsk habarovsk haBarovsk1 xorosho yulya julya Yuliya julia anastasiya anastasia alyona alena kotenok kotyonok babochka gosuslugi",
		"digits for them":   "p@ssw0rd P@$$w0rd1 pa55word pa55w0rd5 5unshine m0nk3y dr4g0n h3ll0 l0ve f00tb@ll devo4ka ko6ka ma9k n@tash@ 4eburashka ch3ls34 1loveyou adm1n we1come",
		"digits around":     "password1 Password2025 Password20251987 qwerty123! 123password 7Spartak7 Moskva-2024 moscow!!! Natasha01011990 masha.1999 Tiger#2024! Password123456789 !!Dragon!!",
		"signs inside":      "pass-word p.a.s.s.w.o.r.d i-love-you I_love_you1",
		"repeated":          "passwordpassword lovelove Tigertiger1 маша-маша",
		"runs":              "12345678 87654321 qwertyui Qwerty123 asdfghjkl zxcvbnm1 1qaz2wsx3edC 1q2w3e4r Zaq12wsx йцукенгш фывапролдж qwe123asd Qwe!@#123 abcdefg1 Abc12345 абвгдеёж 0987654321 Qazwsx12 1Qazxsw2 poiuytrewq !QAZ2wsx 789456qwe",
		"repeats":           "aaaaaaaa Aa111111 11112222 abcabcabc Abcabc12 12121212 qweqweqwe asdasd123 Zz00zz00 Tr4!Tr4! 1a1a1a1a",
		"digits and a root": "1password 2qwerty2 007Bond007",
	} {
		for _, p := range strings.Fields(list) {
			if !isCommon(p) {
				t.Errorf("%s: %s is not called common", kind, p)
			}
		}
	}
}

// Decent passwords: of managers, of words put together, of first letters of a sentence.
var decent = strings.Fields(`
	Vesna-7zontov Kofe-Na-Balkone7 3BelyhMedvedya ZelenyjChajnik42x Sem7Mokryh-Zontov Kz7!mQwb tG4#pLw9 Xk7qwe!T hJ8-vRt2-Qp
	oY2nfCw8kd R4nd0mWalkHome Tiger-river-19-lamp bluEfox7jumps Mvnmdn7p! V-lesu-rodilas-1 NeZabud'Zont8 5Kotov+2Psa
	Gruzd9nazvalsya Pyat7okonNaYug Zima.blizko.1Chay Umbrella7Walks b7Sk!aUz Wq4-Lz9-Tn2 9tQ!x3vB CherryOnTop77now
	LampaStol3Okno Hleb5iVoda Dozhd4idet-sutra k8Ytr!fW Rb6mZq2x Pl4ty-pus-is-shy Moj-kot-spit-v-9 y5T#gHn7 KrokusyVmarte3
	Nebo+More=4ever SlonNaKryshe8 7nyanekDitya xVb83-jjR2k Stol1kNa-troih Tramvaj22doma MPtQ2s8v Uhod1mNaSever Bereg3tumanov
	Wind0wOverRiver Zelen1jLugDom aG9!kL2m fox.Lamp.9.tree 2ChashkiKofe. DvaKolesaI1rul Lunnyj8Kamen-v-vode KvartetNa5etazhe
	Ehal-Greka-4erez Vyshe8neba-dom P7r!vDt5 nUmb3rOfStars-k`)

func TestDecentPasswordsPass(t *testing.T) {
	if len(decent) < 50 {
		t.Fatalf("only %d examples", len(decent))
	}
	for _, p := range decent {
		if got := said(PolicyState.Check(p, p, ivan)); got != "" {
			t.Errorf("%s: got %q", p, got)
		}
	}
}

func TestOwnData(t *testing.T) {
	for kind, list := range map[string]string{
		"surname":       "Kq-Shchukin-7 xxSchukin9z Щукин-7xz shukin8Kq xx-ШУКИН1щукин Zz7schukinazz",
		"other layout":  "Oerby-7kQ Fktrctq7zQ",
		"digits for it": "Kq-Al3xey-z7 @lexej-Zont7 A1exey_kQ",
		"first name":    "Aleksey7Kq aleksejKq8z Kq7ALEXEI zont.Алексей7 Kq-a-l-e-k-s-e-y-7",
		"patronymic":    "kqYurevich7 Jurjevich-77q Yuryevich7kq",
		"short name":    "Lev-7zontov Lev2010zont 77LevTri zont.7lev",
		"mail":          "Kq-al.schukin85 kqschukin85Z Zont-boss-7 Zont-Босс-7",
		"phone":         "Kq+79123456789 Kq89123456789 kq9123456789 Zont345-67-89 Zz3456789kq (912)345.67.89kQ",
		"birth date":    "Kq09051985 kq9.5.1985Z Zont090585 Zont850509z Zont19850509 Zont1985-05-09 9maya-Zontov 9may85-Kqz Zont05091985 Kq-may9-1985zz 09мая",
		"SNILS":         "Kq11223344595 Kq112-233-445z 112233445Kq",
		"document":      "Kq654321zz Zont4510654321 65-43-21Kqz AB1234567kq ab-1234567Kq Kq1234567zz",
	} {
		for _, p := range strings.Fields(list) {
			if !ivan.within(p) {
				t.Errorf("%s: %s is not called own", kind, p)
			}
		}
	}
	for reason, list := range map[string]string{
		"three letters within a word":    "Clever-Fox7 Televizor7z klever7Kqz",
		"a year":                         "Zont1985kqW",
		"other digits":                   "Zont7000321kQ2 Zont0905kq Kq6789zz",
		"other names":                    "Zont-Olga-7 Alexandra7kq Zuckerman-7",
		"digits with letters in between": "345a67b89Kqz",
	} {
		for _, p := range strings.Fields(list) {
			if ivan.within(p) {
				t.Errorf("%s: %s is called own", reason, p)
			}
		}
	}
}

func TestForeignersOwnData(t *testing.T) {
	smith := Own{Names: []string{"Smith-Jones", "Robert", "Li"}, Emails: []string{"li@example.com"}, BirthDate: "not a date", Numbers: []string{"", "12"}}
	for _, p := range []string{"smith-kq77", "kqJONES77", "Кв-роберт-77", "Кщиуке-77x"} {
		if !smith.within(p) {
			t.Errorf("%s is not called own", p)
		}
	}
	if smith.within("Li-Kamen-77q12") {
		t.Error("two letters or digits were taken for a name")
	}
}

func TestPolicyIsParsed(t *testing.T) {
	for s, want := range map[string]Policy{"": PolicyState, "state": PolicyState, "length": PolicyLength} {
		if p, err := ParsePolicy(s); p != want || err != nil {
			t.Errorf("%q: got %v, %v", s, p, err)
		}
	}
	if _, err := ParsePolicy("State"); !errors.Is(err, idp.Invalid) {
		t.Errorf("err = %v, want Invalid", err)
	}
}

func TestOwnIsNotLogged(t *testing.T) {
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "own", ivan)
	if strings.Contains(log.String(), "912") || !strings.Contains(log.String(), "hidden") {
		t.Errorf("log = %s", log.String())
	}
}

func TestCommonWordsFile(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(commonText) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, w := range strings.Fields(line) {
			latin, russian := strings.ContainsAny(w, "abcdefghijklmnopqrstuvwxyz"), strings.ContainsAny(w, "абвгдеёжзийклмнопрстуфхцчшщъыьэюя")
			switch {
			case latin && russian:
				t.Errorf("%s mixes alphabets", w)
			case len([]rune(w)) < shortestRoot:
				t.Errorf("%s is too short", w)
			case seen[w]:
				t.Errorf("%s stands twice", w)
			case w != strings.ToLower(w):
				t.Errorf("%s is not in lower case", w)
			}
			seen[w] = true
		}
	}
	if len(seen) < 5000 {
		t.Errorf("only %d roots", len(seen))
	}
}

func TestSkeleton(t *testing.T) {
	for name, spellings := range map[string]string{
		"Щука":    "щука shchuka schuka shhuka",
		"Юлия":    "юлия yuliya julija iuliia julia yulia",
		"Хорошая": "хорошая khoroshaya horoshaja",
		"Сергей":  "сергей sergey sergei sergej",
	} {
		got := map[string]bool{}
		for _, s := range strings.Fields(spellings) {
			got[skeleton(s)] = true
		}
		if len(got) != 1 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A person may bear a name that makes a search with retreat take for ever.
func TestHostileInputIsCheckedInTime(t *testing.T) {
	names := []string{strings.Repeat("ь", 100), strings.Repeat("ый", 50), strings.Repeat("кс", 50), strings.Repeat("ё-", 50), strings.Repeat("ёёёё-", 20)}
	own := Own{Names: names, Emails: []string{strings.Repeat("a.", 100) + "@x"}, BirthDate: "2000-11-11"}
	limit := 2 * time.Second
	if os.Getenv("TEST_REQUIRE") != "" {
		limit = 20 * time.Second // under the race detector, on shared cores
	}
	for _, unit := range []string{"i", "y", "iy", "ks", "o", "!", "1", "11:", "a1", "A1b!", "pa55", "Zq7"} {
		p := strings.Repeat(unit, longestPassword/len(unit))
		start := time.Now()
		PolicyLength.Check(p, "", own)
		if d := time.Since(start); d > limit {
			t.Errorf("%q repeated: %v", unit, d)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("Password1", "Щукин", "al@x", "1985-05-09")
	f.Add("Gfhjkm,1", "O'Neil-Smith", "\xff@", "31.12")
	f.Fuzz(func(t *testing.T, password, name, email, number string) {
		own := Own{Names: []string{name}, Emails: []string{email}, Phones: []string{number}, BirthDate: number, Numbers: []string{number}}
		for _, policy := range []Policy{PolicyState, PolicyLength} {
			for _, e := range policy.Check(password, password, own) {
				if e.Kind != idp.Invalid || e.Code == "" || e.Field == "" {
					t.Errorf("problem = %v", e)
				}
				for _, arg := range e.Args {
					if len(arg) > 3 {
						t.Errorf("an argument repeats what was typed: %v", e.Args)
					}
				}
			}
		}
	})
}

func TestProblemsAreOneForEachField(t *testing.T) {
	p := PolicyState.Check("abc", "x", Own{})
	want := idp.Problems{
		{Kind: idp.Invalid, Code: "password.short", Field: "password", Args: map[string]string{"min": "8", "missing": "5"}},
		{Kind: idp.Invalid, Code: "password.differs", Field: "password_repeat"},
	}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, p := range []string{"Vesna-7zontov", "xVb83-jjR2k!77", long(64), long(256)} {
		b.Run(fmt.Sprint(len(p)), func(b *testing.B) {
			for b.Loop() {
				PolicyState.Check(p, p, ivan)
			}
		})
	}
}
