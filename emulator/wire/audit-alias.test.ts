import { expect, it } from 'vitest';
import { auditAlias, auditedRun } from './audit-alias.ts';

it('the alias of an audit has that of its run, and no other alias is taken for one', () => {
  const run = '99999999-cccc-4c43-9d4e-5b6f0f7f1a11';
  expect(auditedRun(auditAlias(run, '0123abcd'))).toBe(run);
  for (const other of [run, 'hello', 'hello-audit-0123abcd', `${run}-audit`]) expect(auditedRun(other)).toBeUndefined();
});
