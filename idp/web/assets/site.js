'use strict';
(function () {
  var doc = document, lang = doc.documentElement.lang;
  function all(q, f) { doc.querySelectorAll(q).forEach(f); }
  function make(tag, cls, text) { var e = doc.createElement(tag); e.className = cls; e.textContent = text || ''; if (tag === 'button') e.type = 'button'; return e; }
  function mmss(s) { return Math.floor(s / 60) + ':' + ('0' + s % 60).slice(-2); }
  // every(f): once a second and whenever the page is seen again; f is given the seconds since the page came.
  var began = Date.now(), jobs = [];
  function tick() { var s = Math.floor((Date.now() - began) / 1000); jobs.forEach(function (f) { f(s); }); }
  function every(f) { jobs.push(f); f(0); }
  setInterval(tick, 1000);
  doc.addEventListener('visibilitychange', tick);

  // Times: to the visitor's zone, without the mark of ours.
  all('time[data-local]', function (e) {
    var t = new Date(e.getAttribute('datetime')), now = new Date(), seconds = /\d:\d\d:\d\d/.test(e.textContent);
    if (isNaN(t)) return;
    var text = t.toLocaleTimeString(lang === 'en' ? 'en-GB' : lang, {hour: '2-digit', minute: '2-digit', second: seconds ? '2-digit' : undefined});
    var day = {day: 'numeric', month: 'long'};
    if (t.getFullYear() !== now.getFullYear()) day.year = 'numeric';
    if (/[a-zа-я]+,/i.test(e.textContent) || /\d,/.test(e.textContent) || t.toDateString() !== now.toDateString()) text = t.toLocaleDateString(lang === 'en' ? 'en-GB' : lang, day) + ', ' + text;
    e.textContent = text;
  });

  // Countdown of a code. Only the status line is spoken, twice.
  all('[data-left]', function (box) {
    var d = box.dataset, left = make('span', 'left'), hide = make('button', 'link', d.hide), said = '';
    var parts = d.text.split('{left}'), status = doc.getElementById('code-status');
    box.append(parts[0], left, parts[1] + ' ', hide);
    box.hidden = false;
    hide.onclick = function () { box.hidden = true; };
    every(function (s) {
      var n = Math.max(0, d.left - s), say = n === 0 ? d.over : n <= 60 && d.left > 60 ? d.minute : '';
      left.textContent = mmss(n);
      if (say && say !== said) { said = say; status.textContent = say; }
      if (n === 0) box.hidden = true;
    });
  });

  // A new code: not before its time.
  all('button[data-from]', function (b) {
    var d = b.dataset, note = b.nextElementSibling;
    every(function (s) {
      var n = d.from - s;
      b.disabled = n > 0;
      note.hidden = n <= 0;
      note.textContent = d.wait.replace('{left}', mmss(Math.max(0, n)));
    });
  });

  // Passwords: show and hide all of a form; Caps Lock.
  all('form[data-show]', function (form) {
    var inputs = form.querySelectorAll('input[type=password]'), last = inputs[inputs.length - 1];
    if (!last) return;
    var b = make('button', 'link', form.dataset.show), caps = make('p', 'hint'), shown = false;
    caps.setAttribute('role', 'status');
    last.after(b);
    last.before(caps);
    b.onclick = function () {
      shown = !shown;
      b.textContent = shown ? form.dataset.hide : form.dataset.show;
      inputs.forEach(function (i) { i.type = shown ? 'text' : 'password'; });
    };
    inputs.forEach(function (i) {
      i.addEventListener('keyup', function (e) {
        var on = e.getModifierState && e.getModifierState('CapsLock') ? form.dataset.caps || '' : '';
        if (caps.textContent !== on) caps.textContent = on;
      });
    });
    form.addEventListener('submit', function () { inputs.forEach(function (i) { i.type = 'password'; }); });
  });

  // Rules of a new password: marked as they are met; the server decides.
  all('[data-rules]', function (list) {
    var input = doc.getElementById('password');
    var rules = {
      length: function (v, n) { return Array.from(v).length >= n; },
      letters: function (v) { return /[A-Z]/.test(v) && /[a-z]/.test(v); },
      digit: function (v) { return /[0-9]/.test(v); }
    };
    input.addEventListener('input', function () {
      list.querySelectorAll('[data-rule]').forEach(function (li) {
        var met = rules[li.dataset.rule](input.value, +li.dataset.n), was = li.classList.contains('met');
        if (met === was) return;
        li.classList.toggle('met', met);
        if (met) li.append(make('span', 'vh', ' ' + list.dataset.rules)); else li.lastChild.remove();
      });
    });
  });

  // Copy.
  all('[data-copy]', function (e) {
    var b = make('button', 'link', e.dataset.copy), status = make('span', 'muted');
    if (e.dataset.what) b.setAttribute('aria-label', e.dataset.copy + ': ' + e.dataset.what);
    status.setAttribute('role', 'status');
    e.after(' ', b, ' ', status);
    b.onclick = function () { navigator.clipboard.writeText(e.textContent).then(function () { status.textContent = e.dataset.copied; }); };
  });

  // Polling: how much is new; 5 seconds growing to 30, never on a hidden tab, until stopped.
  all('[data-poll]', function (box) {
    var d = box.dataset, status = make('span', ''), stop = make('button', 'link', d.stop), wait = 5, next = 5, on = true;
    status.setAttribute('role', 'status');
    box.append(status, ' ', stop);
    box.hidden = false;
    stop.onclick = function () { on = false; stop.remove(); };
    every(function (s) {
      if (!on || doc.hidden || s < next) return;
      next = s + wait;
      wait = Math.min(30, wait * 1.3);
      fetch(d.poll).then(function (r) { return r.json(); }).then(function (list) {
        var text = list.length ? d.text.replace('{n}', list.length) : '';
        if (status.textContent !== text) status.textContent = text;
      }, function () {});
    });
  });

  // The end of a session is told two minutes before.
  all('#session', function (box) {
    var ends = +box.dataset.session, words = Array.from(box.childNodes);
    function show(on) { if (box.hidden === on) { box.hidden = !on; if (on) box.append.apply(box, words); } }
    every(function (s) { show(s >= ends - 120 && s < ends); });
    box.querySelector('button').onclick = function () {
      fetch(location.href, {redirect: 'error'}).then(function (r) { if (r.ok) { ends = Math.floor((Date.now() - began) / 1000) + +box.dataset.session; show(false); } }, function () {});
    };
  });

  // A form is sent once.
  all('form', function (form) {
    form.addEventListener('submit', function (e) {
      if (form.dataset.sent) e.preventDefault();
      form.dataset.sent = '1';
    });
  });
  addEventListener('pageshow', function () { all('form', function (form) { delete form.dataset.sent; }); tick(); });
})();
