import { expect, it } from 'vitest';
import type { LogLine } from '../../../telemetry/types.ts';
import { createLastLines } from './last-lines.ts';

const line: LogLine = {
  ...{ seq: 1, at: 0, level: 'STDOUT', source: 'USER', stream: 'stdout', message: 'loading the model' },
  ...{ alias: 'app', revision: 'r', runnerId: 'r1', requestId: null, endpoint: null },
};

it('has the last line of a starting runner that is its app’s own, and follows the log only for that', () => {
  let write: ((one: LogLine) => void) | undefined;
  const changed: string[] = [];
  const lines = createLastLines(
    {
      follow: (_, listener) => {
        write = listener;
        return () => {
          write = undefined;
        };
      },
    },
    (id) => void changed.push(id),
  );
  lines.set('r1', true);
  expect(write).toBeUndefined();
  lines.resume();
  write?.(line);
  for (const other of [
    { level: 'DEBUG', message: '[debug] All workers are ready.' },
    { level: 'TRACE', message: 'trace' },
    { isServer: true, message: 'INFO: Started server process [7]' },
    { source: 'BRIDGE', message: 'bridge' },
    { message: '  ' },
    { runnerId: 'r2' },
    { runnerId: null },
  ] as const) {
    write?.({ ...line, ...other });
  }
  expect([lines.of('r1'), lines.of('r2'), changed]).toEqual(['loading the model', undefined, ['r1']]);
  write?.({ ...line, message: 'x'.repeat(900), level: 'WARNING' });
  expect(lines.of('r1')).toBe('x'.repeat(200));
  lines.set('r1', false);
  expect([lines.of('r1'), write]).toEqual([undefined, undefined]);
});
