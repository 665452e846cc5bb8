import { expect, it } from 'vitest';
import { platformErrorStatus } from '../../emulator/wire/errors.ts';
import { errorName } from './error-name.ts';

it.each([...Object.keys(platformErrorStatus), 'emulator_ended'])('has words instead of the code %s', (type) => {
  expect(errorName(type)).toMatch(/^[a-z][a-z ]{4,25}$/);
});

it("has an exception's name without its module", () => {
  expect(errorName('requests.exceptions.Timeout')).toBe('Timeout');
  expect(errorName('KeyError')).toBe('KeyError');
});
