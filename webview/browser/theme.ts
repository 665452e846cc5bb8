/** The kinds of themes as the component toolkit knows them, and when a browser wants each. */
const kinds = [
  ['vscode-high-contrast', '(forced-colors: active), (prefers-contrast: more) and (prefers-color-scheme: dark)'],
  ['vscode-high-contrast-light', '(prefers-contrast: more)'],
  ['vscode-dark', '(prefers-color-scheme: dark)'],
] as const;

/** Names the theme whose values `theme.css` has now: the toolkit takes them when the name changes. */
export function followTheme(): void {
  const queries = kinds.map(([kind, query]) => ({ kind, media: matchMedia(query) }));
  const show = (): void => {
    const kind = queries.find(({ media }) => media.matches)?.kind ?? 'vscode-light';
    document.body.dataset.vscodeThemeKind = kind;
    document.body.className = kind;
  };
  for (const { media } of queries) media.addEventListener('change', show);
  show();
}
