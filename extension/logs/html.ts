/** The document of the page. Its only inline part is the address of its script; everything else comes as messages. */
export function pageHtml(parts: {
  readonly title: string;
  /** Addresses of modules, in the order in which they run. */
  readonly scripts: readonly string[];
  readonly style: string;
  /** The editor's source for files of the extension. */
  readonly cspSource: string;
  readonly nonce: string;
  readonly language: string;
}): string {
  const { title, scripts, style, cspSource, nonce, language } = parts;
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource}`,
    `font-src ${cspSource}`,
    `img-src ${cspSource} blob: data:`,
    'media-src blob:',
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escaped(language)}">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
  <meta name="viewport" content="width=device-width">
  <title>${escaped(title)}</title>
  <link rel="stylesheet" href="${escaped(style)}">
${scripts
  .map(
    (src) => `  <script type="module" nonce="${escaped(nonce)}" src="${escaped(src)}"></script>
`,
  )
  .join('')}</head>
<body></body>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
