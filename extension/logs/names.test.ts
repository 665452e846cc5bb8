import { expect, it } from 'vitest';
import type { Row } from '../../webview/host.ts';
import type { LiveClient } from '../target/live.ts';
import { createNames } from './names.ts';

const row = (runnerId: string): Row => ({
  ...{ seq: 1, at: 1, kind: 'line', text: '', alias: 'painter' },
  ...{ runnerId, requestId: null, phase: '', place: null, details: [] },
});

/** An emulator that knows two runners that ended long ago. */
function scene() {
  const asked: string[] = [];
  const runner = async (id: string) => {
    asked.push(id);
    if (id === 'broken' && asked.length === 1) throw new Error('The connection was cut.');
    return id === 'gone' ? undefined : { number: id.length };
  };
  const client = { runner } as unknown as LiveClient;
  const rests: (() => void)[] = [];
  const names = createNames(
    { snapshot: () => ({ state: 'running' }), client: () => client },
    async () => undefined,
    () => new Promise<void>((resolve) => rests.push(resolve)),
  );
  const of = async (...ids: readonly string[]) => (await names.of(ids.map(row))).runners;
  const live = (...ids: readonly string[]) => names.askLive(names.look(ids.map(row)).unknown, () => undefined);
  return { names, of, live, asked, rests };
}

it('asks for the number of a runner once, and gives it to each page that shows its rows', async () => {
  const { of, asked } = scene();
  expect(await of('a', 'bb', 'gone')).toEqual({ a: 1, bb: 2 });
  // The pane was hidden and shown again: a new page knows nothing.
  expect(await of('a', 'bb', 'gone')).toEqual({ a: 1, bb: 2 });
  expect(asked).toEqual(['a', 'bb', 'gone']);
});

it('asks at most for the newest 64 of the live rows that came meanwhile, and rests before it asks again', async () => {
  const { live, asked, rests } = scene();
  const first = live('a');
  await live('b');
  await live(...Array.from({ length: 64 }, (_, index) => `c${index}`));
  await live('d');
  await expect.poll(() => rests.length).toBe(1);
  expect(asked).toEqual(['a']);
  rests[0]?.();
  await expect.poll(() => rests.length).toBe(2);
  expect(asked).toEqual(['a', ...Array.from({ length: 63 }, (_, index) => `c${index + 1}`), 'd']);
  rests[1]?.();
  await first;
  const next = live('e');
  await expect.poll(() => rests.length).toBe(3);
  rests[2]?.();
  await next;
  expect(asked.at(-1)).toBe('e');
});

it('looks up at once what is known, and says what is not', async () => {
  const { names, of } = scene();
  await of('a', 'gone');
  expect(names.look(['a', 'gone', 'bb'].map(row))).toEqual({
    numbers: { runners: { a: 1 }, requests: {} },
    unknown: { runners: ['bb'], requests: [] },
  });
});

it('asks again for a number that it could not get', async () => {
  const { of } = scene();
  await expect(of('broken')).rejects.toThrow('cut');
  expect(await of('broken')).toEqual({ broken: 6 });
});
