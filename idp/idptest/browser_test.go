package idptest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"propusk/idp/web/webtest"
)

// tab is a new tab of Chromium without cookies. Whatever the browser complains of, a forbidden form or script above all,
// fails the test.
type tab struct {
	t        *testing.T
	ctx      context.Context
	idp      *IdP
	portal   string
	keyboard bool   // no mouse: Tab until the element has the focus
	shots    string // folder for screenshots, by TEST_SHOTS
}

func newTab(t *testing.T, chromium context.Context, p *IdP, portal string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium)
	t.Cleanup(cancel)
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(stop)
	b := &tab{t: t, ctx: ctx, idp: p.In(t), portal: portal}
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the script threw: %s", e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			refused := e.Entry.Source == log.SourceNetwork && strings.Contains(e.Entry.Text, "422") // a form that was wrong
			if e.Entry.Level == log.LevelError && !refused || e.Entry.Source == log.SourceSecurity {
				t.Errorf("the browser complains: %s %s", e.Entry.Text, e.Entry.URL)
			}
		}
	})
	b.run(network.ClearBrowserCookies(), network.Enable(), network.SetExtraHTTPHeaders(network.Headers{"Accept-Language": "ru"}), log.Enable(), chromedp.EmulateViewport(1100, 900))
	return b
}

func (b *tab) run(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.where())
	}
}

// where says where the tab is, for a failure.
func (b *tab) where() string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), 5*time.Second)
	defer cancel()
	var text string
	_ = chromedp.Run(ctx, chromedp.Evaluate(`location.href + "\n" + document.body.dataset.step + "\n" + document.body.innerText`, &text))
	return text
}

func (b *tab) open(address string) { b.t.Helper(); b.run(chromedp.Navigate(address)) }

// patience is how long a page may take; the tests run beside others on few cores.
const patience = 10 * time.Second

// wants waits for a page with texts on it.
func (b *tab) wants(step string, texts ...string) {
	b.t.Helper()
	const ask = `document.readyState === "complete" && document.body ? document.body.dataset.step + "\n" + document.body.innerText : ""`
	b.wait(ask, fmt.Sprintf("page %s with %q", step, texts), func(got string) bool {
		found, shown, _ := strings.Cut(got, "\n")
		return found == step && !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(shown, text) })
	})
}

// until waits for an address.
func (b *tab) until(part string) {
	b.t.Helper()
	b.wait(`location.href`, "address with "+part, func(at string) bool { return strings.Contains(at, part) })
}

func (b *tab) wait(ask, what string, done func(string) bool) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var got string
		if err := chromedp.Run(b.ctx, chromedp.Evaluate(ask, &got)); err == nil && done(got) {
			return // an error is a page that was just left
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("no %s, but\n%s", what, b.where())
		}
	}
}

// fill types into a field.
func (b *tab) fill(id, value string) {
	b.t.Helper()
	if b.keyboard {
		b.reach("#" + id)
		b.run(chromedp.KeyEvent(value))
		return
	}
	b.run(chromedp.SendKeys("#"+id, value, chromedp.ByQuery))
}

// press clicks on what a selector finds, or comes to it with Tab and presses Enter.
func (b *tab) press(selector string) {
	b.t.Helper()
	if b.keyboard {
		b.reach(selector)
		b.run(chromedp.KeyEvent(kb.Enter))
		return
	}
	b.run(chromedp.Click(selector, chromedp.ByQuery))
}

const maxTabs = 40

// reach comes to an element with Tab alone. What has the focus must show it.
func (b *tab) reach(selector string) {
	b.t.Helper()
	for range maxTabs {
		b.run(chromedp.KeyEvent(kb.Tab))
		var there, seen bool
		b.run(chromedp.Evaluate(fmt.Sprintf(`document.activeElement.matches(%q)`, selector), &there),
			chromedp.Evaluate(`(s => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 || s.boxShadow !== 'none')(getComputedStyle(document.activeElement))`, &seen))
		if there {
			if !seen {
				b.t.Errorf("%s has the focus and does not show it", selector)
			}
			return
		}
	}
	b.t.Fatalf("%d tabs do not reach %s\n%s", maxTabs, selector, b.where())
}

// shot takes pictures of the page at 320 and 1100 px if TEST_SHOTS names a folder.
func (b *tab) shot(name string) {
	b.t.Helper()
	if b.shots == "" {
		return
	}
	for _, width := range []int64{320, 1100} {
		var picture []byte
		b.run(page.BringToFront(), chromedp.EmulateViewport(width, 900), chromedp.FullScreenshot(&picture, 100))
		if err := os.WriteFile(filepath.Join(b.shots, fmt.Sprintf("%s-%d.png", name, width)), picture, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
}

// toLogin goes from the portal to the sign-in page.
func (b *tab) toLogin() {
	b.t.Helper()
	b.open(b.portal + "/")
	b.wants("portal")
	b.shot("portal")
	b.press("#continue")
	b.wants("login", "Портал обращений")
	b.shot("login")
}

// allow gives consent and comes to the portal, which shows the tier.
func (b *tab) allow(tier string) {
	b.t.Helper()
	b.wants("consent", "Администрация Примерска")
	b.shot("consent")
	b.press("#continue")
	b.wants("portal-me", tier)
	b.shot("portal-me")
}

// leave renews the tokens and signs out, at the portal and at the provider.
func (b *tab) leave() {
	b.t.Helper()
	b.press(`form[action="/me/refresh"] button`)
	b.until("refreshed")
	b.wants("portal-me")
	b.press(`form[action="/logout"] button`)
	b.wants("portal", "Вы вышли")
	b.shot("portal-left")
	b.open(b.idp.Issuer + "/cabinet")
	b.wants("login")
}

func (b *tab) signInBySMS(login, tier string) {
	b.t.Helper()
	c := b.idp.Citizen(login)
	b.toLogin()
	b.fill("login", string(c.Phone))
	b.fill("password", "wrong-1-password")
	b.press("#continue")
	b.wants("login", "Проверьте")
	b.shot("login-wrong")
	b.fill("password", c.Password)
	b.press("#continue")
	b.wants("code")
	b.shot("code")
	b.fill("code", b.idp.Message(login).Code)
	b.press("#continue")
	b.allow(tier)
	b.leave()
}

func (b *tab) signup(contact, value string) {
	b.t.Helper()
	b.toLogin()
	b.press(`a[href^="/signup"]`)
	b.wants("register")
	b.shot("register")
	b.fill("last_name", "Тестов")
	b.fill("first_name", "Егор")
	b.fill(contact, value)
	b.press("#continue")
	b.wants("register-code")
	b.shot("register-code-" + contact)
}

func (b *tab) setPassword() {
	b.t.Helper()
	b.wants("register-password")
	b.shot("register-password")
	b.fill("password", password)
	b.fill("password_repeat", password)
	b.press("#continue")
	b.wants("register-done")
	b.shot("register-done")
	b.press("#continue")
	b.allow("упрощённая")
}

func (b *tab) registerByPhone(phone string) {
	b.t.Helper()
	b.signup("phone", phone)
	b.fill("code", b.idp.Message(phone).Code)
	b.press("#continue")
	b.setPassword()
	b.leave()
}

func (b *tab) registerByEmail(email string) {
	b.t.Helper()
	b.signup("email", email)
	b.open(b.idp.Message(email).Link)
	b.wants("confirm-email", email)
	b.shot("confirm-email")
	b.press("#continue")
	b.setPassword()
	b.open(b.idp.Issuer + "/cabinet")
	b.wants("cabinet", "Егор")
	b.shot("cabinet")
	b.open(b.portal + "/me")
	b.leave()
}

func TestJourneysInChromium(t *testing.T) {
	chromium := webtest.Chromium(t)
	if err := chromedp.Run(chromium); err != nil {
		t.Fatal(err)
	}
	p := Start(t, Options{})
	portal := p.AddPortal()
	noScript := func(b *tab) { b.run(emulation.SetScriptExecutionDisabled(true)) }
	onlyKeys := func(b *tab) { b.keyboard = true }
	pictures := func(b *tab) { b.shots = os.Getenv("TEST_SHOTS") }
	for _, c := range []struct {
		name   string
		change func(*tab)
		walk   func(*tab)
	}{
		{"sign-in with a code by SMS", pictures, func(b *tab) { b.signInBySMS(natalia, "подтверждённая") }},
		{"registration by phone", pictures, func(b *tab) { b.registerByPhone("+79005550011") }},
		{"registration by e-mail", pictures, func(b *tab) { b.registerByEmail("a1@example.ru") }},
		{"sign-in without JavaScript", noScript, func(b *tab) { b.signInBySMS("+79000000012", "подтверждённая") }},
		{"registration by phone without JavaScript", noScript, func(b *tab) { b.registerByPhone("+79005550012") }},
		{"registration by e-mail without JavaScript", noScript, func(b *tab) { b.registerByEmail("a2@example.ru") }},
		{"sign-in by keyboard", onlyKeys, func(b *tab) { b.signInBySMS("+79000000013", "стандартная") }},
		{"registration by phone by keyboard", onlyKeys, func(b *tab) { b.registerByPhone("+79005550013") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTab(t, chromium, p, portal)
			c.change(b)
			c.walk(b)
		})
	}
}
