import { expect, it } from 'vitest';
import { subjectName, whyText } from './why-text.ts';

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

it('has the name, the sentence, what was observed and what would change it', () => {
  expect(whyText(diagnosis, 'demo')).toBe(
    [
      '# State of request #7 of demo',
      '',
      'All slots of 1 runner are busy.',
      '',
      '## What was observed',
      '',
      '- 1 of 1 runners have requests, and 3 wait.',
      '',
      '## What would change it',
      '',
      '- max_concurrency is 1; with 2, a runner for this request would start now.',
      '',
      'Cause: slots_busy',
      '',
    ].join('\n'),
  );
});

it('names runners and apps', () => {
  const of = (kind: 'runner' | 'app') => subjectName({ subject: { ...diagnosis.subject, kind } }, 'demo');
  expect([of('runner'), of('app')]).toEqual(['runner 7 of demo', 'demo']);
});
