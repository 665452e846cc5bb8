import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDebugging } from './debugging.ts';

const adapter = { port: 4711, token: 'of an adapter' };

function open() {
  const sent: unknown[] = [];
  const state = { isOver: false };
  const debugging = createDebugging({
    spec: { runnerId: 'r', mode: 'serve' },
    send: (command) => void sent.push(command),
    debugpy: async () => '/debugpy',
    isOver: () => state.isOver,
    onState: () => undefined,
  });
  const report = (now: 'connecting' | 'waiting' | 'failed', text = '') =>
    debugging.reported({ event: 'debug', id: 'r', state: now, text, threads: 0 });
  return { debugging, sent, state, report };
}

/** A runner that was asked to connect, and did not answer in time. */
async function late() {
  const opened = open();
  const first = opened.debugging.debug(adapter);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await first).toMatchObject({ ok: false, code: 'no_answer', text: expect.stringMatching(/Attach again/) });
  return opened;
}

describe('a debugger of a runner that does not answer', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  it('is asked for again as soon as the runner has answered', async () => {
    const { debugging, sent, report } = await late();
    const again = debugging.debug({ ...adapter, port: 4712 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toMatchObject([{ port: 4711 }]);
    report('failed', 'Connection refused');
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toMatchObject([{ port: 4711 }, { port: 4712 }]);
    report('connecting');
    expect(await again).toEqual({ ok: true });
  });

  it('is refused again while the runner still does not answer, which is asked only once', async () => {
    const { debugging, sent, report } = await late();
    const again = debugging.debug(adapter);
    report('waiting');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await again).toMatchObject({ ok: false, code: 'no_answer' });
    expect(sent).toHaveLength(1);
  });

  it('is another one when the runner has connected to the first adapter after all', async () => {
    const { debugging, report } = await late();
    const again = debugging.debug(adapter);
    report('connecting');
    expect(await again).toMatchObject({ ok: false, code: 'attached' });
  });

  it('is refused when the runner ends meanwhile', async () => {
    const { debugging, state } = await late();
    const again = debugging.debug(adapter);
    state.isOver = true;
    debugging.close();
    expect(await again).toMatchObject({ ok: false, code: 'runner_ended' });
  });
});
