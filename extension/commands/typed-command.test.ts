import { expect, it } from 'vitest';
import { mayCall, typedCommand, wasInterrupted } from './typed-command.ts';

it.each([
  ['fal run app.py::Hello', { command: 'run', ref: 'app.py::Hello' }],
  ['  fal deploy --app-name demo "my app.py"', { command: 'deploy', ref: 'my app.py' }],
  ['X=1 /opt/venv/bin/fal run painter', { command: 'run', ref: 'painter' }],
  ['uv run fal deploy --auth private ./a/app.py::A', { command: 'deploy', ref: './a/app.py::A' }],
  ['python -m fal run app.py', { command: 'run', ref: 'app.py' }],
  ['cd img && fal deploy', { command: 'deploy', ref: '' }],
  ['cd /tmp; fal run a.py::A; echo done', { command: 'run', ref: 'a.py::A' }],
  ['fal run a.py::A;', { command: 'run', ref: 'a.py::A' }],
  ['(fal run a.py::A)&', { command: 'run', ref: 'a.py::A' }],
  ['fal deploy a.py::A&&fal run b.py::B', { command: 'deploy', ref: 'a.py::A' }],
  ['fal deploy | tee a.py', { command: 'deploy', ref: '' }],
  ['fal; run a.py', undefined],
  ['fal apps list', undefined],
  ['echo falrun run', undefined],
  ['fal', undefined],
  ['', undefined],
])('in %j it is %j', (line, expected) => expect(typedCommand(line)).toEqual(expected));

it.each([
  ['fal apps list', true],
  ['X=1 /opt/venv/bin/python3.11 call.py', true],
  ['cd web && npm test', true],
  ['echo python', true],
  ['ls falcon', false],
  ['minifal status', false],
  ['', false],
])('%j may call the emulator: %s', (line, expected) => expect(mayCall(line)).toBe(expected));

it('is found quickly in a line that is made to take long', () => {
  expect(typedCommand('"'.repeat(1_000_000))).toBeUndefined();
});

it.each([
  [130, '', true],
  [143, '', true],
  [1, 'Traceback …\nKeyboardInterrupt\n', true],
  [1, '^C\r\nAborted!\r\n', true],
  [1, 'KeyboardInterrupt\nKeyError: 1\n', false],
  [1, '', false],
  [undefined, '', false],
])('a command that ended with %s and %j was interrupted: %s', (exitCode, output, expected) => {
  expect(wasInterrupted(exitCode, output)).toBe(expected);
});
