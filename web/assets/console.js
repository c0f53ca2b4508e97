// What the pages gain where scripts run. Every page works without this file; htmx does the live parts.
(() => {
  const page = document.documentElement;

  function switchTheme() {
    const theme = page.getAttribute('cds-theme') === 'dark' ? 'light' : 'dark';
    page.setAttribute('cds-theme', theme);
    try {
      localStorage.setItem('theme', theme);
    } catch {
      // Without storage the choice holds for this page.
    }
  }

  // "/" goes to the search field, as in the vSphere Client and most consoles.
  function focusSearch(event) {
    const typing = event.target.closest('input, textarea, select');
    const field = document.getElementById('search');
    if (event.key !== '/' || typing || !field || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
  }

  function closeHits(event) {
    const hits = document.getElementById('hits');
    if (hits && (event.key === 'Escape' || (event.type === 'click' && !event.target.closest('.finder')))) hits.replaceChildren();
  }

  // Calendar, point list and map are one tab stop each; arrows move inside.
  const STEPS = { ArrowRight: [1, 1], ArrowLeft: [-1, -1], ArrowDown: [7, 1], ArrowUp: [-7, -1] };

  function moveFocus(event) {
    const group = event.target.closest && event.target.closest('[data-arrows]');
    const steps = STEPS[event.key];
    if (!group || !steps) return;
    const links = [...group.querySelectorAll('a')];
    const step = steps[group.dataset.arrows === 'week' ? 0 : 1];
    const next = links[links.indexOf(event.target) + step];
    if (!next) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  // Without scripts every cell of the map is a stop of its own: nothing is out of reach.
  function makeOneStop() {
    for (const group of document.querySelectorAll('[data-one-stop]')) {
      const links = [...group.querySelectorAll('a')];
      const stop = links.includes(document.activeElement) ? document.activeElement : links[0];
      for (const link of links) link.tabIndex = link === stop ? 0 : -1;
    }
  }

  function chooseAll(event) {
    if (!event.target.matches('[data-choose-all]')) return;
    const boxes = event.target.closest('table').querySelectorAll('tbody input[type=checkbox]:not(:disabled)');
    for (const box of boxes) box.checked = event.target.checked;
  }

  // A second Enter or click must not send the same form again (the server would join it, this avoids the doubt).
  function sendOnce(event) {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = 'yes';
  }

  // The live parts say so when the appliance does not answer, and when the sign-in has ended.
  function showConnection(lost) {
    page.classList.toggle('lost', lost);
    for (const mark of document.querySelectorAll('.live-text')) mark.textContent = lost ? 'Reconnecting' : 'Live';
  }

  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-theme-switch]')) switchTheme();
    closeHits(event);
  });
  document.addEventListener('keydown', (event) => {
    focusSearch(event);
    closeHits(event);
    moveFocus(event);
  });
  document.addEventListener('change', chooseAll);
  document.addEventListener('htmx:afterSettle', makeOneStop);
  makeOneStop();
  document.addEventListener('submit', sendOnce);
  window.addEventListener('pageshow', () => {
    for (const form of document.forms) delete form.dataset.sent;
  });
  document.addEventListener('htmx:sendError', () => showConnection(true));
  document.addEventListener('htmx:afterOnLoad', () => showConnection(false));
})();
