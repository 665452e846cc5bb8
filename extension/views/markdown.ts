/**
 * Somebody else's words as Markdown that shows just them: no link, no picture, no emphasis. Unlike the editor's `appendText` it leaves spaces as
 * they are, so that long lines break between words. Pure.
 */
export function plainMarkdown(text: string): string {
  return text
    .trim()
    .replace(/[!-/:-@[-`{-~]/g, '\\$&')
    .replace(/\s*\n\s*/g, '  \n');
}
