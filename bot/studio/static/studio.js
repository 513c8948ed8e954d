// Focus goes to what htmx brought in, where it asks for it; and leaving a changed form is asked about.
document.addEventListener('htmx:afterSwap', (event) => {
  const wanted = event.detail.target.querySelector('[data-focus]');
  if (wanted) wanted.focus();
});
let changed = false;
document.addEventListener('input', (event) => { if (event.target.type !== 'radio' && event.target.closest('form[data-keep]')) changed = true; });
document.addEventListener('submit', () => { changed = false; });
window.addEventListener('beforeunload', (event) => { if (changed) event.preventDefault(); });
// What was sent leaves its box, and the newest turn of a talk is seen.
document.addEventListener('htmx:afterRequest', (event) => {
  const box = event.detail.elt.dataset.clear && document.querySelector(event.detail.elt.dataset.clear);
  if (box && event.detail.successful) { box.value = ''; box.focus(); }
  const talk = document.getElementById('try-talk');
  if (talk && talk.lastElementChild) talk.lastElementChild.scrollIntoView({ block: 'nearest' });
});
// A line that is named is shown: its language is chosen, its words are marked.
document.addEventListener('click', (event) => {
  const link = event.target.closest('a[data-line]');
  const box = link && document.querySelector(link.hash);
  if (!box) return;
  event.preventDefault();
  document.getElementById(`tongue-${box.lang}`).checked = true;
  const lines = box.value.split('\n').slice(0, link.dataset.line);
  const end = lines.join('\n').length;
  box.setSelectionRange(end - lines[lines.length - 1].length, end);
  box.blur();
  box.focus();
});
