import { expect, it } from 'vitest';
import { bare, knownOperations } from './known-operations.ts';

const at = (path: string | undefined, kind: 'http' | 'websocket' = 'http') => ({
  ...{ method: 'run', path, kind, isAsync: false, isStreaming: false },
  ...{ topLine: 0, line: 0 },
});

it('is what an app said last, and what its code has since', () => {
  const main = { ...bare('/'), summary: 'Paints' };
  const code = {
    endpoints: [at('/'), at('/items/{id:int}'), at('/live', 'websocket'), at(undefined)],
    inherited: { endpoints: [at('/'), at('/health')] },
  };
  expect(knownOperations([main], code)).toEqual([main, bare('/items/{id}'), bare('/health')]);
  expect(knownOperations([], code)).toEqual([bare('/'), bare('/items/{id}'), bare('/health')]);
  expect(knownOperations([main], undefined)).toEqual([main]);
});
