import { describe, expect, it } from 'vitest';
import { createDebugWaits } from './debug-waits.ts';

function setUp() {
  const released: string[] = [];
  let ring: (() => void) | undefined;
  const waits = createDebugWaits({
    runners: (alias) => [{ id: `${alias}-1` }],
    handle: (id) => ({ undebug: () => void released.push(id) }),
    later(_delayMs, run) {
      ring = run;
      return () => {
        ring = undefined;
      };
    },
  });
  return { waits, released, time: () => ring };
}

describe('runners that wait for a debugger', () => {
  it('are released when none comes any more, and later ones do not wait', () => {
    const { waits, released } = setUp();
    waits.set('app', true);
    expect([waits.has('app'), waits.has('other')]).toEqual([true, false]);
    waits.set('app', false);
    waits.set('other', false);
    expect([waits.has('app'), released]).toEqual([false, ['app-1']]);
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
    expect([released, waits.has('app')]).toEqual([['app-1'], false]);
  });
});
