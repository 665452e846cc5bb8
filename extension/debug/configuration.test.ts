import { expect, it } from 'vitest';
import { appConfiguration, targetOf } from './configuration.ts';

it.each([
  [{}, { kind: 'anyApp' }],
  [{ request: 'launch' }, { kind: 'anyApp' }],
  [{ request: 'launch', app: 7 }, { kind: 'anyApp' }],
  [
    { request: 'launch', app: 'app.py::App' },
    { kind: 'app', app: 'app.py::App' },
  ],
  [{ request: 'attach' }, { kind: 'anyRunner' }],
  [
    { request: 'attach', runner: 'r-1', app: 'app.py::App' },
    { kind: 'runner', runner: 'r-1' },
  ],
])('%j debugs %j', (given, expected) => {
  expect(targetOf(given)).toEqual(expected);
});

it('is made for each app, and is for this app', () => {
  const made = appConfiguration('models/app.py::Painter');
  expect(made).toEqual({ type: 'fal', request: 'launch', name: 'fal: Painter', app: 'models/app.py::Painter' });
  expect(targetOf(made)).toEqual({ kind: 'app', app: 'models/app.py::Painter' });
});
