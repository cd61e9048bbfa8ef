package relyingparty

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSignInShowsWhoTheVisitorIsAndEveryMessage(t *testing.T) {
	s := newStand(t)
	b := s.browser(t)
	b.get("/")
	b.wants(http.StatusOK, "portal", "Портал обращений (образец)", "Это не настоящее ведомство", "Войти через Пропуск", "Что это?",
		s.provider.URL+"/help#what", "code_challenge_method", `id="continue"`)
	b.signIn()
	b.wants(http.StatusOK, "portal-me", "Здравствуйте, Иван", "стандартная", "urn:propusk:acr:standard", "112-233-445 95",
		"Запросить паспорт", "Подтвердить вход заново", "Выйти", "Эта услуга только для подтверждённых", "Подтвердить личность",
		"&#34;alg&#34;: &#34;ES256&#34;")
	b.get("/how")
	b.wants(http.StatusOK, "portal-how", "Браузер идёт на вход", "Браузер возвращается с кодом", "Портал меняет код на токены",
		"Портал спрашивает сведения", "Basic base64(portal:…)", "Ответ 200")
	session, _ := s.client.sessions.get(onlyKey(t, s), time.Now())
	for _, secret := range []string{"secret & more", url.QueryEscape("secret & more"), session.accessToken, session.refreshToken, session.IDToken} {
		if strings.Contains(b.body, secret) {
			t.Errorf("the page shows a secret: %s", secret)
		}
	}
	var steps []string
	for _, e := range session.Trace {
		steps = append(steps, e.Step)
	}
	if diff := cmp.Diff([]string{"authorize", "callback", "token", "userinfo"}, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// onlyKey is the key of the one session there is.
func onlyKey(t *testing.T, s *stand) digest {
	t.Helper()
	if len(s.client.sessions.entries) != 1 {
		t.Fatalf("there are %d sessions, want 1", len(s.client.sessions.entries))
	}
	for key := range s.client.sessions.entries {
		return key
	}
	return digest{}
}

func TestCallbackMayComeTwiceButOnlyInItsBrowser(t *testing.T) {
	s := newStand(t)
	b, stranger := s.browser(t), s.browser(t)
	stopped := b.stopAt("/callback")
	b.get("/login?return=%2Fhow")
	callback := stopped()

	stranger.get(callback)
	stranger.wants(http.StatusBadRequest, "portal-error", "Вход не состоялся", "Вход начат в другом браузере", "Попробовать ещё раз")
	b.do(http.MethodHead, callback, nil)
	if b.status != http.StatusMethodNotAllowed {
		t.Errorf("HEAD status = %d, want 405", b.status)
	}
	for range 2 {
		b.get(callback)
		if b.wants(http.StatusOK, "portal-how"); b.at != "/how" {
			t.Errorf("landed on %s, want /how", b.at)
		}
	}
	if got := s.provider.count("/token"); got != 1 {
		t.Errorf("the code was redeemed %d times", got)
	}
	onlyKey(t, s)
	b.post("/logout", nil)
	b.get(callback)
	b.wants(http.StatusBadRequest, "portal-error", "Этот вход уже завершён")
}

func TestTwoTabsSignInIndependently(t *testing.T) {
	s := newStand(t)
	b := s.browser(t)
	stopped := b.stopAt("/callback")
	b.get("/login?return=%2Fhow")
	first := stopped()
	stopped = b.stopAt("/callback")
	b.get("/login?return=%2Fappeals")
	second := stopped()
	b.get(second)
	b.wants(http.StatusOK, "portal-appeals")
	b.get(first)
	b.wants(http.StatusOK, "portal-how")
	onlyKey(t, s)
}

func TestVisitorReturnsOnlyToPathsOfThisSite(t *testing.T) {
	for raw, want := range map[string]string{"/how": "/how", "//evil.example": "/me", "https://evil.example/": "/me",
		`/\evil.example`: "/me", "": "/me", "javascript:alert(1)": "/me"} {
		b := newStand(t).browser(t)
		b.get("/login?" + url.Values{"return": {raw}}.Encode())
		if b.at != want {
			t.Errorf("return=%q landed on %s, want %s", raw, b.at, want)
		}
	}
}

func TestServiceAsksForItsLevel(t *testing.T) {
	s := newStand(t)
	b := s.browser(t)
	b.get("/complaint")
	b.wants(http.StatusForbidden, "portal-error", "Нужный уровень учётной записи не достигнут", "подтверждённая", "unmet_authentication_requirements")
	b.get("/appeal")
	if b.wants(http.StatusOK, "portal-appeal"); b.at != "/appeal" {
		t.Errorf("landed on %s, want the page that was wanted", b.at)
	}
	b.get("/ask")
	b.wants(http.StatusOK, "portal-question")
	b.get("/complaint")
	b.wants(http.StatusForbidden, "portal-level", "Эта услуга только для подтверждённых", "Подтвердить личность")
	b.post("/complaint", url.Values{"subject": {"x"}})
	b.wants(http.StatusForbidden, "portal-level")

	s.provider.set(func(p *testProvider) { p.level = ACR{Tier: Confirmed} })
	b.post("/step-up", url.Values{"acr": {"urn:propusk:acr:confirmed"}, "return": {"/complaint"}})
	b.wants(http.StatusOK, "portal-complaint", "К жалобе нужны паспортные данные")
	b.post("/me/passport", url.Values{"return": {"/complaint"}})
	b.wants(http.StatusOK, "portal-complaint", "45 04 … 21", `name="subject"`)
	b.post("/me/again", nil)
	if got := s.provider.last.Get("max_age"); got != "0" || !strings.Contains(s.provider.last.Get("scope"), passportScope) {
		t.Errorf("confirm again asked for %v: want max_age 0 and the passport kept", s.provider.last)
	}
	b.post("/step-up", url.Values{"acr": {"urn:propusk:acr:confirmed:sms"}})
	b.wants(http.StatusBadRequest, "error")
}

func TestSecondFactorIsAskedFor(t *testing.T) {
	s := newStand(t)
	b := s.browser(t)
	b.signIn()
	b.wants(http.StatusOK, "portal-me", "Войти со вторым фактором")
	s.provider.set(func(p *testProvider) { p.level.Factor = PhishingResistant })
	b.post("/step-up", url.Values{"acr": {"urn:propusk:acr:standard:mfa"}, "return": {"/me"}})
	b.wants(http.StatusOK, "portal-me", "стандартная, вход с двумя факторами")
	if strings.Contains(b.body, "Войти со вторым фактором") {
		t.Error("the second factor is still asked for")
	}
}

func TestErrorsAreToldInWords(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*testProvider)
		status int
		text   string
	}{
		"a refusal":          {func(p *testProvider) { p.refuse = "access_denied" }, 403, "Вы отказались передать данные"},
		"an overload":        {func(p *testProvider) { p.refuse = "temporarily_unavailable" }, 503, "Вход сейчас не отвечает. Попробуйте позже"},
		"a wrong request":    {func(p *testProvider) { p.refuse = "invalid_scope" }, 502, "Вход ответил ошибкой"},
		"a token not ours":   {claim("aud", "other"), 502, "Токен не прошёл проверку: aud"},
		"a forged signature": {signing(byStranger), 502, "Токен не прошёл проверку: signature"},
		"another sender": {func(p *testProvider) { p.onAnswer = func(a url.Values) { a.Set("iss", "https://evil.example") } }, 400,
			"Ответ на вход не прошёл проверку: iss_param"},
		"a token endpoint that is down": {func(p *testProvider) { p.tokenFail = func() (int, string) { return 500, "" } }, 503,
			"Вход сейчас не отвечает. Попробуйте позже"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			s.provider.set(test.change)
			b := s.browser(t)
			b.get("/login")
			b.wants(test.status, "portal-error", "Вход не состоялся", test.text, "Попробовать ещё раз")
			if s.provider.refuse != "" {
				b.wants(test.status, "portal-error", "said &lt;b&gt;no&lt;/b&gt; [E7K2-41QD]", "Что это значит", s.provider.URL+"/docs/errors/")
			}
		})
	}
}

func TestPortalWorksWhileTheProviderIsAway(t *testing.T) {
	s := newStand(t)
	s.provider.set(func(p *testProvider) { p.away = true })
	b := s.browser(t)
	b.get("/")
	b.wants(http.StatusOK, "portal", "Вход сейчас не отвечает. Попробуйте позже", "Ошибка: Портал")
	b.get("/login")
	b.wants(http.StatusServiceUnavailable, "portal", "Вход сейчас не отвечает. Попробуйте позже")
	b.get("/how")
	b.wants(http.StatusOK, "portal-how")
}

func TestRefreshAndSignOut(t *testing.T) {
	s := newStand(t)
	b := s.browser(t)
	b.signIn()
	s.provider.set(func(p *testProvider) { p.claims["given_name"] = "Пётр" })
	b.post("/me/refresh", nil)
	b.wants(http.StatusOK, "portal-me", "Здравствуйте, Пётр", "Данные обновлены")
	b.get("/how")
	b.wants(http.StatusOK, "portal-how", "Портал обновляет токены")
	s.provider.set(func(p *testProvider) { clear(p.tokens) })
	b.post("/me/refresh", nil)
	b.wants(http.StatusConflict, "portal-error", "Данные не обновились")

	b.get("/logout")
	b.wants(http.StatusOK, "portal-me")
	b.post("/logout", nil)
	b.wants(http.StatusOK, "portal", "Вы вышли с портала", "Войти через Пропуск")
	if got := s.provider.logouts; got.Get("id_token_hint") == "" || got.Get("client_id") != "portal" || got.Get("state") == "" {
		t.Errorf("logout request = %v", got)
	}
	b.get(b.at)
	if strings.Contains(b.body, "Вы вышли с портала") {
		t.Error("an old address says again that the visitor left")
	}
	if len(s.client.sessions.entries) != 0 {
		t.Error("the session is still there")
	}
}

func TestForeignFormsAreRefused(t *testing.T) {
	s := newStand(t)
	b := s.browser(t)
	b.signIn()
	request := httptest.NewRequest(http.MethodPost, "/logout", nil)
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	NewSite(SiteConfig{Client: s.client}).ServeHTTP(w, request)
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "Запрос пришёл с другого сайта") {
		t.Errorf("status = %d, body %s", w.Code, w.Body)
	}
	b.post("/ask", url.Values{"text": {strings.Repeat("я", 40<<10)}})
	b.wants(http.StatusRequestEntityTooLarge, "error", "Не удалось прочитать запрос")
	b.get("/nowhere")
	b.wants(http.StatusNotFound, "error", "Такой страницы нет")
}

func TestLanguageFollowsTheVisitor(t *testing.T) {
	s := newStand(t)
	b := s.browser(t)
	b.get("/?lang=en")
	b.wants(http.StatusOK, "portal", `<html lang="en">`, "Sign in with Propusk", `href="/?lang=ru" lang="ru" hreflang="ru">Русский`)
	b.signIn()
	b.wants(http.StatusOK, "portal-me", "Hello, Иван", "Sign out")
	if got := s.provider.last.Get("ui_locales"); got != "en" {
		t.Errorf("ui_locales = %q, want en", got)
	}
	for header, want := range map[string]language{"": russian, "en-US,en;q=0.9": english, "de, ru;q=0.5, en;q=0.4": russian,
		"en;q=0.4,ru;q=0.5": russian, "en;q=2": russian, "fr": russian, "en;q=x": russian, "ru;q=0, en;q=0.1": english} {
		if got := accepted(header); got != want {
			t.Errorf("Accept-Language %q = %v, want %v", header, got, want)
		}
	}
}

func TestHeadersAndCookies(t *testing.T) {
	s := newStand(t)
	w := httptest.NewRecorder()
	NewSite(SiteConfig{Client: s.client}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/login", nil))
	csp := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(csp, "form-action 'self' "+s.provider.URL+";") || strings.Contains(csp, "script-src") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy = %s", csp)
	}
	port := strings.TrimPrefix(s.url, "http://127.0.0.1:")
	for _, cookie := range w.Result().Cookies() {
		if cookie.Name != "portal_"+port+"_login" || cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie on http = %v", cookie)
		}
	}
	c, err := New(Config{Issuer: "https://id.example.ru", ClientID: "portal", RedirectURL: "https://p.example.ru/callback"})
	if err != nil {
		t.Fatal(err)
	}
	w = httptest.NewRecorder()
	c.setCookie(w, "", "value", time.Hour)
	if got := w.Header().Get("Set-Cookie"); got != "__Host-portal=value; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax" {
		t.Errorf("cookie on https = %s", got)
	}
}

func TestBackChannelLogoutEndsTheSessionItNames(t *testing.T) {
	now := time.Now().Unix()
	good := func(issuer string) map[string]any {
		return map[string]any{"iss": issuer, "aud": "portal", "iat": now, "exp": now + 120, "jti": "j1", "sid": "sid-1",
			"sub": "1000000001", "events": map[string]any{logoutEvent: map[string]any{}}}
	}
	for name, test := range map[string]struct {
		change  func(map[string]any)
		status  int
		remains int
	}{
		"sub and sid":       {func(map[string]any) {}, 200, 0},
		"sid alone":         {func(c map[string]any) { delete(c, "sub") }, 200, 0},
		"sub alone":         {func(c map[string]any) { delete(c, "sid") }, 200, 0},
		"another session":   {func(c map[string]any) { c["sid"] = "sid-2" }, 200, 1},
		"neither":           {func(c map[string]any) { delete(c, "sid"); delete(c, "sub") }, 400, 1},
		"a nonce":           {func(c map[string]any) { c["nonce"] = "n" }, 400, 1},
		"no event":          {func(c map[string]any) { delete(c, "events") }, 400, 1},
		"no jti":            {func(c map[string]any) { delete(c, "jti") }, 400, 1},
		"another audience":  {func(c map[string]any) { c["aud"] = "other" }, 400, 1},
		"another issuer":    {func(c map[string]any) { c["iss"] = "https://evil.example" }, 400, 1},
		"ended an hour ago": {func(c map[string]any) { c["exp"] = now - 3600 }, 400, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			b := s.browser(t)
			b.signIn()
			claims := good(s.provider.URL)
			test.change(claims)
			form := url.Values{"logout_token": {s.provider.signed(claims, "logout+jwt")}}
			response, err := http.PostForm(s.url+"/backchannel-logout", form)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if got := len(s.client.sessions.entries); response.StatusCode != test.status || got != test.remains {
				t.Errorf("status = %d, %d sessions remain; want %d, %d", response.StatusCode, got, test.status, test.remains)
			}
			if response, err = http.PostForm(s.url+"/backchannel-logout", form); err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusBadRequest {
				t.Errorf("the same token again: status = %d, want 400", response.StatusCode)
			}
		})
	}
}
