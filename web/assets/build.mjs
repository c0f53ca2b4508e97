// Collects the console's front end into static/build: fonts, icons, Clarity's tokens, htmx, our own CSS and JavaScript.
// Everything comes from node_modules (npm ci) and this folder; nothing is fetched, nothing is loaded from elsewhere later.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { PurgeCSS } from 'purgecss';

const web = fileURLToPath(new URL('..', import.meta.url));
const modules = path.join(web, 'node_modules');
const assets = path.join(web, 'assets');
const built = path.join(web, 'static', 'build');

const read = (...parts) => fs.readFileSync(path.join(...parts), 'utf8');
const write = (name, text) => fs.writeFileSync(path.join(built, name), text);

function copyFonts() {
  fs.mkdirSync(path.join(built, 'fonts'));
  for (const weight of ['Regular', 'Medium', 'SemiBold']) {
    const name = `ClarityCity-${weight}.woff2`;
    fs.copyFileSync(path.join(modules, '@cds/city/Webfonts/WOFF2', name), path.join(built, 'fonts', name));
  }
  fs.copyFileSync(path.join(modules, '@cds/city/LICENSE'), path.join(built, 'fonts', 'LICENSE'));
}

// One SVG sprite of the icons in icons.txt; Clarity keeps each shape as markup inside a module.
function buildIcons() {
  const symbols = read(assets, 'icons.txt').trim().split(/\s+/).map((name) => {
    const source = read(modules, '@cds/core/icon/shapes', `${name}.js`);
    const shape = source.match(/outline:'([^']*)'/) || source.match(/\("[^"]*",\w+\('([^']*)'/) || source.match(/'(<path[^']*)'/);
    if (!shape) throw new Error(`Clarity has no outline of the icon ${name}`);
    return `<symbol id="${name}" viewBox="0 0 36 36">${shape[1]}</symbol>`;
  });
  write('icons.svg', `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg>`);
}

// Of Clarity only its tokens, both themes and the buttons: its other classes (row, list, label, card…) are named as ours
// are. It goes into a layer, so that our own rules win without !important; its embedded fonts are cut out.
async function buildClarity() {
  const css = read(modules, '@clr/ui/clr-ui.css').replace(/@font-face\s*\{[^}]*\}/g, '');
  const content = [{ raw: '<html cds-theme><body><button class="btn"></button></body></html>', extension: 'html' }];
  const [purged] = await new PurgeCSS().purge({ content, css: [{ raw: css }], keyframes: true, safelist: { standard: [/^cds-theme/] } });
  const { code } = await esbuild.transform(purged.css, { loader: 'css', minify: true });
  write('clarity.css', `@layer clarity{${code.replace(/@charset "[^"]*";/, '')}}`);
}

async function buildOwn() {
  for (const name of ['console.css', 'console.js', 'theme.js']) {
    const loader = path.extname(name).slice(1);
    const { code } = await esbuild.transform(read(assets, name), { loader, minify: true, target: loader === 'js' ? 'es2020' : undefined });
    write(name, code);
  }
  fs.copyFileSync(path.join(modules, 'htmx.org/dist/htmx.min.js'), path.join(built, 'htmx.js'));
}

fs.rmSync(built, { recursive: true, force: true });
fs.mkdirSync(built, { recursive: true });
copyFonts();
buildIcons();
await Promise.all([buildClarity(), buildOwn()]);
