// Runs before the first paint (a blocking, external script: the policy allows no other). Saved choice, then the system's.
(() => {
  let saved = null;
  try {
    saved = localStorage.getItem('theme');
  } catch {
    // Storage may be switched off: then the system's choice holds.
  }
  const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  document.documentElement.setAttribute('cds-theme', saved || system);
  document.documentElement.classList.add('scripted');
})();
