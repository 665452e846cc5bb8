import { basename } from 'node:path';

/** A command of `fal` in a terminal. */
export interface TypedCommand {
  readonly command: 'run' | 'deploy';
  /** `FILE`, `FILE::NAME`, or the name of an entry; empty: none was given. */
  readonly ref: string;
}

/** A line has no more words than this that matter. */
const maxWords = 200;

/** The `fal run` or `fal deploy` in a line of a shell; `undefined`: it has none. Pure. */
export function typedCommand(line: string): TypedCommand | undefined {
  const words = [...line.slice(0, 10_000).matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)]
    .slice(0, maxWords)
    .map(([, double, single, plain]) => double ?? single ?? plain ?? '');
  const at = words.findIndex((word, index) => basename(word) === 'fal' && isCommand(words[index + 1]));
  const command = words[at + 1];
  if (at < 0 || !isCommand(command)) return undefined;
  const given = words.slice(at + 2).filter((word) => !word.startsWith('-'));
  return { command, ref: given.find((word) => /\.py(::|$)/.test(word)) ?? given[0] ?? '' };
}

function isCommand(word: string | undefined): word is TypedCommand['command'] {
  return word === 'run' || word === 'deploy';
}
