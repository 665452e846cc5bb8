import { expect, it } from 'vitest';
import { createExceptionRecorder } from './exceptions.ts';
import { createMask } from './masking/mask.ts';

it('hides what is left of a secret that the end of a message cuts in two', () => {
  const messages: string[] = [];
  const values = ['hunter2-hunter2'];
  const logs = {
    appendException: ({ exception }: { exception: { message: string } }) => messages.push(exception.message),
  };
  const record = createExceptionRecorder(
    logs,
    createMask(() => values),
  );
  const raise = (message: string) =>
    record(
      { runnerId: 'r', alias: 'app', revision: 'rev' },
      { at: 0, requestId: null, endpoint: null, exception: { type: 'E', message, phase: 'request', frames: [] } },
    );
  raise(`${'x'.repeat(3_990)}hunter2-hu`);
  raise('ends with hunter2-hu');
  expect(messages).toEqual([`${'x'.repeat(3_990)}********`, 'ends with hunter2-hu']);
});
