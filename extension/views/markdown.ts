/**
 * Escapes untrusted text as Markdown: it is shown literally, without links, pictures or emphasis. Unlike the editor's
 * `appendText`, it keeps spaces, so that long lines break between words. Pure.
 */
export function plainMarkdown(text: string): string {
  return text
    .trim()
    .replace(/[!-/:-@[-`{-~]/g, '\\$&')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('  \n');
}
