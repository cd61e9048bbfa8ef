package idptest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"propusk/idp"
)

// The citizens whom the tests sign in.
const (
	anna    = "+79000000001" // simplified, the password alone
	petr    = "+79000000002" // standard, the password alone
	maria   = "+79000000003" // confirmed at a centre, the password alone
	natalia = "+79000000009" // confirmed at a centre, a code by SMS
	alexey  = "+79000000010" // standard, a code of an app
)

func TestTheWholeFlowOfAPortal(t *testing.T) {
	for name, o := range map[string]Options{"on SQLite": {}, "on PostgreSQL": {Postgres: true}, "in production": {Production: true}} {
		t.Run(name, func(t *testing.T) { wholeFlow(t, o) })
	}
}

func wholeFlow(t *testing.T, o Options) {
	p := Start(t, o)
	r := addRP(t, p, "one", `, "purposes": {"snils": "найти ваше обращение"}`)
	b := p.Browser()
	l := r.login("scope", "openid profile snils offline_access")
	r.open(b, l)
	b.SignIn(p.Citizen(natalia))
	b.Wants("consent", "Администрация Примерска", "найти ваше обращение", "Козлова Наталья Петровна")
	b.Submit("continue")
	got, claims := r.redeem(b, l)
	r.same(claims, map[string]any{"acr": "urn:propusk:acr:confirmed:mfa", "tier": "confirmed", "tier_method": "centre", "sub": "1000000009",
		"amr": []any{"pwd", "sms", "mfa"}})
	info, status := r.userinfo(got.AccessToken)
	if status != http.StatusOK {
		t.Fatalf("userinfo: %d %v", status, info)
	}
	r.same(info, map[string]any{"sub": claims["sub"], "family_name": "Козлова", "given_name": "Наталья", "middle_name": "Петровна",
		"snils": "000-100-009 15", "email": nil, "tier": "confirmed"})

	again, status := r.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.RefreshToken}})
	if status != http.StatusOK || again.AccessToken == got.AccessToken || again.RefreshToken == "" {
		t.Fatalf("refresh: %d %s %s", status, again.Error, again.ErrorDescription)
	}
	if _, status = r.userinfo(again.AccessToken); status != http.StatusOK {
		t.Errorf("userinfo after refresh: %d", status)
	}
	r.logout(b, got.IDToken)
	r.open(b, r.login())
	b.Wants("login")
}

// logout signs out with the ID token as the hint: no question is asked.
func (r *rp) logout(b *Browser, idToken string) {
	r.t.Helper()
	b.Get(r.endpoint("end_session_endpoint") + "?" + url.Values{"id_token_hint": {idToken},
		"post_logout_redirect_uri": {"https://portal.example/bye"}, "state": {"s&t"}}.Encode())
	b.Must()
	if b.At.String() != "https://portal.example/bye?state=s%26t" {
		r.t.Fatalf("after logout the browser is at %s\n%s", b.At, b.Text())
	}
}

func TestLogoutWithoutAHintAsks(t *testing.T) {
	p := Start(t, Options{})
	r := addRP(t, p, "one", "")
	b := p.Browser()
	l := r.login()
	r.open(b, l)
	b.SignIn(p.Citizen(petr))
	b.Wants("consent")
	b.Submit("continue")
	r.redeem(b, l)
	b.Get(p.Issuer + "/logout?client_id=one&post_logout_redirect_uri=" + url.QueryEscape("https://portal.example/bye"))
	b.Wants("logout", "Система one")
	b.Submit("continue")
	b.Must()
	if b.At.String() != "https://portal.example/bye" {
		t.Errorf("the browser is at %s", b.At)
	}
	b.Get(p.Issuer + "/cabinet")
	b.Wants("login")
}

func TestASignInWithAnApp(t *testing.T) {
	p := Start(t, Options{})
	r := addRP(t, p, "one", "")
	b := p.Browser()
	l := r.login()
	r.open(b, l)
	b.SignIn(p.Citizen(alexey))
	b.Wants("consent")
	b.Submit("continue")
	_, claims := r.redeem(b, l)
	r.same(claims, map[string]any{"acr": "urn:propusk:acr:standard:mfa", "tier": "standard", "tier_method": nil})
}

// The levels of new accounts: a code by SMS is a factor, one by e-mail is none.
const oneFactor, twoFactors = "urn:propusk:acr:simplified", "urn:propusk:acr:simplified:mfa"

// password of the tests' new citizens.
const password = "Krepkij-5-chaj"

func (b *Browser) register(phone, email string) {
	b.t.Helper()
	b.Wants("register")
	b.Submit("continue", "last_name", "Тестов", "first_name", "Егор", "middle_name", "Иванович", "phone", phone, "email", email)
	b.Wants("register-code")
}

// finish sets the password and goes on to the portal, whose token names the level.
func (r *rp) finish(b *Browser, l login, acr string) {
	r.t.Helper()
	b.Wants("register-password")
	b.Submit("continue", "password", password, "password_repeat", password)
	b.Wants("register-done")
	b.Submit("continue")
	b.Wants("consent")
	b.Submit("continue")
	_, claims := r.redeem(b, l)
	r.same(claims, map[string]any{"tier": "simplified", "acr": acr})
}

func TestRegistrationGoesOnToThePortal(t *testing.T) {
	p := Start(t, Options{})
	r := addRP(t, p, "one", "")
	begin := func(r *rp, b *Browser) login {
		l := r.login()
		r.open(b, l)
		b.Wants("login")
		b.Follow("/signup")
		return l
	}
	t.Run("by phone", func(t *testing.T) {
		r := r.in(t)
		b := r.idp.Browser()
		l := begin(r, b)
		b.register("8 900 555-00-01", "")
		b.Submit("continue", "code", r.idp.Message("+79005550001").Code)
		r.finish(b, l, twoFactors)
	})
	t.Run("by e-mail with the code", func(t *testing.T) {
		r := r.in(t)
		b := r.idp.Browser()
		l := begin(r, b)
		b.register("", "code@example.ru")
		b.Submit("continue", "code", r.idp.Message("code@example.ru").Code)
		r.finish(b, l, oneFactor)
	})
	t.Run("by e-mail with the link", func(t *testing.T) {
		r := r.in(t)
		b := r.idp.Browser()
		l := begin(r, b)
		b.register("", "link@example.ru")
		b.Get(r.idp.Message("link@example.ru").Link)
		b.Wants("confirm-email")
		b.Submit("continue")
		r.finish(b, l, oneFactor)
	})
}

func TestThePortalAsksForANewAccount(t *testing.T) {
	p := Start(t, Options{})
	r := addRP(t, p, "one", "")
	t.Run("asked for by the portal", func(t *testing.T) {
		r := r.in(t)
		b := r.idp.Browser()
		l := r.login("prompt", "create")
		r.open(b, l)
		b.register("8 900 555-00-02", "")
		b.Submit("continue", "code", r.idp.Message("+79005550002").Code)
		r.finish(b, l, twoFactors)
	})
	t.Run("with the portal asking, but the person has an account", func(t *testing.T) {
		r := r.in(t)
		b := r.idp.Browser()
		l := r.login("prompt", "create")
		r.open(b, l)
		b.Follow("signin=1")
		b.SignIn(p.Citizen(anna))
		b.Wants("consent")
	})
}

func TestALinkOpenedInAnotherBrowserFinishesThere(t *testing.T) {
	p := Start(t, Options{})
	first, second := p.Browser(), p.Browser()
	first.Get(p.Issuer + "/signup")
	first.register("", "two@example.ru")
	second.Get(p.Message("two@example.ru").Link)
	second.Submit("continue")
	second.Wants("register-password")
	first.Get(first.At.String())
	first.Wants("register-code")
	second.Submit("continue", "password", password, "password_repeat", password)
	second.Wants("register-done") // the login began in the first browser and is not the second's: nobody is signed in
	second.Get(p.Issuer + "/login")
	second.Submit("continue", "login", "two@example.ru", "password", password)
	second.Wants("cabinet", "Егор") // the browser that made the account is known to it
	third := p.Browser()
	third.Get(p.Issuer + "/login")
	third.Submit("continue", "login", "two@example.ru", "password", password)
	third.Wants("code", "с нового устройства")
	third.Submit("continue", "code", p.Message("two@example.ru").Code)
	third.Wants("cabinet", "Егор")
}

// signedIn is a browser in which a citizen has signed in to a portal, consent included.
func (r *rp) signedIn(login string) (*Browser, tokens, map[string]any) {
	r.t.Helper()
	b := r.idp.Browser()
	l := r.login()
	r.open(b, l)
	b.SignIn(r.idp.Citizen(login))
	b.Wants("consent")
	b.Submit("continue")
	got, claims := r.redeem(b, l)
	return b, got, claims
}

func TestASecondPortalNeedsNoLogin(t *testing.T) {
	p := Start(t, Options{})
	one, two := addRP(t, p, "one", ""), addRP(t, p, "two", `, "subject_type": "pairwise"`)
	b, _, first := one.signedIn(petr)
	l := two.login()
	two.open(b, l)
	b.Wants("consent", "Система two")
	b.Submit("continue")
	_, second := two.redeem(b, l)
	if first["sub"] == second["sub"] || first["sid"] == second["sid"] {
		t.Errorf("a pairwise portal learned sub %v, sid %v of another", second["sub"], second["sid"])
	}
	if first["auth_time"] != second["auth_time"] {
		t.Errorf("auth_time = %v, want %v: nobody signed in again", second["auth_time"], first["auth_time"])
	}
	l = two.login()
	two.open(b, l)
	two.redeem(b, l) // consent is kept: nothing is asked
}

func TestPrompts(t *testing.T) {
	p := Start(t, Options{})
	one, two := addRP(t, p, "one", ""), addRP(t, p, "two", "")
	b, got, claims := one.signedIn(petr)
	silent := one.login("prompt", "none")
	one.open(b, silent)
	one.redeem(b, silent)

	nextSecond(claims)
	for _, c := range []struct {
		name  string
		b     *Browser
		rp    *rp
		pairs []string
		want  string
	}{
		{"nobody is signed in", p.Browser(), one, nil, "login_required"},
		{"nothing was allowed yet", b, two, nil, "consent_required"},
		{"the sign-in is too old", b, one, []string{"max_age", "0"}, "login_required"},
		{"the person of the hint is signed in", b, one, []string{"id_token_hint", got.IDToken}, ""},
		{"more is demanded than the account has", b, one, []string{"claims", essential("urn:propusk:acr:confirmed")}, "unmet_authentication_requirements"},
		{"none comes with another", b, one, []string{"prompt", "none login"}, "invalid_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, b := c.rp.in(t), c.b.In(t)
			l := r.login(append([]string{"prompt", "none"}, c.pairs...)...)
			r.open(b, l)
			if c.want == "" {
				r.redeem(b, l)
				return
			}
			r.refused(b, l, c.want)
		})
	}
	t.Run("login asks for the password again", func(t *testing.T) { claims = reauth(t, one.in(t), b.In(t), claims, "prompt", "login") })
	t.Run("max_age asks for the password again", func(t *testing.T) { reauth(t, one.in(t), b.In(t), claims, "max_age", "0") })
	t.Run("select_account asks who it is", func(t *testing.T) { selectAccount(one.in(t), b.In(t)) })
	t.Run("consent asks again", func(t *testing.T) {
		one, b := one.in(t), b.In(t)
		l := one.login("prompt", "consent")
		one.open(b, l)
		b.Wants("consent")
		b.Submit("continue")
		one.redeem(b, l)
	})
}

func essential(acr string) string {
	return `{"id_token": {"acr": {"essential": true, "values": ["` + acr + `"]}}}`
}

// nextSecond lets the clock leave the second of a sign-in: auth_time counts seconds, and it must be seen to move.
func nextSecond(claims map[string]any) {
	next := time.Unix(int64(claims["auth_time"].(float64))+1, 0)
	for time.Now().Before(next) {
		time.Sleep(time.Until(next))
	}
}

func reauth(t *testing.T, r *rp, b *Browser, before map[string]any, pairs ...string) map[string]any {
	t.Helper()
	nextSecond(before)
	l := r.login(pairs...)
	r.open(b, l)
	b.Wants("reauth", "Пётр К.")
	b.Submit("continue", "password", "not-this-1")
	b.WantsStatus(http.StatusUnprocessableEntity)
	b.Wants("reauth")
	b.Submit("continue", "password", r.idp.Citizen(petr).Password)
	_, claims := r.redeem(b, l)
	if claims["auth_time"].(float64) <= before["auth_time"].(float64) {
		t.Errorf("auth_time = %v, want after %v", claims["auth_time"], before["auth_time"])
	}
	return claims
}

func selectAccount(r *rp, b *Browser) {
	r.t.Helper()
	l := r.login("prompt", "select_account")
	r.open(b, l)
	b.Wants("continue-as", "Пётр К.")
	b.SubmitChoice("choice", "continue")
	r.redeem(b, l)
	l = r.login("prompt", "select_account")
	r.open(b, l)
	b.SubmitChoice("choice", "other")
	b.SignIn(r.idp.Citizen(anna))
	b.Wants("consent")
	b.Submit("continue")
	_, claims := r.redeem(b, l)
	r.same(claims, map[string]any{"sub": "1000000001"})
}

func TestLevels(t *testing.T) {
	p := Start(t, Options{})
	r := addRP(t, p, "one", "")
	strict := addRP(t, p, "strict", `, "minimum_tier": "confirmed", "tier_methods": ["bank"]`)
	for _, c := range []struct {
		name, citizen string
		rp            *rp
		pairs         []string
		want          string // acr; empty: the way up is offered, and leaving tells the portal
	}{
		{"without a request the level reached is named", maria, r, nil, "urn:propusk:acr:confirmed"},
		{"the first value that is satisfied is named", maria, r, []string{"acr_values", "urn:propusk:acr:standard urn:propusk:acr:confirmed"}, "urn:propusk:acr:standard"},
		{"acr_values only prefers", anna, r, []string{"acr_values", "urn:propusk:acr:confirmed"}, "urn:propusk:acr:simplified"},
		{"an essential level that is reached", maria, r, []string{"claims", essential("urn:propusk:acr:confirmed")}, "urn:propusk:acr:confirmed"},
		{"an essential level that is not", petr, r, []string{"claims", essential("urn:propusk:acr:confirmed")}, ""},
		{"an essential factor that the account lacks", anna, r, []string{"claims", essential("urn:propusk:acr:simplified:phr")}, ""},
		{"the least level of a portal", petr, strict, nil, ""},
		{"a way of confirming that the portal does not take", maria, strict, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.rp.in(t)
			b, l := r.idp.Browser(), r.login(c.pairs...)
			r.open(b, l)
			b.SignIn(p.Citizen(c.citizen))
			if c.want == "" {
				b.Wants("raise", "Вернуться в сервис")
				b.Submit("return")
				r.refused(b, l, "unmet_authentication_requirements")
				return
			}
			if b.Step() == "consent" {
				b.Submit("continue")
			}
			_, claims := r.redeem(b, l)
			r.same(claims, map[string]any{"acr": c.want})
		})
	}
}

func TestASecondFactorIsAskedForLater(t *testing.T) {
	p := Start(t, Options{})
	r := addRP(t, p, "one", "")
	b, _, _ := r.signedIn(petr) // the password alone, though a phone is there
	l := r.login("acr_values", "urn:propusk:acr:standard:mfa")
	r.open(b, l)
	b.Wants("choose-method")
	b.Submit("continue", "method", "sms")
	b.Wants("code")
	b.Submit("continue", "code", p.Message(petr).Code)
	_, claims := r.redeem(b, l)
	r.same(claims, map[string]any{"acr": "urn:propusk:acr:standard:mfa"})
}

func TestLeaving(t *testing.T) {
	p := Start(t, Options{})
	r := addRP(t, p, "one", "")
	t.Run("at consent", func(t *testing.T) {
		r := r.in(t)
		b, l := r.idp.Browser(), r.login()
		r.open(b, l)
		b.SignIn(p.Citizen(petr))
		b.Wants("consent")
		page := b.At.String()
		b.Submit("deny")
		r.refused(b, l, "access_denied")
		b.Get(page)
		b.Wants("done")
	})
	t.Run("at the sign-in", func(t *testing.T) {
		r := r.in(t)
		b, l := r.idp.Browser(), r.login()
		r.open(b, l)
		b.Submit("return")
		r.refused(b, l, "access_denied")
	})
}

func TestWrongPasswords(t *testing.T) {
	p := Start(t, Options{})
	r := addRP(t, p, "one", "")
	b := p.Browser()
	r.open(b, r.login())
	c := p.Citizen(petr)
	for tries := 0; b.Step() != "paused"; tries++ {
		if b.Err() != nil || tries > 20 {
			t.Fatal("twenty wrong passwords and no pause")
		}
		b.Submit("continue", "login", string(c.Phone), "password", "wrong-1-password")
		b.WantsStatus(http.StatusUnprocessableEntity)
		if b.Step() == "login" && !strings.Contains(b.Body, `id="error-summary"`) {
			t.Fatal("no summary of errors")
		}
	}
	b.Submit("continue")
	b.Wants("login")
	b.Submit("continue", "login", string(c.Phone), "password", c.Password)
	b.Wants("paused") // the right one, too
	other := p.Browser()
	r.open(other, r.login())
	other.SignIn(p.Citizen(maria))
	other.Wants("consent") // the pause is one account's
	locked := p.Browser()
	r.open(locked, r.login())
	locked.Submit("continue", "login", "+79000000014", "password", p.Citizen("+79000000014").Password)
	locked.Wants("login")
	locked.WantsStatus(http.StatusUnprocessableEntity)
}

func TestBackAndTwoTabs(t *testing.T) {
	p := Start(t, Options{})
	r := addRP(t, p, "one", "")
	b, l := p.Browser(), r.login()
	r.open(b, l)
	c := p.Citizen(natalia)
	b.Submit("continue", "login", string(c.Phone), "password", c.Password)
	b.Wants("code")
	page := *b // as the other tab has it, with the same cookies
	b.Submit("continue", "code", "000000")
	b.WantsStatus(http.StatusUnprocessableEntity)
	b.Wants("code")
	b.SecondFactor(c)
	b.Wants("consent")
	page.Submit("continue", "code", "123456") // back to the old page, and sent again
	page.Wants("consent")
	page.WantsStatus(http.StatusOK)
	again := *b
	b.Submit("continue")
	r.redeem(b, l)
	again.Submit("continue") // the other tab
	again.Wants("done")
	again.Get(p.Issuer + "/login/code?request=" + idOf(&page))
	again.Wants("done")
}

func idOf(b *Browser) string { return b.At.Query().Get("request") }

func TestAnotherBrowserCannotGoOn(t *testing.T) {
	p := Start(t, Options{})
	r := addRP(t, p, "one", "")
	b := p.Browser()
	r.open(b, r.login())
	address := b.At.String()
	other := p.Browser()
	r.open(other, r.login())
	other.Get(address)
	other.Wants("other-browser")
	other.WantsStatus(http.StatusForbidden)
	bare := p.Browser()
	bare.Get(address)
	bare.Wants("other-browser")
	bare.Get(p.Issuer + "/authorize/callback?request=" + idOf(b))
	bare.Wants("other-browser")
}

func TestARequestMayComeByPost(t *testing.T) {
	p := Start(t, Options{})
	r := addRP(t, p, "one", "")
	b, _, _ := r.signedIn(petr)
	l := r.login()
	b.Post(r.endpoint("authorization_endpoint"), l.Values)
	r.redeem(b, l) // the cookies of a cross-site POST are missing, those of the GET after it are not
}

func TestAnAnswerMayComeByFormPost(t *testing.T) {
	p := Start(t, Options{})
	r := addRP(t, p, "one", "")
	b, _, _ := r.signedIn(petr)
	l := r.login("response_mode", "form_post")
	r.open(b, l)
	b.Wants("form-post")
	b.Must()
	form := fields(parent(b.find(func(n *html.Node) bool { return attribute(n, "id") == "continue" }), "form"))
	if !strings.Contains(b.Body, `action="`+redirectURI+`"`) || form.Get("state") != l.Get("state") || form.Get("iss") != p.Issuer {
		t.Fatalf("form: %v\n%s", form, b.Body)
	}
	policy := b.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "form-action https://portal.example") {
		t.Errorf("the policy lets the form not leave: %s", policy)
	}
	got, status := r.token(url.Values{"grant_type": {"authorization_code"}, "code": {form.Get("code")}, "redirect_uri": {redirectURI}, "code_verifier": {l.verifier}})
	if status != http.StatusOK || got.IDToken == "" {
		t.Errorf("token: %d %s", status, got.ErrorDescription)
	}
}

func TestRequestsThatAreWrong(t *testing.T) {
	p := Start(t, Options{})
	r := addRP(t, p, "one", "")
	told := func(code string) func(*testing.T, *Browser, login) {
		return func(t *testing.T, b *Browser, l login) { t.Helper(); r.in(t).refused(b, l, code) }
	}
	untold := func(t *testing.T, b *Browser, _ login) {
		t.Helper()
		b.WantsStatus(http.StatusBadRequest)
		b.Wants("error")
	}
	for _, c := range []struct {
		name, parameter, value string
		check                  func(*testing.T, *Browser, login)
	}{
		{"an unknown client is told to the person alone", "client_id", "nobody", untold},
		{"another redirect address is told to the person alone", "redirect_uri", "https://evil.example/cb", untold},
		{"a scope that is not the client's", "scope", "openid inn", told("invalid_scope")},
		{"another response type", "response_type", "token", told("unsupported_response_type")},
		{"a plain challenge", "code_challenge_method", "plain", told("invalid_request")},
		{"a request object", "request", "e30.e30.", told("request_not_supported")},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, l := p.In(t).Browser(), r.login(c.parameter, c.value)
			r.open(b, l)
			c.check(t, b, l)
		})
	}
}

func TestCodesAreForOneUse(t *testing.T) {
	p := Start(t, Options{})
	r := addRP(t, p, "one", "")
	b, _, _ := r.signedIn(petr)
	l := r.login()
	r.open(b, l)
	got, _ := r.redeem(b, l)
	form := url.Values{"grant_type": {"authorization_code"}, "code": {b.At.Query().Get("code")}, "redirect_uri": {redirectURI}, "code_verifier": {l.verifier}}
	if again, status := r.token(form); status != http.StatusBadRequest || again.Error != "invalid_grant" {
		t.Errorf("second use: %d %s", status, again.Error)
	}
	if _, status := r.userinfo(got.AccessToken); status != http.StatusUnauthorized { // RFC 6749, 4.1.2
		t.Errorf("userinfo after the second use: %d", status)
	}
	l = r.login()
	r.open(b, l)
	form.Set("code", r.answered(b, l).Get("code"))
	form.Set("code_verifier", idp.NewSecret())
	if again, status := r.token(form); status != http.StatusBadRequest || again.Error != "invalid_grant" {
		t.Errorf("another verifier: %d %s", status, again.Error)
	}
}

func TestProductionHasNoStand(t *testing.T) {
	p := Start(t, Options{Production: true})
	b := p.Browser()
	for _, path := range []string{"/dev", "/dev/", "/dev/citizens", "/dev/outbox", "/dev/requests"} {
		b.Get(p.Issuer + path)
		b.WantsStatus(http.StatusNotFound)
	}
	b.Get(p.Issuer + "/login")
	b.Wants("login")
	if strings.Contains(b.Body, "/dev/") || strings.Contains(b.Body, `class="stand"`) {
		t.Error("the banner of the stand is shown")
	}
	dev := Start(t, Options{}).Browser()
	dev.Get("/login")
	dev.Wants("login")
	if !strings.Contains(dev.Body, `class="stand"`) {
		t.Error("the stand has no banner")
	}
}
