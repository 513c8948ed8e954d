// Focus goes to what htmx brought in, where it asks for it; and leaving a changed form is asked about.
document.addEventListener('htmx:afterSwap', (event) => {
  const wanted = event.detail.target.querySelector('[data-focus]');
  if (wanted) wanted.focus();
});
let changed = false;
document.addEventListener('input', (event) => { if (event.target.closest('form[data-keep]')) changed = true; });
document.addEventListener('submit', () => { changed = false; });
window.addEventListener('beforeunload', (event) => { if (changed) event.preventDefault(); });
// What was sent leaves its box, and the newest turn of a talk is seen.
document.addEventListener('htmx:afterRequest', (event) => {
  const box = event.detail.elt.dataset.clear && document.querySelector(event.detail.elt.dataset.clear);
  if (box && event.detail.successful) { box.value = ''; box.focus(); }
  const talk = document.getElementById('try-talk');
  if (talk && talk.lastElementChild) talk.lastElementChild.scrollIntoView({ block: 'nearest' });
});
