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

it.each([
  { title: 'a text', query: { text: 'needle' } },
  { title: 'a text that has no ASCII letter', query: { text: '針' } },
  { title: 'a text in the lines of a runner', query: { text: 'needle', runnerId: 'r1' } },
  { title: 'a pattern', query: { regexp: 'needle \\d+' } },
])('ends a step within its time however long the lines are: $title', ({ query }) => {
  const file = join(testFolder(), 'logs.db');
  const logs = createLogs({ file, maxBytes: 2 ** 30 });
  const line = { level: 'STDOUT', source: 'USER', stream: 'stdout', alias: 'app', revision: 'r' } as const;
  const wanted: number[] = [];
  for (let n = 1; n <= 200; n++) {
    const isWanted = n % 7 === 0;
    if (isWanted) wanted.push(n);
    const message = `${'長い行'.repeat(n % 3 === 0 ? 1 : 500)}${isWanted ? ` Needle ${n} 針` : ''}`;
    // The index of runners is in the order of times, which differs from that of the lines.
    logs.append({ ...line, at: 1_000 - (n % 10), message, runnerId: 'r1', requestId: null, endpoint: null });
  }
  logs.close();
  let now = 0;
  let examined = 0;
  // Each look at the clock takes 4 ms: a step has time for two lines or three.
  const records = openRowRecords(file, () => {
    examined++;
    now += 4;
    return now;
  });
  onTestFinished(records.close);
  for (const way of ['before', 'after'] as const) {
    const found: number[] = [];
    const looks: number[] = [];
    for (let at: number | null = way === 'before' ? 201 : 0; at !== null && looks.length < 300; ) {
      const before = examined;
      const from = way === 'before' ? { before: at } : { after: at };
      const page = records.page({ ...query, matchCase: false, server: true, from, limit: 100 }, () => false);
      looks.push(examined - before);
      found.push(
        ...(JSON.parse(page.json) as { readonly lines: { readonly seq: number }[] }).lines.map(({ seq }) => seq),
      );
      at = page.isEnd ? null : page.next;
    }
    expect(found.sort((a, b) => a - b)).toEqual(wanted);
    expect(looks.length).toBeGreaterThan(2);
  }
});
