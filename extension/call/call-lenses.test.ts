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
  const answer = { head: '200 · 14 ms · #37', isRunning: false, requestId: 'r', media: [] };
  expect(titles(answerLenses('d', answer))).toBe('200 · 14 ms · #37 | Log | Replay | Save Request');
  const openOf = (...names: readonly string[]) =>
    answerLenses('d', { ...answer, media: names.map((name) => ({ name })) }).at(-1)?.title;
  expect(openOf('a.png')).toBe('Open Image');
  expect(openOf('a.png', 'b.jpg')).toBe('Open Image (2)');
  expect(openOf('a.wav')).toBe('Open Audio');
  expect(openOf('a.mp4')).toBe('Open Video');
  expect(openOf('a.png', 'b.bin', 'c.mp4')).toBe('Open File (3)');
  expect(titles(answerLenses('d', { ...answer, requestId: null }))).not.toContain('Log');
  expect(titles(answerLenses('d', { ...answer, head: 'queued, next · 3 s', isRunning: true }))).toBe(
    'queued, next · 3 s | Cancel',
  );
});
