import { basename, isAbsolute, join } from 'node:path';
import type { Place } from '../problem.ts';
import { t } from '../words.ts';
import { importLine, requirementLine } from './code-lines.ts';
import { lastLine, plain } from './diagnose.ts';

export interface Failure {
  /** What failed, as one line; `undefined`: the output has nothing that says it. */
  readonly reason: string | undefined;
  readonly place: Place | undefined;
}

/** Where the failed command ran, for places that it names by the end of their path. */
export interface FailedIn {
  readonly cwd: string;
  /** The file of the app. */
  readonly file: string;
  /** The text of a file; `undefined`: it can't be read. */
  readonly read: (file: string) => string | undefined;
}

/**
 * What `fal` puts in front of its error, the second one without Unicode; the lines after it are indented by the same
 * width (fal/cli/main.py).
 */
const errorMark = /^[✘x] /;

/**
 * Why a `fal` command failed, from its output: the sentence of the failure itself, with the lines that `fal` wrapped
 * joined again, and the line of code where it is known.
 */
export function failureIn(output: string, where: FailedIn): Failure {
  const lines = plain(output)
    .split(/\r?\n/)
    .map((line) => line.trimEnd());
  const at = lines.findLastIndex((line) => errorMark.test(line));
  if (at < 0) return { reason: lastLine(output), place: undefined };
  const after = lines.slice(at + 1);
  const end = after.findIndex((line) => !line.startsWith('  '));
  const block = [lines[at]?.replace(errorMark, ''), ...after.slice(0, end < 0 ? undefined : end)];
  const sentence = block.join(' ').replaceAll(/\s+/g, ' ').trim();
  if (/^Unhandled user exception/.test(sentence)) return exceptionAbove(lines.slice(0, at)) ?? found(sentence, where);
  return found(sentence, where);
}

/** The exception in the frame of rich's traceback: places are in the frame, the type and the text below it. */
function exceptionAbove(lines: readonly string[]): Failure | undefined {
  const bottom = lines.findLastIndex((line) => /^[╰+]─|^\+-/.test(line));
  const reason = lines
    .slice(bottom + 1)
    .join(' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  if (bottom < 0 || reason === '') return undefined;
  const frames = lines
    .slice(0, bottom)
    .flatMap((line) => [...line.matchAll(/^│ (\/.+\.py):(\d+) in .*│$/g)])
    .map(([, file = '', line]) => ({ file, line: Number(line) }));
  return { reason, place: frames.findLast(({ file }) => !/\/(site|dist)-packages\/|\/lib\/python\d/.test(file)) };
}

function found(sentence: string, where: FailedIn): Failure {
  const [, exception] = /the last exception: (.*)$/.exec(sentence) ?? [];
  const unsatisfied = requirementIn(sentence);
  const reason = unsatisfied?.reason ?? exception ?? sentence;
  const named = /\(((?:[^()]|\([^()]*\))+\.py), line (\d+)\)\.?$/.exec(reason);
  if (named) {
    const [text, path = ''] = named;
    // Python counts from 1, but says 0 for an encoding that it doesn't know.
    const line = Math.max(1, Number(named[2]));
    return {
      reason: `${reason.slice(0, -text.length).trim()} (${basename(path)}:${line})`,
      place: { file: placeOf(path, where), line },
    };
  }
  const missing = missingModule(reason);
  if (missing !== undefined) return { reason, place: lineOf((text) => importLine(text, missing), where) };
  const requirement = unsatisfied?.requirement;
  if (requirement === undefined) return { reason, place: undefined };
  return { reason, place: lineOf((text) => requirementLine(text, requirement), where) };
}

/** The module that an import didn't find. */
export function missingModule(reason: string): string | undefined {
  return /No module named '([\w.]+)'/.exec(reason)?.[1];
}

/** The sentence about a requirement in the message of uv, which explains how it came to its conclusion. */
export function requirementIn(
  sentence: string,
): { readonly reason: string; readonly requirement?: string } | undefined {
  const [, explained] = /\bBecause (.*)$/.exec(sentence) ?? [];
  if (explained === undefined) return undefined;
  const [, unknown] = /^(\S+) was not found in the package registry/.exec(explained) ?? [];
  const [, version] = /^there (?:is|are) no versions? of (\S+?),? and you require/.exec(explained) ?? [];
  const requirement = unknown ?? version;
  if (requirement !== undefined) return { reason: t('{0} is not in the package index.', requirement), requirement };
  const facts = explained.replace(/,? we can conclude that your requirements are unsatisfiable\.$/, '');
  return { reason: `${facts.charAt(0).toUpperCase()}${facts.slice(1).replace(/\.$/, '')}.` };
}

/** `fal` names a file that it can't parse by its last part only. */
function placeOf(path: string, { cwd, file }: FailedIn): string {
  if (isAbsolute(path)) return path;
  return basename(file) === basename(path) ? file : join(cwd, path);
}

function lineOf(find: (text: string) => number | undefined, { file, read }: FailedIn): Place | undefined {
  const line = find(read(file) ?? '');
  return line === undefined ? undefined : { file, line };
}
