import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { Row } from '../../webview/host.ts';
import { writeLog } from './log-file.ts';

const row = (seq: number): Row => ({
  ...{ seq, at: seq * 1_000, kind: 'line', text: 'x'.repeat(1_000), alias: 'painter' },
  ...{ runnerId: 'r', requestId: null, phase: '', place: null, details: [] },
});
const names = async () => ({ runners: { r: 2 }, requests: {} });

function testFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'a.log');
}

async function* pages(count: number) {
  for (let page = 0; page < count; page++) {
    await pause(1);
    yield Array.from({ length: 100 }, (_, index) => row(page * 100 + index));
  }
}

it('writes a line for each row of the log', async () => {
  const path = testFile();
  await writeLog(path, pages(10), names, new AbortController().signal);
  const lines = readFileSync(path, 'utf8').split('\n');
  expect(lines).toHaveLength(1_001);
  expect(lines[1]).toMatch(/^1970-01-01T00:00:01\.000Z painter runner 2 x{1000}$/);
});

it('ends with the error of a file that cannot be written', async () => {
  const path = join(testFile(), 'not-a-folder', 'a.log');
  await expect(writeLog(path, pages(10), names, new AbortController().signal)).rejects.toThrow('ENOENT');
});

it('ends when it is cancelled while it waits for rows', async () => {
  const stop = new AbortController();
  async function* rows() {
    yield [row(1)];
    stop.abort();
    yield [row(2)];
  }
  await expect(writeLog(testFile(), rows(), names, stop.signal)).rejects.toThrow();
});
