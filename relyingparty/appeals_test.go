package relyingparty

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestAppealGoesToTheAgencyAndBack(t *testing.T) {
	s := newStand(t)
	b := s.browser(t)
	b.get("/appeal")
	once := b.once()
	b.post("/appeal", url.Values{"form": {once}, "subject": {" "}, "text": {strings.Repeat("я", maxText+1)}})
	b.wants(http.StatusUnprocessableEntity, "portal-appeal", `id="error-summary"`, `<a href="#agency">Выберите ведомство</a>`,
		`<a href="#subject">Напишите тему</a>`, `<a href="#text">Сократите текст до 4000 знаков</a>`, "<title>Ошибка: Подать обращение")
	if got := strings.Count(b.body, `aria-invalid="true"`); got != 3 {
		t.Errorf("%d fields are marked, want 3", got)
	}
	form := url.Values{"form": {b.once()}, "agency": {"city"}, "subject": {"Двор <script>"}, "text": {"Нет\r\nсвета"}}
	for range 2 { // a double click files once
		b.post("/appeal", form)
		b.wants(http.StatusOK, "portal-appeal-page", "Обращение № 1: Двор &lt;script&gt;", "Принято", "Нет\nсвета", "Администрация Примерска")
	}
	b.post("/appeals/1/rate", url.Values{"rating": {"5"}})
	b.get("/appeals")
	b.wants(http.StatusOK, "portal-appeals", "№ 1. Двор", "Принято")

	agency := s.browser(t)
	agency.get("/agency")
	agency.wants(http.StatusOK, "portal-agency", "Страница для показа", "№ 1. Двор")
	agency.post("/agency/1/answer", url.Values{"answer": {"рано"}})
	agency.wants(http.StatusOK, "portal-agency-appeal", "Взять в работу", "Иван Петров")
	agency.post("/agency/1/take", nil)
	agency.wants(http.StatusOK, "portal-agency-appeal", "В работе", `name="answer"`)
	agency.post("/agency/1/answer", url.Values{"answer": {"  "}})
	agency.wants(http.StatusUnprocessableEntity, "portal-agency-appeal", "Напишите ответ")
	agency.post("/agency/1/answer", url.Values{"answer": {"Починим завтра"}})
	agency.wants(http.StatusOK, "portal-agency-appeal", "Отвечено", "Починим завтра")

	b.get("/appeals/1")
	b.wants(http.StatusOK, "portal-appeal-page", "Отвечено", "Починим завтра", "Оцените ответ")
	b.post("/appeals/1/rate", url.Values{"rating": {"6"}})
	b.wants(http.StatusUnprocessableEntity, "portal-appeal-page", "Выберите оценку от 1 до 5")
	b.post("/appeals/1/rate", url.Values{"rating": {"4"}})
	b.wants(http.StatusOK, "portal-appeal-page", "Ваша оценка: 4")
	agency.get("/agency/1")
	agency.wants(http.StatusOK, "portal-agency-appeal", "Оценка гражданина: 4")
}

func TestAppealOfAnotherPersonIsNotThere(t *testing.T) {
	s := newStand(t)
	b := s.browser(t)
	b.get("/ask")
	b.post("/ask", url.Values{"form": {b.once()}, "agency": {"clinic"}, "subject": {"Тема"}, "text": {"Текст"}})
	b.wants(http.StatusOK, "portal-appeal-page")
	s.provider.set(func(p *testProvider) {
		p.onClaims = func(c map[string]any) { c["sub"] = "2" }
		p.onInfo = func(c map[string]any) { c["sub"] = "2" }
	})
	other := s.browser(t)
	other.signIn()
	for _, path := range []string{"/appeals/1", "/appeals/2", "/appeals/x"} {
		other.get(path)
		other.wants(http.StatusNotFound, "error", "Такой страницы нет")
	}
	other.post("/appeals/1/rate", url.Values{"rating": {"1"}})
	other.wants(http.StatusNotFound, "error")
	other.get("/appeals")
	other.wants(http.StatusOK, "portal-appeals", "Обращений пока нет")
}

func TestAnswerWithPersonalDetailsNeedsAConfirmedSession(t *testing.T) {
	s := newStand(t)
	s.provider.level = ACR{Tier: Confirmed}
	b, agency := s.browser(t), s.browser(t)
	b.signIn()
	b.post("/complaint", url.Values{"agency": {"housing"}, "subject": {"Тема"}, "text": {"Текст"}})
	b.wants(http.StatusOK, "portal-complaint", "К жалобе нужны паспортные данные")
	b.post("/me/passport", url.Values{"return": {"/complaint"}})
	b.post("/complaint", url.Values{"form": {b.once()}, "agency": {"housing"}, "subject": {"Тема"}, "text": {"Текст"}})
	agency.get("/agency/1")
	agency.wants(http.StatusOK, "portal-agency-appeal", "45 04 … 21", "подтверждённая")
	if strings.Contains(agency.body, "123421") {
		t.Error("the open page shows the number of the passport")
	}
	agency.post("/agency/1/take", nil)
	agency.post("/agency/1/answer", url.Values{"answer": {"Ответ с тайной"}})
	b.get("/appeals/1")
	b.wants(http.StatusOK, "portal-appeal-page", "Ответ с тайной")

	s.provider.set(func(p *testProvider) { p.level = ACR{Tier: Standard} })
	b.get("/login?return=/appeals/1")
	b.wants(http.StatusOK, "portal-appeal-page", "он только для подтверждённых", "Подтвердить личность")
	if strings.Contains(b.body, "Ответ с тайной") {
		t.Error("a standard session reads the answer")
	}
	b.post("/appeals/1/rate", url.Values{"rating": {"1"}})
	agency.get("/agency/1")
	if strings.Contains(agency.body, "Оценка гражданина") {
		t.Error("a standard session rated an answer it may not read")
	}
}

func TestAgencyPageCanBeLeftOut(t *testing.T) {
	s := newStand(t)
	w := newRecorder(NewSite(SiteConfig{Client: s.client, NoAgency: true}), "/agency")
	if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "Страница ведомства") {
		t.Errorf("status = %d, body %s", w.Code, w.Body)
	}
}

func TestRegisterIsBounded(t *testing.T) {
	var g register
	now := time.Now()
	for i := range maxAppealsOwner {
		if _, err := g.file(appeal{Owner: "one", Form: strconv.Itoa(i)}, now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.file(appeal{Owner: "one", Form: "more"}, now); !errors.Is(err, errTooManyAppeals) {
		t.Errorf("error = %v, want errTooManyAppeals", err)
	}
	for i := range maxAppeals {
		if _, err := g.file(appeal{Owner: strconv.Itoa(i)}, now); err != nil {
			t.Fatal(err)
		}
	}
	if len(g.list) != maxAppeals {
		t.Errorf("%d appeals are kept, want %d", len(g.list), maxAppeals)
	}
	if _, err := g.get(1); !errors.Is(err, errNoAppeal) {
		t.Errorf("the oldest appeal: %v, want errNoAppeal", err)
	}
}

func TestEveryPageHasATitleOfItsOwn(t *testing.T) {
	s := newStand(t)
	s.provider.level = ACR{Tier: Confirmed}
	b := s.browser(t)
	b.signIn()
	titles := map[string]string{}
	for _, path := range []string{"/", "/me", "/how", "/ask", "/appeal", "/complaint", "/appeals", "/agency", "/nowhere", "/callback"} {
		b.get(path)
		_, rest, _ := strings.Cut(b.body, "<title>")
		title, _, _ := strings.Cut(rest, "</title>")
		if other, ok := titles[title]; ok {
			t.Errorf("%s and %s share the title %q", path, other, title)
		}
		titles[title] = path
		if got := strings.Count(b.body, "<h1>"); got != 1 {
			t.Errorf("%s has %d h1", path, got)
		}
		if got := strings.Count(b.body, `id="continue"`); got > 1 {
			t.Errorf("%s has %d main buttons", path, got)
		}
	}
}
