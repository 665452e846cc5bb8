import type { RunnerStacks } from '../target/debug.ts';
import { printable } from '../target/printable.ts';
import { t } from '../words.ts';

type Thread = RunnerStacks['threads'][number];

/** A link in the text of stacks: from `start` to `end`, in characters of that line. */
export interface StackLink {
  /** 0-based, of the text. */
  readonly row: number;
  readonly start: number;
  readonly end: number;
  /** Absolute, with a 1-based line. */
  readonly file: string;
  readonly line: number;
}

/**
 * What the threads of a runner do, as text in the form of Python's own stacks: those that work on requests first, then
 * those in the app's code, then those that wait. Pure.
 */
export function stacksText(
  { threads }: RunnerStacks,
  {
    runner,
    at,
    requestOf,
  }: { readonly runner: string; readonly at: string; readonly requestOf: (id: string) => string },
): string {
  const rank = ({ request, idle, frames }: Thread): number =>
    request !== null ? 0 : idle ? 3 : frames.some(({ user }) => user) ? 1 : 2;
  const parts = threads.toSorted((a, b) => rank(a) - rank(b)).map((one) => threadText(one, requestOf));
  return `${[t('{0} at {1}', runner, at), ...parts].join('\n\n')}\n`;
}

function threadText({ name, request, idle, frames }: Thread, requestOf: (id: string) => string): string {
  const about = [...(request === null ? [] : [requestOf(request)]), ...(idle ? [t('waits')] : [])];
  const head = [t('Thread {0}', printable(name)), ...about].join(' · ');
  const lines = frames.map(
    ({ file, line, function: called, user }) =>
      `${user ? '> ' : '  '}File "${printable(file)}", line ${line}, in ${printable(called)}`,
  );
  return [head, ...lines].join('\n');
}

/** The places that the text names. Pure. */
export function stackLinks(text: string): readonly StackLink[] {
  return text.split('\n').flatMap((content, row) => {
    const found = /^[> ] File "(\/.+|[A-Za-z]:[\\/].+)", line (\d+), in /.exec(content);
    if (!found) return [];
    const [, file = '', line = '1'] = found;
    const end = content.indexOf(', in ', content.indexOf('", line '));
    return [{ row, start: 2, end, file, line: Number(line) }];
  });
}
