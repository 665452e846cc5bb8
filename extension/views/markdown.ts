/**
 * Somebody else's words as Markdown that shows just them: no link, no picture, no emphasis. Unlike the editor's
 * `appendText` it leaves spaces as they are, so that long lines break between words. Pure.
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
