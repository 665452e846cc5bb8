import { expect, it } from 'vitest';
import { answerLenses, requestLenses } from './call-lenses.ts';

const titles = (lenses: readonly { readonly title: string }[]) => lenses.map(({ title }) => title).join(' | ');
const resting = { isRunning: false, isReading: false };
const address = { file: 'app.py', app: 'Painter', path: '/slow' };

it('a request can be sent, or cancelled while it runs', () => {
  expect(titles(requestLenses('d', address, { isFile: true, ...resting }))).toBe(
    'Send | Send to Queue | Copy as curl | Python | JS | /slow of Painter (local)',
  );
  expect(titles(requestLenses('d', address, { isFile: false, ...resting }))).toBe(
    'Send | Send to Queue | Copy as curl | Python | JS | Save Request | /slow of Painter (local)',
  );
  expect(titles(requestLenses('d', address, { ...resting, isFile: true, isRunning: true }))).toMatch(
    /^Cancel \| Send to Queue \| /,
  );
});

it('a request says that it waits for the schema of its app', () => {
  const reading = requestLenses('d', address, { isRunning: false, isFile: false, isReading: true });
  expect(reading.map(({ title }) => title).at(-1)).toBe("/slow of Painter (local), reading the app's schema…");
  expect(reading).toHaveLength(requestLenses('d', address, { isFile: false, ...resting }).length);
});

it('an answer begins with what came of the call', () => {
  const answer = { head: '200 · 14 ms · #37', isRunning: false, requestId: 'r', media: 0 };
  expect(titles(answerLenses('d', answer))).toBe('200 · 14 ms · #37 | Log | Replay | Save Request');
  expect(titles(answerLenses('d', { ...answer, media: 1 }))).toMatch(/\| Open Result$/);
  expect(titles(answerLenses('d', { ...answer, media: 3 }))).toMatch(/\| Open Result \(3\)$/);
  expect(titles(answerLenses('d', { ...answer, requestId: null }))).not.toContain('Log');
  expect(titles(answerLenses('d', { ...answer, head: 'queued, next · 3 s', isRunning: true }))).toBe(
    'queued, next · 3 s | Cancel',
  );
});
