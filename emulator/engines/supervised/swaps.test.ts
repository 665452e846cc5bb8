import { existsSync, lstatSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { prepareFolder, runnerFolder } from '../process/disk/folder.ts';
import type { Command } from '../process/messages.ts';
import { specFor, type WorkFolder, workFolder } from '../process/testing/runners.ts';
import type { Message } from './messages.ts';
import { createSwaps } from './swaps.ts';

const change = { delta: Buffer.from('new code'), patienceSeconds: 2 };
const swapped = {
  event: 'swapped' as const,
  id: 'r',
  ms: 20,
  waited: 5,
  cleared: ['cached'],
  kept: ['COUNTER'],
} satisfies Partial<Answer>;

let work: WorkFolder;
let path: string;
beforeEach(async () => {
  work = workFolder();
  path = await mkdtemp(join(tmpdir(), 'minifal-swaps-'));
});
afterEach(async () => {
  vi.useRealTimers();
  work.remove();
  await rm(path, { recursive: true });
});

type Answer = Extract<Message, { event: 'swapped' }>;
type Sent = Extract<Command, { op: 'swap' }>;

async function open() {
  const folder = runnerFolder(path);
  await prepareFolder(folder, []);
  const sent: Sent[] = [];
  const state = { isReady: true, isOver: false };
  const swaps = createSwaps({
    spec: specFor(work, '', { development: true }),
    folder,
    send: (command) => void (command.op === 'swap' && sent.push(command)),
    isReady: () => state.isReady,
    isOver: () => state.isOver,
  });
  swaps.possible();
  /** Resolves when the runner has got this many changes. */
  const reaches = (count: number) => vi.waitFor(() => expect(sent).toHaveLength(count));
  return { swaps, sent, state, folder, reaches };
}

describe("a change of a runner's code", () => {
  it('can be read by the user of an image, whatever the umask is', async () => {
    const umask = process.umask(0o077);
    onTestFinished(() => void process.umask(umask));
    const { swaps, sent, reaches } = await open();
    const outcome = swaps.swap(change);
    await reaches(1);
    expect(statSync(sent[0]?.file ?? '').mode & 0o777).toBe(0o644);
    swaps.answered({ ...swapped, swap: 1, kept: [] });
    expect(await outcome).toMatchObject({ ok: true });
  });

  it('is handed over in a file that is removed after the answer', async () => {
    const { swaps, sent, reaches } = await open();
    const outcome = swaps.swap(change);
    await reaches(1);
    expect(sent[0]).toMatchObject({ swap: 1, patience: 2 });
    expect(readFileSync(sent[0]?.file ?? '', 'utf8')).toBe('new code');
    swaps.answered({ ...swapped, swap: 1 });
    expect(await outcome).toEqual({ ok: true, ms: 20, waitedMs: 5, cleared: ['cached'], kept: ['COUNTER'] });
    expect(existsSync(sent[0]?.file ?? '')).toBe(false);
  });

  it('waits for no other one, and its refusal names the reason', async () => {
    const { swaps, reaches } = await open();
    const outcome = swaps.swap(change);
    expect(await swaps.swap(change)).toMatchObject({ ok: false, code: 'busy' });
    await reaches(1);
    const why = { code: 'still_running', text: 'main is running', remedy: '' } as const;
    swaps.answered({ event: 'unswapped', id: 'r', swap: 1, ...why });
    expect(await outcome).toEqual({ ok: false, ...why, remedy: expect.stringMatching(/two seconds/) });
  });

  it('without an answer is the last one: which code the runner has is unknown', async () => {
    const { swaps, sent, reaches } = await open();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const outcome = swaps.swap(change);
    await reaches(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await outcome).toMatchObject({ ok: false, code: 'no_answer' });
    swaps.answered({ ...swapped, swap: 1 });
    expect(await swaps.swap(change)).toMatchObject({ ok: false, code: 'no_answer' });
    expect(sent).toHaveLength(1);
  });

  it('is not answered by a late answer to an earlier one', async () => {
    const { swaps, reaches } = await open();
    const first = swaps.swap(change);
    await reaches(1);
    swaps.answered({ ...swapped, swap: 1 });
    await first;
    const second = swaps.swap(change);
    await reaches(2);
    swaps.answered({ ...swapped, swap: 1 });
    swaps.answered({ event: 'unswapped', id: 'r', swap: 2, code: 'failed', text: 'NameError', remedy: 'x' });
    swaps.answered({ ...swapped, swap: 2 });
    expect(await second).toMatchObject({ ok: false, code: 'failed', remedy: 'x' });
  });

  it('ends with the runner, also while it is being stored', async () => {
    const { swaps, state, reaches, sent } = await open();
    const first = swaps.swap(change);
    await reaches(1);
    swaps.close();
    expect(await first).toMatchObject({ ok: false, code: 'runner_ended' });
    const second = swaps.swap(change);
    state.isOver = true;
    swaps.close();
    expect(await second).toMatchObject({ ok: false, code: 'runner_ended' });
    expect(sent).toHaveLength(1);
  });

  it('is never written through a link that the runner made, nor over its own file', async () => {
    const { swaps, sent, folder } = await open();
    const target = work.file('precious');
    symlinkSync(target, join(folder.exchangeDir, 'change-1'));
    expect(await swaps.swap(change)).toMatchObject({ ok: false, code: 'failed' });
    expect([readFileSync(target, 'utf8'), sent]).toEqual(['precious', []]);
    expect(() => lstatSync(join(folder.exchangeDir, 'change-1'))).toThrow(/ENOENT/);
  });
});
