package webtest

import (
	"github.com/chromedp/cdproto/runtime"
)

// examine is run in every page; its argument says whether the window is narrow.
const examine = `(async function (narrow) {
	const found = [], root = document.documentElement;
	const sideways = function (when) {
		if (root.scrollWidth > root.clientWidth) found.push('scrolls sideways' + when + ': ' + root.scrollWidth);
		document.querySelectorAll('main *, header *, footer *').forEach(function (e) {
			if (!e.closest('.vh, details:not([open])') && e.getBoundingClientRect().right > root.clientWidth + 1) found.push('sticks out' + when + ': ' + e.outerHTML.slice(0, 80));
		});
	};
	document.querySelectorAll('details').forEach(function (d) { d.open = true; });
	sideways('');
	document.querySelectorAll('a, button, summary, input:not([type=hidden])').forEach(function (e) {
		const box = (e.closest('label') || e).getBoundingClientRect(), p = e.parentElement;
		const running = e.tagName === 'A' && p.textContent.trim() !== e.textContent.trim() && !p.matches('footer, header, nav');
		if (box.height > 0 && !e.matches('.skip') && !e.closest('.summary') && !running && box.height < 43.5) found.push('target of ' + box.height + ' px: ' + e.outerHTML.slice(0, 80));
	});
	const result = await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations']});
	result.violations.forEach(function (v) { found.push('axe ' + v.id + ': ' + v.nodes.map(function (n) { return n.html.slice(0, 120) + ' ' + n.failureSummary; }).join(' | ')); });
	if (narrow) {
		root.style.fontSize = '200%%';
		sideways(' at 200 %%');
		root.style.fontSize = '';
		Object.assign(document.body.style, {lineHeight: '1.5', letterSpacing: '.12em', wordSpacing: '.16em'}); // WCAG 2.2, 1.4.12
		sideways(' with spaced text');
	}
	return found;
})(%t)`

func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
