// Faro on a partner's page: <script src="https://HOST/static/embed.js" data-lang="es" async></script>
(function () {
  'use strict';
  var script = document.currentScript;
  if (!script || !script.src || !document.createElement('div').attachShadow) return;
  var origin = new URL(script.src).origin;
  var lang = script.getAttribute('data-lang') || (/^es/i.test(document.documentElement.lang) ? 'es' : 'en');
  lang = lang === 'es' ? 'es' : 'en';
  var words = lang === 'es' ? { open: 'Faro: ayuda en desastres', close: 'Cerrar Faro' } : { open: 'Faro: disaster help', close: 'Close Faro' };
  var css = ':host{all:initial}*{box-sizing:border-box;font:600 17px/1.2 system-ui,sans-serif}[hidden]{display:none!important}' +
    'button{cursor:pointer;border:2px solid #fff;background:#0b4f6c;color:#fff;padding:0}' +
    'button:focus-visible{outline:3px solid #ffd166;outline-offset:2px;box-shadow:0 0 0 7px #14202b}' +
    '.open{position:fixed;right:16px;bottom:16px;z-index:2147483646;width:72px;height:72px;border-radius:50%;box-shadow:0 2px 10px #0007}' +
    '.panel{position:fixed;right:16px;bottom:16px;z-index:2147483647;display:flex;flex-direction:column;width:400px;height:min(680px,calc(100% - 32px));border-radius:14px;overflow:hidden;background:#0b4f6c;box-shadow:0 4px 24px #0008}' +
    '.top{display:flex;justify-content:space-between;align-items:center;padding:4px 4px 4px 14px;color:#fff}' +
    '.top button{min-width:44px;min-height:44px;border-color:transparent;border-radius:10px;font-size:22px}' +
    'iframe{flex:1;width:100%;border:0;background:#fff}' +
    '@media (max-width:480px){.panel{inset:0;width:auto;height:auto;border-radius:0}}@media print{.open,.panel{display:none}}';

  function start() {
    var host = document.createElement('div');
    host.lang = lang;
    var root = host.attachShadow({ mode: 'open' });
    try {
      var sheet = new CSSStyleSheet(); // allowed even where the partner forbids inline styles
      sheet.replaceSync(css);
      root.adoptedStyleSheets = [sheet];
    } catch (e) {
      var style = document.createElement('style');
      style.textContent = css;
      root.appendChild(style);
    }
    var button = make('button', 'open', 'Faro');
    button.type = 'button';
    button.setAttribute('aria-label', words.open);
    button.setAttribute('aria-haspopup', 'dialog');
    button.setAttribute('aria-expanded', 'false');
    var panel = make('div', 'panel');
    panel.hidden = true;
    panel.setAttribute('role', 'dialog');
    panel.setAttribute('aria-label', words.open);
    var top = make('div', 'top');
    top.appendChild(make('span', '', 'Faro'));
    var shut = make('button', '', '✕');
    shut.type = 'button';
    shut.setAttribute('aria-label', words.close);
    top.appendChild(shut);
    panel.appendChild(top);
    root.appendChild(button);
    root.appendChild(panel);
    document.body.appendChild(host);

    var frame = null;
    function open() {
      if (!frame) { // nothing is loaded before someone asks for it
        frame = document.createElement('iframe');
        frame.title = words.open;
        frame.allow = 'geolocation';
        frame.src = origin + '/embed?lang=' + lang;
        panel.appendChild(frame);
      }
      panel.hidden = false;
      button.hidden = true;
      button.setAttribute('aria-expanded', 'true');
      frame.focus();
    }
    function close() {
      if (panel.hidden) return;
      panel.hidden = true;
      button.hidden = false;
      button.setAttribute('aria-expanded', 'false');
      button.focus();
    }
    button.addEventListener('click', open);
    shut.addEventListener('click', close);
    document.addEventListener('keydown', function (e) { if (e.key === 'Escape') close(); });
    window.addEventListener('message', function (e) {
      if (frame && e.origin === origin && e.source === frame.contentWindow && e.data === 'faro:close') close();
    });
  }
  function make(tag, name, text) {
    var el = document.createElement(tag);
    if (name) el.className = name;
    if (text) el.textContent = text;
    return el;
  }
  if (document.body) start(); else document.addEventListener('DOMContentLoaded', start);
})();
