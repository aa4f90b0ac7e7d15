/**
 * The one stylesheet of the hosted pages, with the host's theme in its custom properties.
 *
 * Browsers that do not know `light-dark()` get the light scheme.
 *
 * @since 0.1.0
 */
import type { Theme } from "../PageTheme.ts"

/**
 * The stylesheet for a theme. The theme's values must have passed its schema: they are written as they are.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stylesheet = ({ accent, onAccent, radius }: Theme): string =>
  minify(`
:root {
  color-scheme: light;
  --ground: #fff; --text: #16181d; --quiet: #565c67; --line: #7d8592; --rule: #e2e5ea; --field: #fff;
  --accent: ${accent.light}; --on-accent: ${onAccent.light};
  --bad: #b42318; --bad-ground: #fef3f2; --good: #05603a; --good-ground: #ecfdf3; --warn: #8a4b00;
  --radius: ${radius};
}
@supports (color: light-dark(#000, #fff)) {
  :root {
    color-scheme: light dark;
    --ground: light-dark(#fff, #111418); --text: light-dark(#16181d, #e8eaee); --quiet: light-dark(#565c67, #a3abb8);
    --line: light-dark(#7d8592, #77808f); --rule: light-dark(#e2e5ea, #2b313b); --field: light-dark(#fff, #171b21);
    --accent: light-dark(${accent.light}, ${accent.dark}); --on-accent: light-dark(${onAccent.light}, ${onAccent.dark});
    --bad: light-dark(#b42318, #ff9c92); --bad-ground: light-dark(#fef3f2, #2c1614);
    --good: light-dark(#05603a, #7fe0ad); --good-ground: light-dark(#ecfdf3, #10261b);
    --warn: light-dark(#8a4b00, #f5c26b);
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { background: var(--ground); color: var(--text); font: 100%/1.5 system-ui, sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: flex; flex-direction: column; overflow-wrap: anywhere; }
header, main, footer { width: 100%; max-width: 26rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 2rem; padding-bottom: 1.5rem; }
main { flex: 1; padding-bottom: 3rem; }
.brand { display: inline-flex; align-items: center; min-height: 2.75rem; font-weight: 600; color: inherit; text-decoration: none; }
.brand img { display: block; height: 2rem; width: auto; max-width: 100%; }
h1, h2, h3, p, ul, form { margin: 0; }
h1 { font-size: 1.5rem; line-height: 1.25; letter-spacing: -0.01em; text-wrap: balance; }
h2 { font-size: 1.125rem; line-height: 1.35; }
h3 { font-size: 1rem; line-height: 1.4; }
p { text-wrap: pretty; }
main > * + *, section > * + *, form > * + *, li > * + *, .notice > * + *, .hint + .field, .field + .field { margin-top: 1rem; }
main > * + form, .errors + h1, section > form + form, section > form + p { margin-top: 1.5rem; }
h2 + p, h3 + p { margin-top: 0.25rem; }
section { padding-top: 1.5rem; border-top: 1px solid var(--rule); scroll-margin-top: 1rem; }
main > * + section { margin-top: 2rem; }
ul { padding: 0; list-style: none; }
.quiet { color: var(--quiet); font-size: 0.9375rem; }
a { color: var(--accent); text-underline-offset: 0.2em; }
a:hover { text-decoration-thickness: 0.12em; }
.links { display: flex; flex-direction: column; align-items: flex-start; margin-top: 1.5rem; }
.links p { color: var(--quiet); }
.links a { display: inline-block; padding: 0.625rem 0; line-height: 1.5; }
.field > * { display: block; }
label { font-weight: 500; }
.optional { font-weight: 400; color: var(--quiet); }
.hint { color: var(--quiet); font-size: 0.9375rem; }
input, select { width: 100%; min-height: 2.75rem; margin-top: 0.375rem; padding: 0.5rem 0.75rem; font: inherit; color: inherit;
  background: var(--field); border: 1px solid var(--line); border-radius: var(--radius); }
input[aria-invalid] { border-color: var(--bad); border-width: 2px; padding: calc(0.5rem - 1px) calc(0.75rem - 1px); }
.check { display: flex; gap: 0.75rem; align-items: center; min-height: 2.75rem; font-weight: 400; }
.check > :first-child { flex: none; width: 1.5rem; min-height: 1.5rem; margin: 0; accent-color: var(--accent); }
.tall { padding: 0.25rem 0; }
.problem { color: var(--bad); font-weight: 500; font-size: 0.9375rem; margin-top: 0.25rem; }
.secret { display: flex; flex-wrap: wrap; gap: 0.5rem; margin-top: 0.375rem; }
.secret input { flex: 1 1 8rem; width: 8rem; margin-top: 0; min-width: 0; }
.secret button { flex: none; }
button, .button { display: inline-block; min-height: 2.75rem; padding: 0.5625rem 1rem; font: inherit; font-weight: 600; line-height: 1.5;
  text-align: center; text-decoration: none; cursor: pointer; border: 1px solid transparent; border-radius: var(--radius);
  background: var(--accent); color: var(--on-accent); }
button:hover, .button:hover { filter: brightness(1.08); }
.main { width: 100%; }
.plain { background: transparent; color: var(--text); border-color: var(--line); }
.danger { background: transparent; color: var(--bad); border-color: currentcolor; }
:focus-visible, .errors:focus { outline: 3px solid var(--accent); outline-offset: 2px; }
.errors, .notice { padding: 0.875rem 1rem; border-radius: var(--radius); border-left: 4px solid; }
.errors { background: var(--bad-ground); border-color: var(--bad); }
.errors h2 { font-size: 1rem; }
.errors ul { margin-top: 0.25rem; }
.errors li { padding: 0.375rem 0; }
.errors a { color: var(--bad); font-weight: 500; }
.errors li + li { margin-top: 0; }
.notice { background: var(--good-ground); border-color: var(--good); }
.status { display: inline-block; font-weight: 600; font-size: 0.875rem; }
.good { color: var(--good); }
.warn { color: var(--warn); }
.bar { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.5rem 1rem; }
.bar > * { margin: 0; min-width: 0; }
.bar > :first-child { flex: 1 1 min-content; overflow-wrap: break-word; }
.bar > button { flex: 1 1 min-content; }
.row { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; }
.row > * { margin: 0; }
[aria-current] { font-weight: 600; text-decoration: none; }
.choices > li + li { margin-top: 1rem; }
.sessions > li + li, .rows > li + li { margin-top: 0; border-top: 1px solid var(--rule); }
.sessions > li, .rows > li { padding: 0.75rem 0; }
.sessions > li:first-child { padding-top: 0; }
.qr { display: block; width: 100%; max-width: 16rem; height: auto; }
code { font: 1.0625rem/1.6 ui-monospace, monospace; letter-spacing: 0.04em; }
.codes { columns: 2; }
.codes > li + li { margin-top: 0; }
.print { display: none; }
@media (forced-colors: active) { button, .button { border-color: ButtonText; } }
@media (prefers-reduced-motion: no-preference) { button, .button { transition: filter 120ms; } }
@media (prefers-contrast: more) { :root { --quiet: var(--text); --line: var(--text); --rule: var(--text); } }
@media print { button, .button, form, .quiet { display: none; } .print { display: block; } }
`)

// internal

/** Takes out what only people need: line breaks, indentation, spaces around punctuation, zeros before a point. */
const minify = (css: string): string =>
  css
    .replace(/\s+/gu, " ")
    // No `calc()` here adds: every plus stands between selectors.
    .replace(/ ?([{};,>+]) ?/gu, "$1")
    .replace(/(?<![\d.])0(\.\d+r?em)/gu, "$1")
    .replace(/: /gu, ":")
    .replace(/;\}/gu, "}")
    .trim()
