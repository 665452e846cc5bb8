import type { PythonFile } from '../../target/app-code.ts';

/** An edit: the lines from `line` to `endLine` (0-based) were replaced by text with `added` line breaks. */
export interface Edit {
  readonly line: number;
  /** Only white space is before its beginning: the line itself moves. */
  readonly isAtStart: boolean;
  readonly endLine: number;
  readonly added: number;
}

/** The same file after an edit, with every position moved along, as the editor moves what it shows. Pure. */
export function movedFile(file: PythonFile, edit: Edit): PythonFile {
  const shift = edit.added - (edit.endLine - edit.line);
  if (shift === 0) return file;
  const move = (line: number): number => {
    if (line > edit.endLine) return line + shift;
    if (line === edit.endLine && (edit.endLine > edit.line || edit.isAtStart)) return line + shift;
    return line <= edit.line ? line : edit.line + Math.min(edit.added, line - edit.line);
  };
  const named = <T extends { readonly topLine: number; readonly line: number }>(one: T): T => ({
    ...one,
    topLine: move(one.topLine),
    line: move(one.line),
  });
  const ended = <T extends { readonly endLine: number }>(one: T): T => ({ ...one, endLine: move(one.endLine) });
  const settings = (all: PythonFile['functions'][number]['settings']) =>
    all.map((one) => ended({ ...one, line: move(one.line) }));
  return {
    ...file,
    classes: file.classes.map((one) => ({
      ...ended(named(one)),
      endpoints: one.endpoints.map(named),
      settings: settings(one.settings),
    })),
    functions: file.functions.map((one) => ({ ...ended(named(one)), settings: settings(one.settings) })),
  };
}

/**
 * Which of two readings to use: the new one, unless its text is doubtful and it has lost a class, an endpoint or a
 * function that the old one has. So nothing comes and goes while a bracket is open. Pure.
 */
export function lastGood(before: PythonFile | undefined, now: PythonFile): PythonFile {
  if (!before || !now.isDoubtful) return now;
  const names = namesOf(now);
  return namesOf(before).every((name) => names.includes(name)) ? now : { ...before, isDoubtful: true };
}

function namesOf({ classes, functions }: PythonFile): readonly string[] {
  return [
    ...classes.flatMap(({ name, endpoints }) => [name, ...endpoints.map(({ method }) => `${name}.${method}`)]),
    ...functions.map(({ name }) => `${name}()`),
  ];
}
