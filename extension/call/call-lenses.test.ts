import { expect, it } from 'vitest';
import { answerLenses, type CallLens, requestLenses } from './call-lenses.ts';

/** As in the editor: line by line. */
const titles = (lenses: readonly CallLens[]) =>
  [lenses.filter(({ isSecond }) => !isSecond), lenses.filter(({ isSecond }) => isSecond)]
    .map((line) => line.map(({ title }) => title).join(' | '))
    .join('\n')
    .trimEnd();
const resting = { isRunning: false, isReading: false };
const address = { file: 'app.py', app: 'Painter', path: '/slow' };

it('a request can be sent, or cancelled while it runs', () => {
  expect(titles(requestLenses('d', address, { isFile: true, ...resting }))).toBe(
    'Send | Send to Queue | /slow of Painter (local)\nCopy as curl | Python | JS',
  );
  expect(titles(requestLenses('d', address, { isFile: false, ...resting }))).toBe(
    'Send | Send to Queue | /slow of Painter (local)\nCopy as curl | Python | JS | Save Request',
  );
  expect(titles(requestLenses('d', address, { ...resting, isFile: true, isRunning: true }))).toMatch(
    /^Cancel \| Send to Queue \| /,
  );
});

it('a request says that it waits for the schema of its app', () => {
  const reading = requestLenses('d', address, { isRunning: false, isFile: false, isReading: true });
  expect(titles(reading)).toMatch(/^Send \| Send to Queue \| \/slow of Painter \(local\), reading the app's schema…\n/);
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

it('shows the actions of an answer however long its first line is', () => {
  const of = (head: string, isRunning = false) =>
    titles(answerLenses('d', { head, isRunning, requestId: 'r', media: [] }));
  expect(of("500 · KeyError: 'a cat on a bike', studio.py:48 · 84 ms · #1")).toBe(
    "500 · 84 ms · #1 | Log | Replay | Save Request | KeyError: 'a cat on a bike', studio.py:48",
  );
  expect(of('200 · 6.1 s · cold: waited 5.2 s for runner 1 · #42')).toBe(
    '200 · 6.1 s · #42 | Log | Replay | Save Request | cold: waited 5.2 s for runner 1',
  );
  expect(of('waiting: start failed · weights not found: /data/model.bin', true)).toBe(
    'waiting: start failed | Cancel | weights not found: /data/model.bin',
  );
  const long = 'waiting: building the environment: downloading torch (800 MB)';
  expect(of(long, true)).toBe(`waiting: building the environme… | Cancel | ${long}`);
});
