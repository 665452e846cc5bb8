import { expect, it } from 'vitest';
import { typedCommand } from './typed-command.ts';

it.each([
  ['fal run app.py::Hello', { command: 'run', ref: 'app.py::Hello' }],
  ['  fal deploy --app-name demo "my app.py"', { command: 'deploy', ref: 'my app.py' }],
  ['X=1 /opt/venv/bin/fal run painter', { command: 'run', ref: 'painter' }],
  ['uv run fal deploy --auth private ./a/app.py::A', { command: 'deploy', ref: './a/app.py::A' }],
  ['python -m fal run app.py', { command: 'run', ref: 'app.py' }],
  ['cd img && fal deploy', { command: 'deploy', ref: '' }],
  ['fal apps list', undefined],
  ['echo falrun run', undefined],
  ['fal', undefined],
  ['', undefined],
])('in %j it is %j', (line, expected) => expect(typedCommand(line)).toEqual(expected));

it('is found quickly in a line that is made to take long', () => {
  expect(typedCommand('"'.repeat(1_000_000))).toBeUndefined();
});
