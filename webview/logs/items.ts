import type { Detail, Mark, Place, Row } from '../host.ts';

interface RowItem {
  readonly kind: 'row';
  readonly key: string;
  readonly row: Row;
  /** `null`: nothing to unfold. */
  readonly isOpen: boolean | null;
  /** How many lines a traceback unfolds to; 1 for any other row. */
  readonly lines: number;
}

/** A line of the list. `key` stays the same while rows are added around it. */
export type Item =
  | RowItem
  | { readonly kind: 'detail'; readonly key: string; readonly detail: Detail }
  | { readonly kind: 'mark'; readonly key: string; readonly mark: Mark }
  | { readonly kind: 'date'; readonly key: string; readonly at: number };

/**
 * The list: tracebacks folded to one line, what is unfolded, marks and changes of the date between them. Pure. `was` is
 * the list before: its items of the same rows are taken over, because a log under load is listed many times a second,
 * and thousands of new items each time would keep the garbage collector busy.
 */
export function itemsOf(
  rows: readonly Row[],
  marks: readonly Mark[],
  unfolded: ReadonlySet<string>,
  was: readonly Item[] = [],
): readonly Item[] {
  const items: Item[] = [];
  const waiting = marks.toSorted((a, b) => a.at - b.at);
  /** When the day of the last row began and ended: the date of each of thousands of rows takes longer than drawing. */
  let [from, until] = [0, 0];
  let known = 0;
  const markUntil = (at: number): void => {
    while (waiting[0] && waiting[0].at <= at) {
      const [mark] = waiting.splice(0, 1);
      if (mark) items.push({ kind: 'mark', key: `mark ${mark.at} ${mark.text}`, mark });
    }
  };
  const knownItem = (row: Row): RowItem | undefined => {
    for (; known < was.length; known++) {
      const item = was[known];
      if (item?.kind !== 'row' || item.row.seq < row.seq) continue;
      return item.row === row ? item : undefined;
    }
    return undefined;
  };
  for (let at = 0; at < rows.length; ) {
    const size = tracebackAt(rows, at);
    const row = size > 1 ? traceback(rows.slice(at, at + size)) : rows[at];
    at += size;
    if (!row) continue;
    markUntil(row.at);
    if (row.at < from || row.at >= until) {
      if (until > 0) items.push({ kind: 'date', key: `date ${row.seq}`, at: row.at });
      [from, until] = dayOf(row.at);
    }
    const before = knownItem(row);
    const key = before?.key ?? `row ${row.seq}`;
    const isOpen = row.details.length === 0 ? null : unfolded.has(key);
    items.push(before?.isOpen === isOpen ? before : rowItem(key, row, isOpen));
    if (!isOpen) continue;
    row.details.forEach((detail, index) => {
      items.push({ kind: 'detail', key: `${key} ${index}`, detail });
    });
  }
  markUntil(Number.POSITIVE_INFINITY);
  return items;
}

function rowItem(key: string, row: Row, isOpen: boolean | null): RowItem {
  const isTraceback = row.kind === 'error' && row.details.some(({ place }) => place !== null);
  return { kind: 'row', key, row, isOpen, lines: isTraceback ? row.details.length : 1 };
}

const frame = /^[\s|]+File "(.+)", line (\d+)/;
const head = /^(Traceback \(most recent call last\):|\s+File ".+", line \d+)/;
/** Python draws a margin at the exceptions of a group, `+-+---- 1 ----` before the first. */
const groupHead = /^\s+\+ Exception Group Traceback \(most recent call last\):/;
const inGroup = /^\s+[|+]/;
const secondOfGroup = /^\s+\+-+ 2 -+/;
const chained = /^(During handling of the above|The above exception was)/;
const between = /^(Traceback \(|\s|$|During handling of the above|The above exception was)/;
/** `KeyError: 'style'`, `mymodule.MyError`. */
const raised = /^[\p{L}_][\p{L}\p{N}_.]*(:|$)/u;
/** A traceback with more rows than this is shown in several parts. */
const maxLines = 200;

/** The number of rows of the traceback that begins there; 1: there is none. */
function tracebackAt(rows: readonly Row[], at: number): number {
  const first = rows[at];
  if (!first || first.kind === 'mark') return 1;
  const isGroup = groupHead.test(first.text);
  if (!isGroup && !head.test(first.text)) return 1;
  let size = 1;
  for (; size < maxLines; size++) {
    const row = rows[at + size];
    if (!row || row.runnerId !== first.runnerId || row.requestId !== first.requestId || row.details.length > 0) break;
    if (isGroup) {
      if (!inGroup.test(row.text)) return size;
      continue;
    }
    if (between.test(row.text)) continue;
    if (!raised.test(row.text)) return size;
    const next = nextOfChain(rows, at + size + 1);
    if (next === undefined) return size + 1;
    size = next - at;
  }
  return size;
}

/** The row of `During handling of the above exception …` if it follows there, after empty rows. */
function nextOfChain(rows: readonly Row[], from: number): number | undefined {
  const before = rows[from - 1];
  for (let at = from; at < rows.length; at++) {
    const row = rows[at];
    if (!before || !row || row.runnerId !== before.runnerId || row.requestId !== before.requestId) return undefined;
    if (row.text.trim() !== '') return chained.test(row.text) ? at : undefined;
  }
  return undefined;
}

/**
 * A traceback that the app printed line by line becomes one row: the line that says what was raised, at the innermost
 * frame outside of libraries.
 */
function traceback(rows: readonly Row[]): Row {
  const details = rows.map(({ text }): Detail => {
    const [, file, line] = frame.exec(text) ?? [];
    return { text, place: file === undefined ? null : placeOf(file, Number(line)), isApp: isOwn(file) };
  });
  const [last] = rows.slice(-1) as [Row];
  const second = rows.findIndex(({ text }) => secondOfGroup.test(text));
  // The other exceptions of a group are mostly the same, or follow from the first.
  const first = second < 0 ? details : details.slice(0, second);
  const own = first.findLast(({ place, isApp }) => place && isApp) ?? first.findLast(({ place }) => place);
  // With the number of its first row: that stays when the last one arrives.
  const seq = rows[0]?.seq ?? last.seq;
  return { ...last, seq, kind: 'error', text: titleOf(rows, last), place: own?.place ?? null, details };
}

/** What was raised: the last line, or that of a group, which is before those of its exceptions. */
function titleOf(rows: readonly Row[], last: Row): string {
  if (!groupHead.test(rows[0]?.text ?? '')) return last.text.trim();
  const lines = rows.slice(1).map(({ text }) => text.replace(/^\s+\| ?/, ''));
  return lines.find((text) => raised.test(text)) ?? last.text.trim();
}

function isOwn(file: string | undefined): boolean {
  return file !== undefined && !/[/\\](site-packages|dist-packages|lib[/\\]python3\.\d+)[/\\]|^</.test(file);
}

function placeOf(file: string, line: number): Place {
  return { file, line, label: `${file.split(/[/\\]/).at(-1) ?? file}:${line}` };
}

/** When the day of this moment begins and ends. */
function dayOf(at: number): [from: number, until: number] {
  const day = new Date(at);
  const from = day.setHours(0, 0, 0, 0);
  return [from, day.setDate(day.getDate() + 1)];
}
