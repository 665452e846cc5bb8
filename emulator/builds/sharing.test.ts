import { describe, expect, it } from 'vitest';
import { sharedBuilds } from './sharing.ts';
import type { BuildLog, BuildResult } from './types.ts';

const built: BuildResult = { kind: 'built', environment: { kind: 'virtualenv', id: 'h' }, cached: false };
const line = (message: string): BuildLog => ({ at: 0, level: 'INFO', message });

function slowWork() {
  const started: { log: (line: BuildLog) => void; signal: AbortSignal; end: (result: BuildResult) => void }[] = [];
  const work = (log: (line: BuildLog) => void, signal: AbortSignal) =>
    new Promise<BuildResult>((end) => started.push({ log, signal, end }));
  return { started, work };
}

describe('builds of one environment', () => {
  it('share one build, and a late caller sees the lines that were printed before', async () => {
    const shared = sharedBuilds();
    const { started, work } = slowWork();
    const first: string[] = [];
    const second: string[] = [];
    const a = shared.join('h', (l) => first.push(l.message), undefined, work);
    started[0]?.log(line('one'));
    const b = shared.join('h', (l) => second.push(l.message), undefined, work);
    started[0]?.log(line('two'));
    started[0]?.end(built);
    expect(await Promise.all([a, b])).toEqual([built, built]);
    expect(started).toHaveLength(1);
    expect([first, second]).toEqual([
      ['one', 'two'],
      ['one', 'two'],
    ]);
  });

  it('continue when one of two callers cancels, and are cancelled when the last one does', async () => {
    const shared = sharedBuilds();
    const { started, work } = slowWork();
    const [one, two] = [new AbortController(), new AbortController()];
    const a = shared.join('h', () => {}, one.signal, work);
    const b = shared.join('h', () => {}, two.signal, work);
    one.abort();
    expect((await a).kind).toBe('failed');
    expect(started[0]?.signal.aborted).toBe(false);
    two.abort();
    expect((await b).kind).toBe('failed');
    expect(started[0]?.signal.aborted).toBe(true);
  });

  it('start again after a cancelled one, even while that one is still cleaning up', async () => {
    const shared = sharedBuilds();
    const { started, work } = slowWork();
    const one = new AbortController();
    const a = shared.join('h', () => {}, one.signal, work);
    one.abort();
    await a;
    const b = shared.join('h', () => {}, undefined, work);
    started[0]?.end({ kind: 'failed', reason: 'cancelled' });
    started[1]?.end(built);
    expect(await b).toEqual(built);
  });

  it('do not begin for a caller that has already cancelled', async () => {
    const { started, work } = slowWork();
    expect((await sharedBuilds().join('h', () => {}, AbortSignal.abort(), work)).kind).toBe('failed');
    expect(started).toHaveLength(0);
  });
});
