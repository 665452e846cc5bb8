import type { Finding } from './findings.ts';

/** A change of a document. Lines are 0-based. */
export interface LineEdit {
  readonly file: string;
  readonly line: number;
  readonly endLine: number;
  /** Line breaks of the new text. */
  readonly added: number;
  /** Only white space is before it in its line, and its text ends with a line break: lines are inserted above. */
  readonly isAbove: boolean;
  /** Nothing is after it in its line, and its text begins with a line break: lines are inserted below. */
  readonly isBelow: boolean;
}

/** A finding after an edit: moved with its line; `undefined` if that line itself was changed. Pure. */
export function afterEdit(finding: Finding, edit: LineEdit): Finding | undefined {
  const { place, callers } = finding;
  const line = edit.file === place.file ? movedLine(place.line, edit) : place.line;
  if (line === undefined) return undefined;
  const kept = callers.map((caller) =>
    // An edited caller stays: what failed is still there.
    edit.file === caller.file ? { ...caller, line: movedLine(caller.line, edit) ?? caller.line } : caller,
  );
  const isSame = line === place.line && kept.every((caller, index) => caller.line === callers[index]?.line);
  return isSame ? finding : { ...finding, place: { ...place, line }, callers: kept };
}

/** Where a line, from 1, is after an edit; `undefined`: the edit changed it. Pure. */
export function movedLine(
  line: number,
  { line: first, endLine, added, isAbove, isBelow }: LineEdit,
): number | undefined {
  const at = line - 1;
  const by = added - (endLine - first);
  if (at < first || (at === first && isBelow)) return line;
  if (at > endLine || (at === endLine && isAbove)) return line + by;
  return undefined;
}
