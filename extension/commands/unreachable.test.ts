import { expect, it } from 'vitest';
import { unreachable } from './unreachable.ts';

it.each([
  ['running', true, undefined],
  ['running', false, 'openTerminal'],
  ['stopped', false, 'startEmulator'],
  ['failed', false, 'startEmulator'],
  ['starting', false, undefined],
] as const)('a terminal while the emulator is %s, with its variables: %s', (state, isCurrent, fix) => {
  expect(unreachable(state, isCurrent)?.fix).toBe(fix);
});
