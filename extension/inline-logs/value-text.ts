import { printable } from '../target/printable.ts';
import { plainMarkdown } from '../views/markdown.ts';
import { t } from '../words.ts';
import type { LineValues, Value } from './line-values.ts';

const maxText = 120;
const maxHoverText = 500;

/** What is shown after a line: its newest output and how often there was one. Pure. */
export function textAfter({ values, count, isAtLeast }: LineValues): string {
  const text = oneLine(values.at(-1)?.text ?? '', maxText);
  return count > 1 || isAtLeast ? `${text}  ×${count}${isAtLeast ? '+' : ''}` : text;
}

/** What a hover needs to know about the emulator, and links. */
export interface HoverSource {
  readonly runnerNumber: (id: string) => number | undefined;
  readonly request: (
    id: string,
  ) => { readonly number: number; readonly method: string; readonly path: string } | undefined;
  readonly time: (at: number) => string;
  /** Markdown links for the newest value. */
  readonly links: (newest: Value) => readonly string[];
}

/** The last output of a line with time, request and runner, the newest first, as Markdown. Pure. */
export function hoverText({ values, count, isAtLeast }: LineValues, source: HoverSource): string {
  const newestFirst = values.toReversed();
  const lines = newestFirst.map((value) => {
    const who = [requestText(value, source), runnerText(value, source), source.time(value.at)];
    const origin = who.filter((part) => part !== undefined).join(' · ');
    return `${plainMarkdown(oneLine(value.text, maxHoverText)) || '…'} — *${plainMarkdown(origin)}*`;
  });
  const left = count - values.length;
  if (isAtLeast) lines.push(t('… and more'));
  else if (left > 0) lines.push(t('… {0} more', left));
  const [newest] = newestFirst;
  return [...lines, ...(newest ? [source.links(newest).join(' · ')] : [])].join('\n\n');
}

function requestText({ requestId }: Value, { request }: HoverSource): string | undefined {
  const found = requestId === null ? undefined : request(requestId);
  return found && `${found.method} ${found.path} #${found.number}`;
}

function runnerText({ runnerId }: Value, { runnerNumber }: HoverSource): string | undefined {
  const number = runnerId === null ? undefined : runnerNumber(runnerId);
  return number === undefined ? undefined : t('runner {0}', number);
}

function oneLine(text: string, maxChars: number): string {
  const line = printable(text.replaceAll(/\s+/g, ' ').trim());
  return line.length > maxChars ? `${line.slice(0, maxChars - 1)}…` : line;
}
