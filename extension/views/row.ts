import type { RowKind } from '../contributes/contexts.ts';
import { age } from '../target/snapshot.ts';
import { t } from '../words.ts';

/** A line of a tooltip. */
export interface Fact {
  /** Empty: the line has only the text. */
  readonly name: string;
  /** Plain text, possibly of an app; may have several lines. */
  readonly text: string;
  /** The target if the text is a link. */
  readonly url?: string;
  /** A line separates it from those before it. */
  readonly beginsPart?: true;
}

/** A row of a tree as plain data; `row-view.ts` makes it a `TreeItem`. Its meaning is in its first 30 characters. */
export interface Row {
  /** Stable across updates. */
  readonly id: string;
  readonly kind: RowKind;
  readonly label: string;
  readonly description: string;
  readonly icon: string;
  /** A theme colour. */
  readonly color?: string;
  /** The tooltip. Nothing in it changes with time alone. */
  readonly facts: readonly Fact[];
  /** The text for screen readers, in real time. It changes every minute, not every second. */
  readonly spoken: string;
  readonly children: readonly Row[];
  /** Its children are hidden until a person unfolds it. */
  readonly isFolded?: true;
  /** Its text changes with time alone. */
  readonly isTicking?: true;
  /** It shows what an emulator said that was killed. */
  readonly isGone?: true;
  /** What commands on the row act on. */
  readonly about?: About;
}

/** What a row is about, for commands. */
export interface About {
  /** Of the code: absolute; `line` is 0-based. */
  readonly file?: string;
  readonly line?: number;
  /** The class, the function, or the entry of `[tool.fal.apps]`. */
  readonly app?: string;
  /** Of the app in the code. */
  readonly key?: string;
  readonly alias?: string;
  readonly url?: string;
  readonly endpoint?: { readonly method: string; readonly path: string };
  readonly runner?: string;
  readonly request?: number;
  readonly secret?: { readonly name: string; readonly environment: string };
  /** What "Copy ID" copies. */
  readonly id?: string;
}

export function appRowId(alias: string): string {
  return `app/${alias}`;
}

/** The ages of states are shown in platform time, which may pass faster than real time. */
export interface Time {
  readonly now: number;
  readonly timeScale: number;
}

export function fact(name: string, text: string, url?: string): Fact {
  return { name, text, ...(url === undefined ? {} : { url }) };
}

/** Whether the text of a row, or of one below it, changes with time alone. */
export function ticks(rows: readonly Row[]): boolean {
  return rows.some((row) => row.isTicking === true || ticks(row.children));
}

/** Labels are shortened, so that the state behind them can be read. */
export function shortLabel(label: string, max = 18): string {
  return label.length <= max ? label : `${label.slice(0, max - 1).trimEnd()}…`;
}

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** `20:44:12`, in milliseconds since the epoch. */
export function clockTime(at: number): string {
  return clock.format(at);
}

/** How long a state has lasted. */
export function lasting(since: number, { now, timeScale }: Time): string {
  return age(inSteps(now - since), timeScale);
}

/** The time left until an instant: in steps of ten seconds, and of one below ten. */
export function left(until: number, { now, timeScale }: Time): string {
  const ms = Math.max(0, until - now);
  return age(ms > 10_000 ? Math.ceil(ms / 10_000) * 10_000 : Math.ceil(ms / 1_000) * 1_000, timeScale);
}

/** `14 ms`, `6.1 s`, `2.5 min`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

/** Rounds to seconds at first, then to ten seconds: an updated row loses its tooltip, which the user may be reading. */
function inSteps(ms: number): number {
  return ms < 10_000 ? ms : Math.floor(ms / 10_000) * 10_000;
}

export function roughAge(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return t('less than a minute');
  return minutes === 1 ? t('about a minute') : t('about {0} minutes', minutes);
}

/** The same rows of an emulator that was killed: nothing counts seconds, and the view shows them grey. */
export function gone(rows: readonly Row[]): readonly Row[] {
  return rows.map((row) => {
    const { isTicking: _, about, ...rest } = row;
    const isOfCode = about?.file !== undefined && about.alias === undefined;
    const isLiving = /^(app|run)\b/.test(row.kind) || row.kind === 'runner';
    const description = isLiving ? t('not running') : row.description;
    return {
      ...rest,
      ...(about ? { about } : {}),
      ...(isOfCode ? {} : { isGone: true, description }),
      ...(isLiving ? { spoken: `${row.label}, ${description}` } : {}),
      children: gone(row.children),
    };
  });
}
