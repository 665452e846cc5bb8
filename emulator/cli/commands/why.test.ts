import { expect, it } from 'vitest';
import { describe } from './why.ts';

const diagnosis = {
  subject: { kind: 'request' as const, id: 'q-7', number: 7, alias: 'demo' },
  cause: 'slots_busy' as const,
  summary: 'All slots of 1 runner are busy.',
  evidence: ['1 of 1 runners have requests, and 3 wait.'],
  change: 'max_concurrency is 1; with 2, a runner for this request would start now.',
  next: null,
  since: null,
  until: null,
};

it('prints the subject, the cause, what was observed, and what would change it', () => {
  expect(describe(diagnosis).split('\n')).toEqual([
    'request #7 of demo: slots_busy',
    '  All slots of 1 runner are busy.',
    '  - 1 of 1 runners have requests, and 3 wait.',
    '  What would change it: max_concurrency is 1; with 2, a runner for this request would start now.',
    '',
  ]);
});

it('makes words of the app printable', () => {
  expect(describe({ ...diagnosis, evidence: ['\u001b[2Jgone'], next: 'Wait.' })).not.toContain('\u001b');
  expect(describe({ ...diagnosis, next: 'Wait.' })).toContain('  Next step: Wait.\n');
});
