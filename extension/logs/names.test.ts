import { expect, it } from 'vitest';
import type { Row } from '../../webview/host.ts';
import type { LiveClient } from '../target/live.ts';
import { createNames, type Names } from './names.ts';

const row = (runnerId: string): Row => ({
  ...{ seq: 1, at: 1, kind: 'line', text: '', alias: 'painter' },
  ...{ runnerId, requestId: null, phase: '', place: null, details: [] },
});

/** An emulator that knows two runners that ended long ago. */
function scene() {
  const asked: string[] = [];
  const runner = async (id: string) => {
    asked.push(id);
    return id === 'gone' ? undefined : { number: id.length };
  };
  const client = { runner } as unknown as LiveClient;
  const names = createNames({ folder: '/nowhere', snapshot: () => ({ state: 'running' }), client: () => client });
  const of = async (...ids: readonly string[]) => {
    const found: Names['runners'][] = [];
    await names.of(ids.map(row), ({ runners }) => void found.push(runners));
    return found;
  };
  return { of, asked };
}

it('asks for the number of a runner once, and gives it to each page that shows its rows', async () => {
  const { of, asked } = scene();
  expect(await of('a', 'bb', 'gone')).toEqual([{ a: 1, bb: 2 }]);
  // The pane was hidden and shown again: a new page knows nothing.
  expect(await of('a', 'bb', 'gone')).toEqual([{ a: 1, bb: 2 }]);
  expect(asked).toEqual(['a', 'bb', 'gone']);
});
