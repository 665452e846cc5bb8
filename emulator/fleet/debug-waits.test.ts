import { describe, expect, it, vi } from 'vitest';
import { createDebugWaits } from './debug-waits.ts';

function setUp() {
  const released: string[] = [];
  const killed: string[] = [];
  const report = vi.fn();
  let ring: (() => void) | undefined;
  const waits = createDebugWaits({
    runners: (alias) => [{ id: `${alias}-1` }, { id: `${alias}-2` }],
    handle: (id) => ({
      undebug() {
        if (id === 'broken-1') throw new Error(id);
        released.push(id);
      },
    }),
    kill: (id) => void killed.push(id),
    report,
    later(_delayMs, run) {
      ring = run;
      return () => {
        ring = undefined;
      };
    },
  });
  return { waits, released, killed, report, time: () => ring };
}

describe('runners that wait for a debugger', () => {
  it('are released when none comes any more, and later ones do not wait', () => {
    const { waits, released } = setUp();
    waits.set('app', true);
    expect([waits.has('app'), waits.has('other')]).toEqual([true, false]);
    waits.set('app', false);
    waits.set('other', false);
    expect([waits.has('app'), released]).toEqual([false, ['app-1', 'app-2']]);
  });

  it('are released when no editor follows for a while, and not while one does', () => {
    const { waits, released, time } = setUp();
    waits.setFollowed(true);
    waits.set('app', true);
    expect(time()).toBeUndefined();
    waits.setFollowed(false);
    waits.setFollowed(true);
    expect(time(), 'it has connected again').toBeUndefined();
    waits.setFollowed(false);
    time()?.();
    expect([released, waits.has('app')]).toEqual([['app-1', 'app-2'], false]);
  });

  it('are ended if they cannot be released; other runners and apps are released nevertheless', () => {
    const { waits, released, killed, report, time } = setUp();
    waits.set('broken', true);
    waits.set('app', true);
    time()?.();
    expect([released, killed]).toEqual([['broken-2', 'app-1', 'app-2'], ['broken-1']]);
    expect(report.mock.calls).toEqual([[new Error('broken-1')]]);
  });
});
