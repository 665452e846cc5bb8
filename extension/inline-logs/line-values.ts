import { type LineEdit, movedLine } from '../problems/edits.ts';

/** What a line of code printed or logged once. */
export interface Value {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** When the code that printed it was loaded, in milliseconds since the epoch. */
  readonly codeAt: number;
  /** Its beginning is kept. */
  readonly text: string;
  readonly alias: string;
  readonly revision: string | null;
  readonly runnerId: string | null;
  readonly requestId: string | null;
}

/** The output of a line. */
export interface LineValues {
  /** From 1, in the document as it is now. */
  readonly line: number;
  /** All of them, also those that aren't kept. */
  readonly count: number;
  /** There may have been more. */
  readonly isAtLeast: boolean;
  /** The last ones, oldest first; never empty. */
  readonly values: readonly Value[];
  /** The code at or above it was edited after the output. */
  readonly isStale: boolean;
}

interface Edit {
  readonly edit: LineEdit;
  /** When it reached the file; `undefined`: not yet. */
  savedAt: number | undefined;
}

interface File {
  lines: Map<number, LineValues>;
  edits: Edit[];
  /** Older code has lines whose place in the document isn't known any more. */
  knownSince: number;
}

const max = { values: 10, lines: 200, files: 100, edits: 1_000, characters: 2_000 };

/** The last output of each line of code. Edits move it; what runs may be older than the document. */
export function createLineValues() {
  /** The one that was used last is the last. */
  const files = new Map<string, File>();

  function fileOf(path: string): File {
    const file = files.get(path) ?? { lines: new Map(), edits: [], knownSince: 0 };
    files.delete(path);
    files.set(path, file);
    const [oldest] = files.keys();
    if (files.size > max.files && oldest !== undefined) files.delete(oldest);
    return file;
  }

  return {
    /**
     * @param line from 1, in the code that printed it
     * @param isOver whether an app or revision can print nothing any more: output of what has been replaced goes
     * @param part how it belongs to the last output of its line, if it does
     */
    add(
      { path, line }: { readonly path: string; readonly line: number },
      value: Value,
      isOver: (older: Value) => boolean,
      part: 'own' | 'replaces' | 'continues' = 'own',
    ): void {
      const file = fileOf(path);
      const { codeAt } = value;
      if (codeAt < file.knownSince) return;
      let at: number | undefined = line;
      for (const { edit, savedAt } of file.edits) {
        if (at !== undefined && (savedAt === undefined || savedAt > codeAt)) at = movedLine(at, edit);
      }
      removeOver(file, isOver);
      if (at === undefined) return;
      const before = file.lines.get(at);
      const last = before?.values.at(-1);
      // What it continues may have been left out.
      const isSame = last !== undefined && (part === 'replaces' || (part === 'continues' && isFromSame(last, value)));
      const earlier = isSame ? before?.values.slice(0, -1) : before?.values;
      const whole = isSame && part === 'continues' ? continued(last, value.text) : value;
      const values = [...(earlier ?? []), shortened(whole)].slice(-max.values);
      file.lines.delete(at);
      const isAtLeast = before?.isAtLeast ?? false;
      file.lines.set(at, {
        line: at,
        count: (before?.count ?? 0) + (isSame ? 0 : 1),
        isAtLeast,
        values,
        isStale: false,
      });
      const [oldest] = file.lines.keys();
      if (file.lines.size > max.lines && oldest !== undefined) file.lines.delete(oldest);
    },
    /** @returns whether something that is shown has changed */
    edited(edit: LineEdit, now: number): boolean {
      const file = files.get(edit.file);
      // Without output there may be some later, of code that is older than this edit.
      const { edits } = file ?? fileOf(edit.file);
      if (!isRepeated(edits.at(-1), edit)) edits.push({ edit, savedAt: undefined });
      if (edits.length > max.edits) {
        edits.length = 0;
        fileOf(edit.file).knownSince = now;
      }
      if (!file || file.lines.size === 0) return false;
      const all = [...file.lines.values()].flatMap((one) => {
        // The edited line itself keeps its output; deleted lines don't.
        const line = movedLine(one.line, edit) ?? (one.line === edit.line + 1 ? one.line : undefined);
        return line === undefined ? [] : [{ ...one, line, isStale: one.isStale || one.line > edit.line }];
      });
      file.lines = new Map(all.map((one) => [one.line, one]));
      return true;
    },
    /** Output was left out: each line may have had more. */
    missed(): void {
      for (const file of files.values())
        file.lines = new Map([...file.lines].map(([line, one]) => [line, { ...one, isAtLeast: true }]));
    },
    saved(path: string, now: number): void {
      for (const one of files.get(path)?.edits ?? []) one.savedAt ??= now;
    },
    /**
     * The document was closed without saving what was edited since.
     * @returns whether there was anything
     */
    discarded(path: string): boolean {
      const file = files.get(path);
      if (!file?.edits.some(({ savedAt }) => savedAt === undefined)) return false;
      file.edits = file.edits.filter(({ savedAt }) => savedAt !== undefined);
      file.lines.clear();
      return true;
    },
    of: (path: string): readonly LineValues[] => [...(files.get(path)?.lines.values() ?? [])],
    at: (path: string, line: number): LineValues | undefined => files.get(path)?.lines.get(line),
    clear: (): void => files.clear(),
  };
}

/**
 * Whether output was printed by code that has been replaced since, now that other code of its app prints. What the old
 * code still prints, while it finishes its last requests, replaces nothing. Pure.
 */
export function isReplaced(older: Value, { alias, revision, codeAt }: Value): boolean {
  return older.alias === alias && older.revision !== revision && older.codeAt < codeAt;
}

function removeOver({ lines }: File, isOver: (older: Value) => boolean): void {
  // Mostly, one revision of one app has printed all of them.
  let last: { readonly newest: Value; readonly isGone: boolean } | undefined;
  for (const [key, { values }] of lines) {
    const newest = values.at(-1);
    if (!newest) continue;
    const isSame =
      last?.newest.alias === newest.alias &&
      last.newest.revision === newest.revision &&
      last.newest.codeAt === newest.codeAt;
    const isGone: boolean = last && isSame ? last.isGone : isOver(newest);
    last = { newest, isGone };
    if (isGone) lines.delete(key);
  }
}

function isFromSame(last: Value, value: Value): boolean {
  return (
    last.alias === value.alias &&
    last.revision === value.revision &&
    last.runnerId === value.runnerId &&
    last.requestId === value.requestId
  );
}

function continued(last: Value, text: string): Value {
  return last.text.length >= max.characters ? last : { ...last, text: `${last.text}\n${text}` };
}

/** A copy, because a part of a string keeps all of it in memory. */
function shortened(value: Value): Value {
  if (value.text.length <= max.characters) return value;
  return { ...value, text: Buffer.from(value.text.slice(0, max.characters)).toString() };
}

/** Another character in the same line: it moves nothing, and that line's output of older code is unknown already. */
function isRepeated(last: Edit | undefined, edit: LineEdit): boolean {
  const isWithin = ({ line, endLine, added }: LineEdit) => line === endLine && added === 0;
  return last?.savedAt === undefined && isWithin(edit) && last?.edit.line === edit.line && isWithin(last.edit);
}
