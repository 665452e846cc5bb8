import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createQueue } from '../../emulator/queue/queue.ts';
import { openTestStore, testRequest, testResponse } from '../../emulator/queue/testing/requests.ts';
import { minifalCommand, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { run } from '../support/process.ts';
import { until } from '../support/wait.ts';

const dayMs = 24 * 3_600_000;
let dataDir: string;

/** The data folder of a stopped emulator, with results from three, ten and forty days ago. */
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'minifal-retention-'));
  const store = openTestStore(join(dataDir, 'minifal.db'));
  const queue = createQueue({ store, clock: Date.now });
  for (const days of [3, 10, 40]) {
    await queue.submit(testRequest(`days-${days}`));
    await queue.complete(`days-${days}`, testResponse(), Date.now() - days * dayMs);
  }
  await queue.close();
  store.close();
});
afterAll(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));

/** Starts, waits until the results of `gone` are deleted, and returns which of the others still have their result. */
async function keptBy(args: readonly string[], gone: string): Promise<readonly string[]> {
  const emulator = await startEmulator({ dataDir, args });
  try {
    const account = await owner(emulator);
    const codeOf = async (id: string) => {
      const response = await call(emulator, 'queue', `/${account}/app/requests/${id}`);
      await response.arrayBuffer();
      return response.status;
    };
    await until(`${gone} is forgotten`, async () => (await codeOf(gone)) === 404);
    const kept: string[] = [];
    for (const id of ['days-3', 'days-10', 'days-40']) if ((await codeOf(id)) === 200) kept.push(id);
    return kept;
  } finally {
    await emulator.stop();
  }
}

describe('a result is readable', () => {
  it('for 30 days, or for the days in --retention-days', async () => {
    expect(await keptBy([], 'days-40')).toEqual(['days-3', 'days-10']);
    expect(await keptBy(['--retention-days', '7'], 'days-10')).toEqual(['days-3']);
  });

  it.each(['0', '-1', '1.5', 'week', '1e3'])('--retention-days=%s is refused with the next step', async (value) => {
    const done = await run(process.execPath, [minifalCommand, 'start', '--data', dataDir, `--retention-days=${value}`]);
    expect(done.code).toBe(1);
    expect(done.stderr).toBe(
      `minifal: ${value} is not a number of days.\nSet --retention-days to a whole number, 1 or more, such as 7.\n`,
    );
  });
});
