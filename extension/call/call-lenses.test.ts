import { expect, it } from 'vitest';
import { answerLenses, requestLenses } from './call-lenses.ts';

const titles = (lenses: readonly { readonly title: string }[]) => lenses.map(({ title }) => title).join(' | ');
const address = { file: 'app.py', app: 'Painter', path: '/slow' };

it('a request can be sent, or cancelled while it runs', () => {
  expect(titles(requestLenses('d', address, { isRunning: false, isFile: true }))).toBe(
    'Send | Send to Queue | Copy as curl | Python | JS | /slow of Painter (local)',
  );
  expect(titles(requestLenses('d', address, { isRunning: false, isFile: false }))).toBe(
    'Send | Send to Queue | Copy as curl | Python | JS | Save Request | /slow of Painter (local)',
  );
  expect(titles(requestLenses('d', address, { isRunning: true, isFile: true }))).toMatch(
    /^Cancel \| Send to Queue \| /,
  );
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
