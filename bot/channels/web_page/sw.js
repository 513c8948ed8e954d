// Faro's service worker: the page, its files and the saved answers stay readable with no signal. /api/* is never touched.
'use strict';
const VERSION = '1'; // change it (the server may put a hash of the files here) and every phone fetches the files anew
const CACHE = 'faro-' + VERSION;
const CORE = ['/?lang=en', '/?lang=es', '/static/chat.css', '/static/chat.js', '/static/icon.svg'];
const EXTRA = ['/offline.json?lang=en', '/offline.json?lang=es'];
const SLOW = 4000; // after this long a saved page is better than none

self.addEventListener('install', (event) => {
  const fresh = (url) => new Request(url, { cache: 'no-cache' });
  event.waitUntil(caches.open(CACHE).then(async (cache) => {
    await cache.addAll(CORE.map(fresh));
    // One bad saved-answers file must not cost the page; chat.js asks for them again on every visit.
    await Promise.all(EXTRA.map((url) => cache.add(fresh(url)).catch(() => {})));
    await self.skipWaiting();
  }));
});

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (!name.startsWith('faro-') || name === CACHE) continue;
      // Saved answers of the old version are kept where the new ones could not be had.
      const old = await caches.open(name), now = await caches.open(CACHE);
      for (const url of EXTRA) {
        const kept = !(await now.match(url)) && await old.match(url);
        if (kept) await now.put(url, kept);
      }
      await caches.delete(name);
    }
    await self.clients.claim();
  })());
});

self.addEventListener('fetch', (event) => {
  const request = event.request, url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  const lang = url.searchParams.get('lang');
  if (url.pathname === '/') {
    if (request.mode === 'navigate') event.respondWith(page(event, '/?lang=' + (lang === 'es' || lang === 'en' ? lang : preferred()), !lang && preferred() === 'es'));
  } else if (CORE.includes(url.pathname)) event.respondWith(saved(event, url.pathname));
  else if (EXTRA.includes(url.pathname + url.search)) event.respondWith(saved(event, url.pathname + url.search));
});

// The language of '/', as the server chooses it: the first of ours that the browser prefers.
const preferred = () => (navigator.languages.map((l) => l.slice(0, 2).toLowerCase()).find((l) => l === 'en' || l === 'es') || 'en');

async function refresh(event, cache, key) {
  const response = await fetch(event.request);
  // A sign-in page of some Wi-Fi, or an error, never replaces what is saved.
  if (response.ok && !response.redirected && response.type === 'basic') await cache.put(key, response.clone());
  return response;
}

// The page: the network first, what is saved when that is slow, broken or absent.
async function page(event, key, elsewhere) {
  const cache = await caches.open(CACHE);
  const network = refresh(event, cache, key);
  event.waitUntil(network.catch(() => {}));
  const found = await cache.match(key);
  const kept = found && elsewhere ? Response.redirect(key) : found;
  if (!kept) return network;
  const late = new Promise((resolve) => setTimeout(resolve, SLOW, kept));
  return Promise.race([network.then((r) => (r.status < 500 ? r : kept), () => kept), late]);
}

// Files and saved answers: what is saved at once, and the newer one for next time.
async function saved(event, key) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(key);
  const network = refresh(event, cache, key);
  if (!kept) return network;
  event.waitUntil(network.catch(() => {}));
  return kept;
}
