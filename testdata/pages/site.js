// What only a script can do (DESIGN.md 2.10). Every page works without it.
'use strict';
(() => {
const doc = document, lang = doc.documentElement.lang === 'en' ? 'en-GB' : 'ru';
const all = (q, f) => doc.querySelectorAll(q).forEach(f);
const make = (tag, cls, text) => {
	const e = doc.createElement(tag);
	e.className = cls;
	e.textContent = text || '';
	if (tag === 'button') e.type = 'button';
	return e;
};
const say = (e, text) => { if (e.textContent !== text) e.textContent = text; };
const status = (cls) => { const e = make('span', cls); e.setAttribute('role', 'status'); return e; };
const mmss = s => Math.floor(s / 60) + ':' + ('0' + s % 60).slice(-2);
// every(f): once a second and when the page is seen again; f is given the seconds since the page came.
const began = Date.now(), jobs = [], passed = () => Math.floor((Date.now() - began) / 1000);
const tick = () => jobs.forEach(f => f(passed()));
const every = f => { jobs.push(f); f(passed()); };
setInterval(tick, 1000);
doc.addEventListener('visibilitychange', tick);

// Times in the visitor's zone, without the mark of ours.
all('time[data-local]', e => {
	const t = new Date(e.dateTime), now = new Date(), kind = e.dataset.local, two = '2-digit';
	let text = t.toLocaleTimeString(lang, {hour: two, minute: two, second: kind === 's' ? two : undefined});
	if (kind === 'd' || t.toDateString() !== now.toDateString()) {
		text = t.toLocaleDateString(lang, {day: 'numeric', month: 'long', year: t.getFullYear() === now.getFullYear() ? undefined : 'numeric'}) + ', ' + text;
	}
	e.textContent = text;
});

// Countdown of a code: only the status line is spoken, twice.
all('[data-left]', box => {
	const d = box.dataset, left = make('span', 'left'), hide = make('button', 'link', d.hide), parts = d.text.split('{left}');
	box.append(parts[0], left, parts[1] + ' ', hide);
	let on = true;
	hide.onclick = () => { on = false; box.hidden = true; };
	every(s => {
		const n = Math.max(0, d.left - s);
		left.textContent = mmss(n);
		box.hidden = !on || !n;
		say(doc.getElementById('code-status'), n ? n <= 60 ? d.minute : '' : d.over);
	});
});

// A new code, not before its time.
all('[data-from]', b => {
	const note = b.nextElementSibling;
	every(s => {
		const n = Math.max(0, b.dataset.from - s);
		b.disabled = n > 0;
		note.textContent = n ? b.dataset.wait.replace('{left}', mmss(n)) : '';
	});
});

// Show and hide the passwords of a form; Caps Lock.
all('form[data-show]', form => {
	const inputs = form.querySelectorAll('[type=password]'), last = inputs[inputs.length - 1], d = form.dataset;
	const b = make('button', 'link', d.show), caps = status('hint');
	const show = on => {
		b.textContent = on ? d.hide : d.show;
		inputs.forEach(i => { i.type = on ? 'text' : 'password'; });
	};
	last.after(caps, ' ', b);
	b.onclick = () => show(last.type === 'password');
	form.addEventListener('submit', () => show(false));
	form.addEventListener('keyup', e => { if (e.getModifierState) say(caps, e.getModifierState('CapsLock') ? d.caps : ''); });
});

// Rules of a new password, marked as they are met; the server decides.
all('[data-rules]', list => {
	const rules = {length: (v, n) => [...v].length >= n, letters: v => /[A-Z]/.test(v) && /[a-z]/.test(v), digit: v => /[0-9]/.test(v)};
	const input = doc.getElementById('password');
	input.addEventListener('input', () => list.querySelectorAll('[data-rule]').forEach(li => {
		const met = rules[li.dataset.rule](input.value, li.dataset.n);
		if (met === li.classList.contains('met')) return;
		li.classList.toggle('met', met);
		if (met) li.append(make('span', 'vh', ' ' + list.dataset.rules)); else li.lastChild.remove();
	}));
});

// Copy.
all('[data-copy]', e => {
	const d = e.dataset, b = make('button', 'link', d.copy), done = status('muted');
	if (d.what) b.append(make('span', 'vh', ': ' + d.what));
	e.after(' ', b, ' ', done);
	b.onclick = () => navigator.clipboard.writeText(e.textContent).then(() => say(done, d.copied));
});

// Polling: how much is new. 5 seconds growing to 30, never on a hidden tab, until stopped.
all('[data-poll]', box => {
	const d = box.dataset, words = status(''), stop = make('button', 'link', d.stop);
	let wait = 5, next = 5;
	box.append(words, ' ', stop);
	box.hidden = false;
	stop.onclick = () => { next = Infinity; stop.remove(); };
	every(s => {
		if (doc.hidden || s < next) return;
		next = s + wait;
		wait = Math.min(30, wait * 1.3);
		fetch(d.poll).then(r => r.json()).then(list => say(words, list.length ? d.text.replace('{n}', list.length) : '')).catch(() => {});
	});
});

// The end of a session, two minutes before.
all('#session', box => {
	const life = +box.dataset.session, words = box.firstChild;
	let ends = life;
	const show = s => {
		const on = s >= ends - 120 && s < ends;
		if (on === box.hidden) { box.hidden = !on; if (on) box.prepend(words); }
	};
	every(show);
	box.lastChild.onclick = () => fetch(location.href, {redirect: 'error'}).then(r => { if (r.ok) { ends = passed() + life; show(passed()); } }).catch(() => {});
});

// A form is sent once; shown again, it may be sent again.
all('form', form => form.addEventListener('submit', e => {
	if (form.dataset.sent) e.preventDefault();
	form.dataset.sent = 1;
}));
addEventListener('pageshow', () => { all('form', form => { delete form.dataset.sent; }); tick(); });
})();
