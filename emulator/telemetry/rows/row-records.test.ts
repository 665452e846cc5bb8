import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { createLogs } from '../logs.ts';
import { openRowRecords } from './row-records.ts';

it('reads a few long lines in a step, so that a search through them can end in time', () => {
  const file = join(testFolder(), 'logs.db');
  const logs = createLogs({ file, maxBytes: 2 ** 30 });
  const line = { at: 1_000, level: 'STDOUT', source: 'USER', stream: 'stdout', alias: 'app', revision: 'r' } as const;
  const write = (message: string) => logs.append({ ...line, message, runnerId: 'r1', requestId: null, endpoint: null });
  for (let n = 1; n <= 300; n++) write(n % 3 === 0 ? 'short' : `${'a'.repeat(5_000)} tile ${n}`);
  logs.close();
  let now = 0;
  const records = openRowRecords(file, () => (now += 40));
  onTestFinished(records.close);
  const pageOf = (regexp: string, before: number) =>
    records.page({ regexp, matchCase: false, server: true, from: { before }, limit: 100 }, () => false);
  let [before, pages]: [number | null, number] = [301, 0];
  const found: string[] = [];
  while (before !== null) {
    const page = pageOf('[st]ile 1\\d?$|[qs]hort\\d', before);
    found.unshift(
      ...(JSON.parse(page.json) as { readonly lines: { readonly message: string }[] }).lines.map(({ message }) =>
        message.slice(-7),
      ),
    );
    before = page.next;
    pages++;
  }
  expect(pages).toBeGreaterThan(3);
  expect(found).toEqual([' tile 1', ...[10, 11, 13, 14, 16, 17, 19].map((n) => `tile ${n}`)]);
});
