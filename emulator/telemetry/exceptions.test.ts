import { expect, it } from 'vitest';
import { createExceptionRecorder } from './exceptions.ts';
import { createMask } from './masking/mask.ts';
import type { LoggedException } from './types.ts';

const secret = 'hunter2-hunter2';

function recorder(isIts = true) {
  const logged: Omit<LoggedException, 'seq'>[] = [];
  const facts: object[] = [];
  const record = createExceptionRecorder(
    { appendException: (one) => void logged.push(one) },
    {
      raised(_id, _runnerId, error) {
        facts.push(error);
        return isIts;
      },
    },
    createMask(() => [secret]),
  );
  const raise = (exception: Partial<LoggedException['exception']>) =>
    record(
      { runnerId: 'r', alias: 'app', revision: 'rev' },
      {
        at: 0,
        requestId: 'q-1',
        endpoint: null,
        exception: { type: 'E', message: '', phase: 'request', frames: [], ...exception },
      },
    );
  return { logged, facts, raise };
}

it('hides what is left of a secret that the end of a message cuts in two', () => {
  const { logged, raise } = recorder();
  raise({ message: `${'x'.repeat(3_990)}hunter2-hu` });
  raise({ message: 'ends with hunter2-hu' });
  const messages = logged.map(({ exception }) => exception.message);
  expect(messages).toEqual([`${'x'.repeat(3_990)}********`, 'ends with hunter2-hu']);
});

it('hides secrets in all texts, in the log and in the request', () => {
  const { logged, facts, raise } = recorder();
  const frames = [{ file: `/${secret}.py`, line: 1, function: secret, isApp: true }];
  raise({ type: secret, message: secret, frames });
  expect(JSON.stringify([logged, facts])).not.toContain(secret);
  expect(facts).toEqual([{ type: '********', message: '********', file: '/********.py', line: 1 }]);
});

it("leaves out another app's request", () => {
  const { logged, raise } = recorder(false);
  raise({});
  expect(logged).toMatchObject([{ alias: 'app', requestId: null }]);
});
