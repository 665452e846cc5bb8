/** The document of a page in a browser. What it shows comes from its scripts, which have to be signed in for it. */
export function pageDocument(nonce: string): string {
  const style = (name: string) => `<link rel="stylesheet" nonce="${nonce}" href="/dashboard/assets/${name}.css">`;
  const script = (name: string) =>
    `<script type="module" nonce="${nonce}" src="/dashboard/assets/${name}.js"></script>`;
  // Loaded once the page is signed in: its file can come before that.
  const early = `<link rel="modulepreload" nonce="${nonce}" href="/dashboard/assets/logs.js">`;
  return document('minifal', [early, style('browser-style'), style('logs-style'), script('browser'), script('ui')]);
}

/** A page of a few sentences, without scripts. */
export function textDocument(nonce: string, title: string, paragraphs: readonly string[]): string {
  const style = `<link rel="stylesheet" nonce="${nonce}" href="/dashboard/assets/browser-style.css">`;
  const text = [`<h1>${escaped(title)}</h1>`, ...paragraphs.map((one) => `<p>${one}</p>`)].join('\n');
  return document(`${title} · minifal`, [style], `<main class="prose">\n${text}\n</main>`);
}

/** Text in a document. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The component toolkit tries what a browser supports in an empty style element. */
const emptyStyle = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='";

/** What a page may do: run our scripts alone, ask this server alone, and be shown in no other page. */
export function pageHeaders(nonce: string): Readonly<Record<string, string>> {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': [
      `default-src 'none'`,
      `script-src 'nonce-${nonce}'`,
      `style-src 'nonce-${nonce}' ${emptyStyle}`,
      `connect-src 'self'`,
      'img-src blob: data:',
      'media-src blob:',
      `base-uri 'none'`,
      `form-action 'none'`,
      `frame-ancestors 'none'`,
    ].join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  };
}

function document(title: string, head: readonly string[], body = ''): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
${head.join('\n')}
</head>
<body>
<noscript><main class="prose"><p>This page needs JavaScript.</p></main></noscript>
${body}
</body>
</html>
`;
}
