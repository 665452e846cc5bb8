import { expect, it } from 'vitest';
import { fullTime, shownPath, textOf, textOfAll, time } from './line-text.ts';
import { itemOf, row } from './testing/rows.ts';

const at = new Date(2026, 0, 31, 20, 44, 9, 123).getTime();
const place = { file: '/w/app.py', line: 38, label: 'app.py:38' };
const names = { runner: () => 'r2', request: () => '#38', app: (alias: string) => alias };

it('writes local times', () => {
  expect([time(at), fullTime(at)]).toEqual(['20:44:09.1', '2026-01-31 20:44:09.123']);
});

it('copies a line with its details, and where it is from if that is wanted', () => {
  const details = [{ text: 'File "app.py", line 38\n', place, isApp: true }];
  const one = itemOf(row(1, { at, text: 'KeyError', runnerId: 'a', requestId: 'b', place, details }));
  const text = 'KeyError\n    File "app.py", line 38  app.py:38';
  expect(textOf(one, names, false)).toBe(text);
  expect(textOf(one, names, true)).toBe(`2026-01-31 20:44:09.123  r2  #38  app.py:38  ${text}`);
  expect(textOf(itemOf(row(1, { at })), names, true)).toBe('2026-01-31 20:44:09.123  line 1');
});

it('copies all rows, without marks and dates', () => {
  const items = [
    { kind: 'mark', key: 'mark', mark: { at, text: 'The emulator started.' } },
    itemOf(row(1, { at })),
    { kind: 'date', key: 'date', at },
    itemOf(row(2, { at })),
  ] as const;
  expect(textOfAll(items, names)).toBe('2026-01-31 20:44:09.123  line 1\n2026-01-31 20:44:09.123  line 2\n');
  expect(textOfAll(items.slice(0, 1), names)).toBe('');
});

it('shows the path of a file without characters that mislead', () => {
  const place = { file: '/app/a\u202eyp.exe\n\u0000/ü 1.py', line: 1, label: '' };
  expect(shownPath(place)).toBe('/app/a\ufffdyp.exe\ufffd\ufffd/ü 1.py');
});
