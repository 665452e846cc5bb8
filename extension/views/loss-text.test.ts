import { expect, it } from 'vitest';
import { appRow } from '../target/testing/live.ts';
import { lossOf } from './loss-text.ts';

const busy = appRow({
  alias: 'busy',
  counts: { queued: 3, running: 1, starting: 1, ready: 2, busy: 1, others: 1 },
});

it('names what is lost with an app, and what stays', () => {
  expect(lossOf([appRow({ alias: 'quiet' })])).toBe(
    'Its address stops answering. Scaling values that differ from the code are lost. ' +
      'The code in your folder, secrets, /data, and the history of requests stay.',
  );
  expect(lossOf([busy])).toContain('4 runners end. 3 waiting requests fail. 1 request is in progress. The code');
  expect(lossOf([busy, appRow({ alias: 'quiet', queued: 1 })])).toMatch(/^busy, quiet\. .* 4 waiting requests fail\./);
});
