import type { Fact } from './row.ts';

const rule = '\n\n---\n\n';

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

/** The arguments of a command in the address of a Markdown link, which a bracket would end. Pure. */
export function linkArguments(...values: readonly unknown[]): string {
  return encodeURIComponent(JSON.stringify(values)).replace(/[()]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
}

/** The facts of a row as the Markdown of its tooltip, with `more` Markdown below them. Pure. */
export function tooltipText(facts: readonly Fact[], more: string): string {
  const lines = facts.map(({ name, text, url, beginsPart }, at) => {
    const value = url === undefined ? plainMarkdown(text) : `<${url}>`;
    const line = name === '' ? value : `**${name}:** ${value}`;
    return `${at === 0 ? '' : beginsPart ? rule : '  \n'}${line}`;
  });
  return [lines.join(''), more].filter(Boolean).join(rule);
}
