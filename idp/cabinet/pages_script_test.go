package cabinet

import (
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"propusk/idp/web/webtest"
)

// TestTheScriptHelps opens pages in a browser and asks of each what the script has made of it (DESIGN.md 2.10).
func TestTheScriptHelps(t *testing.T) {
	site := testSite(t)
	ctx := webtest.Chromium(t)
	address := webtest.Serve(t, site, webtest.Render(t, site, gallery()))
	var thrown []string
	chromedp.ListenTarget(ctx, func(event any) {
		if e, ok := event.(*runtime.EventExceptionThrown); ok {
			thrown = append(thrown, e.ExceptionDetails.Error())
		}
	})
	for _, c := range []struct{ name, page, ask string }{
		{"the countdown runs", "A3.ru", `/^Осталось 4:1\d Скрыть отсчёт$/.test(document.querySelector('[data-left]').textContent) && !document.querySelector('[data-left]').hidden`},
		{"the countdown is hidden", "A3.ru", `(document.querySelector('[data-left] button').click(), document.querySelector('[data-left]').hidden)`},
		{"nothing is spoken while there is time", "A3.ru", `document.getElementById('code-status').textContent === ''`},
		{"a new code has to wait", "A3.ru", `document.getElementById('again').disabled && /^можно через 0:5\d$/.test(document.getElementById('again').nextElementSibling.textContent)`},
		{"a new code may be asked for at once", "A9.ru", `!document.getElementById('again').disabled`},
		{"times lose the mark of our zone", "A3.ru", `[...document.querySelectorAll('time')].every(t => !/мск/.test(t.textContent))`},
		{"nothing takes focus without errors", "A3.ru", `document.activeElement === document.body`},
		{"the summary takes focus", "A3-wrong.ru", `new Promise(done => { // autofocus waits for the page to be drawn
			const until = Date.now() + 5000, look = () => document.activeElement.id === 'error-summary' ? done(true) : Date.now() > until ? done(false) : setTimeout(look, 20);
			look();
		})`},
		{"passwords are shown together", "B5.ru", `(document.querySelector('button[type=button]').click(), [...document.querySelectorAll('#password,#password_repeat')].every(i => i.type === 'text')) && document.querySelector('button[type=button]').textContent === 'Скрыть'`},
		{"passwords are hidden again", "B5.ru", `(document.querySelector('button[type=button]').click(), document.querySelector('button[type=button]').click(), document.getElementById('password').type === 'password')`},
		{"rules are marked as they are met", "B5.ru", `(() => {
			const i = document.getElementById('password');
			i.value = 'Lesnaya7'; i.dispatchEvent(new Event('input'));
			const met = document.querySelectorAll('.met').length, words = document.querySelector('.met').textContent;
			i.value = 'les'; i.dispatchEvent(new Event('input'));
			return met === 3 && words === 'не короче 8 знаков выполнено' && document.querySelectorAll('.met').length === 0;
		})()`},
		{"Caps Lock is named", "A1.ru", `(document.getElementById('password').dispatchEvent(new KeyboardEvent('keyup', {bubbles: true, modifierCapsLock: true})), document.querySelector('form [role=status]').textContent === 'Включён Caps Lock')`},
		{"a form is sent once", "A1.ru", `(() => {
			const f = document.querySelector('form'), send = () => { const e = new Event('submit', {cancelable: true}); f.dispatchEvent(e); return e.defaultPrevented; };
			const first = send(), second = send();
			dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}));
			return !first && second && !send();
		})()`},
		{"the end of a session is not told early", "D1.ru", `document.getElementById('session').hidden`},
	} {
		var ok bool
		if err := chromedp.Run(ctx, chromedp.Navigate(address+"/shot/"+c.page), chromedp.Evaluate(c.ask, &ok, await)); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if !ok {
			t.Errorf("%s: no (%s)", c.name, c.page)
		}
	}
	for _, e := range thrown {
		t.Errorf("the script threw: %s", e)
	}
}

func await(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
