import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLink } from './link.ts';
import type { Snapshot } from './snapshot.ts';
import { startStandIn, testFolder } from './testing/emulator.ts';

function follow(folder: string) {
  const link = createLink(folder);
  onTestFinished(() => link.close());
  const seen: string[] = [link.snapshot().state];
  link.onChange(({ state }) => void (state === seen.at(-1) || seen.push(state)));
  const patience = AbortSignal.timeout(20_000);
  const until = (state: Snapshot['state']) => link.until((one) => one.state === state, patience);
  return { link, seen, until };
}

describe('the link to an emulator', () => {
  it('joins a running emulator, and one that starts later', async () => {
    const folder = testFolder();
    const early = follow(folder);
    expect(early.link.snapshot()).toEqual({ state: 'stopped' });
    const { running } = await startStandIn(folder);
    expect(await early.until('running')).toMatchObject({ running, live: { head: { owner: 'local' } } });
    expect(await follow(folder).until('running')).toMatchObject({ running });
  });

  it('joins an emulator whose folder did not exist', async () => {
    const folder = join(testFolder(), 'later');
    const { until } = follow(folder);
    mkdirSync(folder);
    await startStandIn(folder);
    await until('running');
  });

  it('reports each state that the emulator sends', async () => {
    const folder = testFolder();
    const emulator = await startStandIn(folder);
    const { link, until } = follow(folder);
    const first = (await until('running')).live?.head.startedAt ?? 0;
    await emulator.again();
    await link.until(({ live }) => (live?.head.startedAt ?? 0) > first, AbortSignal.timeout(20_000));
  });

  it('applies a change to the previous state', async () => {
    const folder = testFolder();
    const emulator = await startStandIn(folder);
    const { link, until } = follow(folder);
    await until('running');
    await emulator.change();
    const changed = await link.until(({ live }) => live?.apps.size === 1, AbortSignal.timeout(20_000));
    expect(changed.live?.head.owner).toBe('local');
    expect([...(changed.live?.apps.keys() ?? [])]).toEqual(['new']);
  });

  it('continues where a dropped connection ended, and keeps what it knew', async () => {
    const folder = testFolder();
    const emulator = await startStandIn(folder);
    const { link, seen, until } = follow(folder);
    await until('running');
    await emulator.change();
    await link.until(({ live }) => live?.apps.size === 1, AbortSignal.timeout(20_000));
    await emulator.drop();
    await expect.poll(emulator.asked, { timeout: 20_000 }).toEqual(['/minifal/events', '/minifal/events?cursor=e.2']);
    expect([...(link.snapshot().live?.apps.keys() ?? []), ...seen]).toEqual(['new', 'stopped', 'running']);
  });

  it('reports that a killed emulator ended unexpectedly, and recovers when it starts again', async () => {
    const folder = testFolder();
    const emulator = await startStandIn(folder);
    const { seen, until } = follow(folder);
    await until('running');
    await emulator.end('SIGKILL');
    const failed = await until('failed');
    expect(failed.why).toContain(String(emulator.running.pid));
    // For the view; nobody takes it for the state of now.
    expect(failed).toMatchObject({ last: { head: { owner: 'local' } } });
    expect(failed).not.toHaveProperty('live');
    await startStandIn(folder);
    expect(await until('running')).not.toHaveProperty('last');
    expect(seen).toEqual(['stopped', 'running', 'failed', 'running']);
  });

  it('reports a clean end as a stop', async () => {
    const folder = testFolder();
    const emulator = await startStandIn(folder);
    const { seen, until } = follow(folder);
    await until('running');
    await emulator.end('SIGTERM');
    await until('stopped');
    expect(seen).toEqual(['stopped', 'running', 'stopped']);
  });

  it('keeps the reason for which an emulator stopped by itself, until the next one runs', async () => {
    const folder = testFolder();
    const emulator = await startStandIn(folder, { trouble: 'The data folder was deleted, so minifal stops.' });
    const { link, until } = follow(folder);
    await until('running');
    await emulator.end('SIGTERM');
    expect((await until('stopped')).why).toBe('The data folder was deleted, so minifal stops.');
    await startStandIn(folder);
    await until('running');
    expect(link.snapshot()).not.toHaveProperty('why');
  });

  it.each([
    [false, { state: 'stopped', isAsked: true }],
    [true, { state: 'stopped' }],
  ])('reports a requested kill as a stop, asked for unless it starts again: %s', async (restarts, expected) => {
    const folder = testFolder();
    const emulator = await startStandIn(folder);
    const { link, until } = follow(folder);
    await until('running');
    link.stopping(restarts);
    await emulator.end('SIGKILL');
    expect(await until('stopped')).toEqual(expected);
  });

  it('is starting from the request to the first answer, and failed with the reason if the start fails', async () => {
    const folder = testFolder();
    const { link, seen, until } = follow(folder);
    const first = link.starting();
    first.settled('Port 1 is taken.');
    expect(link.snapshot()).toEqual({ state: 'failed', why: 'Port 1 is taken.' });
    link.starting().settled();
    const third = link.starting();
    await startStandIn(folder);
    await until('running');
    third.settled();
    expect(seen).toEqual(['stopped', 'starting', 'failed', 'starting', 'stopped', 'starting', 'running']);
  });

  it.each([
    ['of another version', { odd: true }, 'another version'],
    ['that does not accept the key', { key: 'other:key' }, 'does not accept the key'],
  ])('refuses an emulator %s, with a sentence', async (_title, options, words) => {
    const folder = testFolder();
    await startStandIn(folder, options);
    expect((await follow(folder).until('failed')).why).toContain(words);
  });

  it('survives the removal and re-creation of its folder', async () => {
    const folder = testFolder();
    const { until } = follow(folder);
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    await startStandIn(folder);
    await until('running');
  });
});
