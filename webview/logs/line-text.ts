import type { Place } from '../host.ts';
import type { Item } from './items.ts';
import { type Names, runnerName } from './names.ts';

type RowItem = Extract<Item, { kind: 'row' }>;

/** A line as text, for the clipboard. */
export function textOf({ row }: RowItem, names: Names, hasPrefix: boolean): string {
  const details = row.details.map(({ text, place }) => `\n    ${text.trimEnd()}${place ? `  ${place.label}` : ''}`);
  const runner = runnerName(row, names);
  const request = row.requestId === null ? '' : names.request(row.requestId);
  const prefix = [fullTime(row.at), runner, request, row.place?.label ?? ''].filter((part) => part !== '').join('  ');
  return `${hasPrefix ? `${prefix}  ` : ''}${row.text}${details.join('')}`;
}

/** All rows as text, without marks and dates; empty if there are none. */
export function textOfAll(items: readonly Item[], names: Names): string {
  const rows = items.filter((item) => item.kind === 'row');
  return rows.map((item) => `${textOf(item, names, true)}\n`).join('');
}

/** The path as an app gave it, without characters that hide a part of it or reverse its order. */
export function shownPath({ file }: Place): string {
  return file.replaceAll(/\p{C}/gu, '\ufffd');
}

/** `20:44:09.1`, local. */
export function time(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  const tenth = Math.floor(date.getMilliseconds() / 100);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${tenth}`;
}

/** `2026-01-31 20:44:09.123`, local. */
export function fullTime(at: number): string {
  const offset = new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - offset).toISOString().replace('T', ' ').replace('Z', '');
}
