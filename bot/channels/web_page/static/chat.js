// Faro's page in the browser. Without this file the page still works as a plain form.
// A message is kept on the phone, under one id, until the server has answered it: it is never lost and never counted twice.
(function () {
  'use strict';
  const d = document, root = d.documentElement, T = d.body.dataset, lang = root.lang;
  const $ = (id) => d.getElementById(id);
  const log = $('log'), form = $('form'), text = $('text'), fresh = $('new'), field = form.elements;
  const asked = new URLSearchParams(location.search).get('lang');
  const chosen = asked === 'en' || asked === 'es' ? asked : null; // only what the person chose, or null: let Faro see by itself

  // ---- what is kept on the phone; works from memory where storage is forbidden or full
  function store(area) {
    const memory = {};
    return {
      get(key) {
        try {
          const value = key in memory ? memory[key] : window[area].getItem('faro.' + key);
          return value ? JSON.parse(value) : null;
        } catch (e) { return null; }
      },
      set(key, value) {
        value = JSON.stringify(value);
        try { window[area].setItem('faro.' + key, value); delete memory[key]; } catch (e) { memory[key] = value; }
      },
    };
  }
  const kept = store('localStorage'); // unsent messages, session, text size
  const tab = store('sessionStorage'); // the conversation on screen: gone when the tab is closed
  const queue = () => kept.get('queue') || [];
  const inQueue = (id) => queue().some((i) => i.id === id);
  const keep = (item) => kept.set('queue', inQueue(item.id) ? queue().map((i) => (i.id === item.id ? item : i)) : queue().concat(item));
  const drop = (id) => kept.set('queue', queue().filter((i) => i.id !== id));
  let turns = tab.get('turns') || [];

  function uuid() {
    if (crypto.randomUUID) return crypto.randomUUID();
    const b = crypto.getRandomValues(new Uint8Array(16));
    b[6] = (b[6] & 15) | 64;
    b[8] = (b[8] & 63) | 128;
    return Array.from(b, (x, i) => ([4, 6, 8, 10].includes(i) ? '-' : '') + (x + 256).toString(16).slice(1)).join('');
  }

  // ---- bubbles
  function make(tag, name, words) {
    const el = d.createElement(tag);
    if (name) el.className = name;
    if (words) el.textContent = words;
    if (tag === 'button') el.type = 'button';
    return el;
  }

  // turn: {who, lang, text | html, choices and rating: [{label, says | page}], attachments, id (a message of ours), re (the id it answers), quote, ask}
  function draw(turn) {
    const el = make('div', 'turn ' + turn.who), name = make('span', 'sr', T[turn.who] + ': '), body = make('div', 'body');
    el.lang = turn.lang || lang;
    name.lang = lang;
    if (turn.html === undefined) body.textContent = turn.text;
    else body.innerHTML = turn.html; // made by our own server
    if (turn.quote) body.prepend(make('p', 'quote', turn.quote));
    outward(body);
    el.append(name, body);
    if (turn.id) el.dataset.id = turn.id;
    if ((turn.attachments || []).length) {
      const files = make('p', 'files');
      turn.attachments.forEach((a) => {
        const link = make('a'), label = make('span', '', T.downloadCalendar + ' ');
        label.lang = lang;
        link.href = a.href || URL.createObjectURL(new Blob([a.content], { type: a.mime }));
        link.download = a.filename;
        link.append(label, make('small', '', a.filename));
        files.append(link);
      });
      el.append(files);
    }
    const choices = picks('choices', turn.choices), rating = picks('choices rating', turn.rating);
    if (turn.ask && !$('where').hidden) {
      const button = make('button'), pin = make('span', '', '📍 '), why = make('p', 'why');
      pin.setAttribute('aria-hidden', 'true');
      why.setAttribute('role', 'status');
      why.lang = button.lang = lang;
      button.append(pin, T.shareLocation);
      locating(button, why);
      choices.append(why, button);
    }
    [choices, rating].forEach((x) => { if (x.firstChild) el.append(x); });
    log.append(el);
    return el;
  }
  function picks(name, list) {
    const box = make('div', name);
    (list || []).forEach((c) => {
      const button = make('button', '', c.label);
      button.name = 'says';
      if (c.page) { button.dataset.page = c.page; button.dataset.from = c.from; } else button.value = c.says;
      box.append(button);
    });
    return box;
  }
  // Maps and sites open beside the conversation, not in its place.
  function outward(el) {
    el.querySelectorAll('a[href^="http"]').forEach((a) => { a.target = '_blank'; a.rel = 'noopener'; });
  }
  function add(turn) {
    turns = turns.concat(turn).slice(-60);
    tab.set('turns', turns);
    return draw(turn);
  }
  const bubble = (id) => Array.from(log.children).find((el) => el.dataset.id === id);
  const atEnd = () => root.scrollHeight - scrollY - innerHeight < 160;
  const gentle = () => (matchMedia('(prefers-reduced-motion: no-preference)').matches ? 'smooth' : 'auto');
  let moved = 0;
  function see(el) { el.scrollIntoView({ block: 'start', behavior: gentle() }); fresh.hidden = true; moved = Date.now(); }

  function say(turn) { // Faro speaks: shown from its beginning, unless the person is reading further up
    const end = atEnd() || Date.now() - moved < 1000, before = log.lastElementChild, el = add(turn);
    if (end) see(before && before.className === 'turn you' ? before : el);
    else { fresh.hidden = false; fresh.onclick = () => { see(el); text.focus({ preventScroll: true }); }; }
  }

  function state(item, words, retry) {
    const el = bubble(item.id);
    if (!el) return;
    let line = el.querySelector('.state');
    if (line && line.dataset.words === words) return;
    if (line) line.remove();
    if (!words) return;
    line = make('div', 'state', words);
    line.dataset.words = words;
    line.lang = lang;
    line.setAttribute('aria-live', 'off'); // the line above the text field says it once
    if (retry) {
      const again = make('button', '', T.retry);
      again.onclick = () => { item.after = tries = 0; text.focus({ preventScroll: true }); pump(); };
      line.append(again);
    }
    el.append(line);
  }
  function notice(words) { if ($('status').textContent !== words) $('status').textContent = words; }

  // ---- sending: one at a time, in order, the same id until it is answered
  const pending = [];
  let busy = false, timer = 0, tries = 0;

  function send(words, label, where) {
    const item = { id: uuid(), text: words, label: label || words, language: chosen, location: where || null };
    keep(item);
    wait(item);
    see(add({ who: 'you', id: item.id, text: item.label, lang }));
    state(item, T.sending);
    pump();
  }
  function wait(item) {
    pending.push(item);
    setTimeout(() => offline(item), 12000); // one bar: the saved answer is better than none
  }

  async function post(item) {
    const stop = new AbortController(), late = setTimeout(() => stop.abort(), 30000);
    try {
      const response = await fetch('/api/chat', {
        method: 'POST', credentials: 'omit', redirect: 'error', signal: stop.signal,
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ session: kept.get('session'), id: item.id, text: item.text, language: item.language, location: item.location }),
      });
      const status = response.status;
      if (status >= 500 || status === 408 || status === 425) return { later: 0 };
      const data = await response.json(); // anything that is not ours (a Wi-Fi's sign-in page) throws, and is tried again
      if (response.ok && typeof data.html === 'string') return { data };
      if (status < 400 || typeof data.message !== 'string') throw new Error('not ours');
      const got = { message: data.message, html: data.html };
      return status === 429 ? { ...got, later: 1000 * Math.max(5, +response.headers.get('Retry-After') || 20) } : got;
    } finally { clearTimeout(late); }
  }

  async function pump() {
    clearTimeout(timer);
    if (busy || !pending.length) return;
    const now = Date.now(), item = pending.find((i) => !(i.after > now));
    if (!item) {
      timer = setTimeout(pump, Math.min.apply(null, pending.map((i) => i.after)) - now + 50);
      return;
    }
    busy = true;
    let pause = 0;
    try {
      const got = await post(item);
      tries = 0;
      if (got.data) answer(item, got.data);
      else {
        const news = !!got.message && !item.told;
        if (got.later === undefined) done(item);
        else { // the server is there and will not take this one now: the others need not wait for it
          item.told = !!got.message || item.told;
          item.times = (item.times || 0) + 1;
          item.after = Date.now() + (got.later || backoff(item.times));
          keep(item);
          state(item, T.failed, true);
          if (!got.message) { notice(T.failed); offline(item); }
        }
        if (news) say({ who: 'faro', lang, text: got.message, html: got.html });
      }
    } catch (e) {
      pause = backoff(++tries);
      pending.forEach((i) => state(i, T.failed, true));
      notice(T.offline);
      pending.forEach(offline);
    }
    busy = false;
    if (!pending.length) notice('');
    if (pause) timer = setTimeout(pump, pause);
    else pump();
  }
  const backoff = (n) => Math.min(60, Math.pow(2, n)) * 1000 * (0.8 + 0.4 * Math.random());

  function done(item) {
    drop(item.id);
    pending.splice(pending.indexOf(item), 1);
    state(item, '');
  }
  function answer(item, data) {
    if (navigator.onLine !== false) notice('');
    const mine = bubble(item.id), later = item.local || (mine && mine !== Array.from(log.querySelectorAll('.you')).pop());
    if (mine) mine.lang = data.language || lang;
    state(item, '');
    if (data.session) kept.set('session', data.session);
    else { kept.set('session', null); turns = []; tab.set('turns', turns); } // forgotten on the server: forgotten here
    field.session.value = data.session || '';
    if (!turns.some((x) => x.re === item.id)) {
      say({
        who: 'faro', lang: data.language, html: data.html, choices: data.choices, rating: data.rating, attachments: data.attachments,
        re: item.id, ask: data.ask_location, quote: later ? T.you + ': ' + item.label : '',
      });
    }
    done(item);
  }

  // ---- no signal: the crisis lines first, then what was saved on an earlier visit
  const plain = (s) => ' ' + s.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase().replace(/[^a-z0-9]+/g, ' ').trim() + ' ';

  async function saved(which) {
    const stop = new AbortController(), late = setTimeout(() => stop.abort(), 8000);
    try {
      const response = await fetch('/offline.json?lang=' + which, { credentials: 'omit', signal: stop.signal });
      const book = response.ok ? await response.json() : null;
      if (book) book.lang = which;
      return book;
    } catch (e) { return null; } finally { clearTimeout(late); }
  }
  function found(book, words) {
    const score = (page) => (page.keywords || []).concat(page.title).reduce((sum, k) => {
      const key = plain(k);
      return sum + (key.length > 2 && words.includes(key) ? key.length : 0);
    }, 0);
    return book.pages.map((page) => ({ page, score: score(page) })).filter((x) => x.score).sort((a, b) => b.score - a.score).map((x) => x.page);
  }
  const buttons = (book, pages) => pages.map((p) => ({ label: p.title, page: p.id, from: book.lang }));

  async function offline(item) {
    if (item.local || !pending.includes(item)) return;
    item.local = true;
    const books = (await Promise.all([saved(lang), saved(lang === 'es' ? 'en' : 'es')])).filter(Boolean);
    if (!pending.includes(item) || !books.length) { item.local = false; return; }
    keep(item);
    const words = plain(item.text + ' ' + item.label);
    const book = books.find((b) => found(b, words).length) || books[0], hits = found(book, words);
    say({
      who: 'faro', lang: book.lang, html: book.urgent_html + (hits.length ? hits[0].html : book.menu_html),
      choices: buttons(book, hits.length ? hits.slice(1, 4) : book.pages),
    });
  }
  async function openPage(id, from, label) {
    see(add({ who: 'you', lang: from, text: label }));
    const book = await saved(from), page = book && book.pages.find((p) => p.id === id);
    if (page) say({ who: 'faro', lang: from, html: book.urgent_html + page.html });
    else send(label);
  }

  // ---- location: the first tap explains, only the second one asks the phone
  function locating(button, why) {
    let armed = 0;
    const calm = () => { why.textContent = ''; button.classList.remove('armed'); button.removeAttribute('aria-busy'); armed = 0; };
    button.addEventListener('keydown', (e) => { if (e.key === 'Escape' && armed) { calm(); e.stopPropagation(); } });
    button.addEventListener('click', () => {
      if (!armed) {
        armed = Date.now();
        why.textContent = T.shareLocationWhy;
        button.classList.add('armed');
        button.scrollIntoView({ block: 'nearest', behavior: gentle() });
        return;
      }
      if (Date.now() - armed < 600 || button.getAttribute('aria-busy')) return; // a double tap is not a yes
      button.setAttribute('aria-busy', 'true');
      const round = (x) => Math.round(x * 1000) / 1000; // about 100 m: enough for a county, no more than needed
      navigator.geolocation.getCurrentPosition(
        (p) => { calm(); send('', '📍 ' + T.shareLocation, { latitude: round(p.coords.latitude), longitude: round(p.coords.longitude) }); },
        () => { calm(); say({ who: 'faro', lang, text: T.locationFailed }); text.focus({ preventScroll: true }); },
        { timeout: 20000, maximumAge: 600000 });
    });
  }

  // ---- the page's own controls
  function grow() {
    tab.set('draft', text.value);
    text.rows = 1;
    while (text.rows < 5 && text.scrollHeight > text.clientHeight + 2) text.rows++;
  }
  function submit() {
    const words = text.value.trim();
    if (!words) return text.focus();
    text.value = '';
    grow();
    send(words);
    text.focus({ preventScroll: true });
  }
  form.addEventListener('submit', (e) => { e.preventDefault(); if (!e.submitter || e.submitter.name !== 'says') submit(); });
  text.addEventListener('input', grow);
  text.addEventListener('keydown', (e) => {
    if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); submit(); }
  });
  let last = 0;
  log.addEventListener('click', (e) => {
    const button = e.target.closest('button[name=says]');
    if (!button) return;
    e.preventDefault();
    if (Date.now() - last < 600) return; // a double tap is one choice
    last = Date.now();
    if (button.dataset.page) openPage(button.dataset.page, button.dataset.from, button.textContent);
    else send(button.value, button.textContent);
  });

  const big = $('big');
  function size(on) { root.classList.toggle('big', on); big.setAttribute('aria-pressed', on); }
  big.hidden = false;
  size(!!kept.get('big'));
  big.onclick = () => { kept.set('big', !kept.get('big')); size(kept.get('big')); };

  if (navigator.geolocation && isSecureContext) {
    $('where').hidden = false;
    locating($('where'), d.querySelector('.why'));
  }
  addEventListener('scroll', () => { if (atEnd()) fresh.hidden = true; }, { passive: true });
  addEventListener('online', () => { tries = 0; notice(''); pump(); });
  addEventListener('offline', () => notice(T.offline));
  d.addEventListener('visibilitychange', () => { if (!d.hidden) pump(); });
  if (parent !== window) addEventListener('keydown', (e) => { if (e.key === 'Escape') parent.postMessage('faro:close', '*'); });

  // ---- start: what the server has drawn (plain form before this file arrived), else what this tab had on screen
  const drawn = Array.from(log.querySelectorAll('[data-turn]'));
  if (drawn.length) {
    const said = (el, box) => Array.from(el.querySelectorAll(box + ' button'), (b) => ({ label: b.textContent, says: b.value }));
    turns = drawn.map((el) => {
      const body = el.querySelector('.body'), you = el.classList.contains('you');
      outward(body);
      return {
        who: you ? 'you' : 'faro', lang: el.lang, text: body.textContent, html: you ? undefined : body.innerHTML,
        choices: said(el, '.choices:not(.rating)'), rating: said(el, '.rating'),
        attachments: Array.from(el.querySelectorAll('.files a'), (a) => ({ filename: a.download, href: a.getAttribute('href') })),
      };
    });
    tab.set('turns', turns);
    if (field.session.value) kept.set('session', field.session.value);
  } else turns.forEach(draw);
  field.session.value = kept.get('session') || '';
  queue().forEach((item) => {
    item.after = 0;
    if (!bubble(item.id)) add({ who: 'you', id: item.id, text: item.label, lang });
    wait(item);
    state(item, T.sending);
  });
  if (!text.value) { text.value = tab.get('draft') || ''; grow(); }
  const shown = Array.from(log.querySelectorAll('.turn.you')).pop();
  if (shown && !drawn.length) shown.scrollIntoView({ block: 'start', behavior: 'instant' });
  if (navigator.onLine === false) notice(T.offline);
  pump();

  if (navigator.serviceWorker) {
    const renew = !!navigator.serviceWorker.controller;
    addEventListener('load', () => setTimeout(() => {
      navigator.serviceWorker.register('/sw.js').catch(() => {});
      if (renew) { saved('en'); saved('es'); } // through the service worker, which keeps the newer one
    }, 1500));
  }
})();
