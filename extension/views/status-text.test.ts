import { describe, expect, it } from 'vitest';
import type { LiveState } from '../target/live.ts';
import { appRow, liveWith, runnerRow } from '../target/testing/live.ts';
import { statusText } from './status-text.ts';

const running = { pid: 1, processStart: '1', version: '1', startedAt: 0, ports: { api: 1, run: 2, queue: 3, ws: 4 } };
const live = liveWith();

describe('the status bar', () => {
  it('is empty in a window without apps or an emulator', () => {
    expect(statusText({ state: 'stopped' }, false)).toBeUndefined();
  });
  it.each([
    [{ state: 'stopped' } as const, /stopped/, false],
    [{ state: 'starting' } as const, /spin/, false],
    [{ state: 'failed', why: 'It ended.' } as const, /failed/, true],
    [{ state: 'running', running, live } as const, /fal: local$/, false],
    [{ state: 'running', running, live: liveWith({ trouble: 'The disk is full.' }) } as const, /warning/, true],
  ])('shows where the emulator is and its state: %j', (snapshot, text, isError) => {
    expect(statusText(snapshot, true)).toMatchObject({ text: expect.stringMatching(text), isError });
  });
  it('shows why the emulator failed, including to screen readers', () => {
    expect(statusText({ state: 'failed', why: 'It ended.' }, true)).toMatchObject({
      tooltip: 'It ended\\.',
      spoken: expect.stringContaining('It ended.'),
    });
  });
  it('shows that secrets are sealed, and how to open them', () => {
    const tooltip = (secrets: LiveState['head']['secrets']) =>
      statusText({ state: 'running', running, live: liveWith({ secrets }) }, true)?.tooltip;
    expect(tooltip('sealed')).toMatch(/Secrets are sealed.*start it from here/);
    expect(tooltip('open')).not.toMatch(/sealed/);
  });
  it('counts the live runners', () => {
    const runners = [runnerRow(), runnerRow({ id: 'ended', endedAt: 5 })];
    expect(statusText({ state: 'running', running, live: liveWith({ runners }) }, false)).toMatchObject({
      text: expect.stringContaining('$(play)1'),
      spoken: expect.stringContaining('1 runner'),
    });
  });
  it('counts the deployed apps', () => {
    const tooltip = (count: number) => {
      const apps = Array.from({ length: count }, (_, n) => appRow({ alias: `a${n}` }));
      return statusText({ state: 'running', running, live: liveWith({ apps }) }, false)?.tooltip;
    };
    expect([tooltip(0), tooltip(1), tooltip(2)]).toEqual(
      [/0 apps, /, /1 app, /, /2 apps, /].map((text) => expect.stringMatching(text)),
    );
  });
  it('shows the time scale', () => {
    expect(statusText({ state: 'running', running, live: liveWith({ timeScale: 60 }) }, false)).toMatchObject({
      text: '$(server-process) fal: local x60',
      tooltip: expect.stringContaining('Time x60: '),
    });
  });
});
