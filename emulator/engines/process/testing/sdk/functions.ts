import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { client, sdk, start, timeout } from './bed.ts';

async function outcome(name: string) {
  const runner = start(name, 'call');
  await runner.ready;
  runner.handle.call();
  const result = await runner.result;
  if (result.kind === 'refused') return result;
  return JSON.parse(
    execFileSync(client.python, [join(sdk, 'receive.py')], { input: JSON.stringify(result) }).toString(),
  );
}

describe('a function of the real SDK', { timeout }, () => {
  it('returns its value to the client', async () => {
    expect(await outcome('divide')).toEqual({ value: { quotient: 2 } });
  });

  it("returns its exception to the client, with the user's cause, its own cause and frames", async () => {
    expect(await outcome('divide-by-zero')).toEqual({
      raised: 'UserFunctionException',
      frames: expect.arrayContaining(['divide']),
      cause: 'OwnError: own words',
      causeOfCause: 'ZeroDivisionError',
      causeFrames: ['divide'],
    });
  });

  it('whose result cannot be pickled is refused', async () => {
    expect(await outcome('unpicklable')).toMatchObject({ kind: 'refused' });
  });
});
