import { basename } from 'node:path';

/** A command of `fal` in a terminal. */
export interface TypedCommand {
  readonly command: 'run' | 'deploy';
  /** `FILE`, `FILE::NAME`, or the name of an entry; empty: none was given. */
  readonly ref: string;
}

/** A line has no more words than this that matter. */
const maxWords = 200;

/** The programs that call the emulator, or run code that does. */
const callers = /^(fal|python[\d.]*|pytest|uvx?|node|np[mx]|tsx)$/;

/** Whether a line of a shell runs a program that may call the emulator. Pure. */
export function mayCall(line: string): boolean {
  return wordsOf(line).some((word) => word !== undefined && callers.test(basename(word)));
}

/** The `fal run` or `fal deploy` in a line of a shell; `undefined`: it has none. Pure. */
export function typedCommand(line: string): TypedCommand | undefined {
  const words = wordsOf(line);
  const isFal = (word: string | undefined) => word !== undefined && basename(word) === 'fal';
  const at = words.findIndex((word, index) => isFal(word) && isCommand(words[index + 1]));
  const command = words[at + 1];
  if (at < 0 || !isCommand(command)) return undefined;
  const rest = words.slice(at + 2);
  const end = rest.indexOf(undefined);
  const given = rest
    .slice(0, end < 0 ? rest.length : end)
    .filter((word) => word !== undefined)
    .filter((word) => !word.startsWith('-'));
  return { command, ref: given.find((word) => /\.py(::|$)/.test(word)) ?? given[0] ?? '' };
}

/** Whether the user ended a command (Ctrl-C), or its terminal did: that is no failure. Pure. */
export function wasInterrupted(exitCode: number | undefined, output: string): boolean {
  // Signals 1, 2 and 15, as shells report them. `fal` may catch the interrupt, and says so at its end.
  if (exitCode === 129 || exitCode === 130 || exitCode === 143) return true;
  return /(^|\n)(KeyboardInterrupt|Aborted!)\s*$/.test(output.slice(-1_000));
}

/** The words of a line; `undefined` between two commands. */
function wordsOf(line: string): readonly (string | undefined)[] {
  return [...line.slice(0, 10_000).matchAll(/"([^"]*)"|'([^']*)'|([;&|()\n]+)|([^\s;&|()"']+)/g)]
    .slice(0, maxWords)
    .map(([, double, single, between, plain]) =>
      between === undefined ? (double ?? single ?? plain ?? '') : undefined,
    );
}

function isCommand(word: string | undefined): word is TypedCommand['command'] {
  return word === 'run' || word === 'deploy';
}
