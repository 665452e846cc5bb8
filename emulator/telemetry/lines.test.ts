import { describe, expect, it } from 'vitest';
import { createLineRecorder } from './lines.ts';
import { createMask } from './masking/mask.ts';

const secret = 'hunter2-hunter2';
const runner = { runnerId: 'r', alias: 'app', revision: 'rev' };

function recorder() {
  const messages: string[] = [];
  const values = [secret];
  const record = createLineRecorder(
    { append: ({ message }) => void messages.push(message) },
    createMask(() => values),
  );
  return {
    messages,
    write: (text: string, stream: 'stdout' | 'stderr' = 'stdout') => record(runner, { at: 0, stream, text }),
  };
}

/** A piece as the runner cuts it: 64 KiB that end with this text. */
const piece = (end: string) => 'x'.repeat(64 * 1024 - end.length) + end;

describe('a line that is cut into pieces', () => {
  it.each(Array.from({ length: secret.length - 1 }, (_, index) => index + 1))(
    'hides a secret of which %i characters are before the cut',
    (length) => {
      const { messages, write } = recorder();
      write(piece(secret.slice(0, length)));
      write(`${secret.slice(length)} and more`);
      expect([messages[0]?.slice(-10), messages[1]]).toEqual(['xx********', ' and more']);
    },
  );

  it('loses nothing that only looks like the beginning of a secret', () => {
    const { messages, write } = recorder();
    write(piece('hunter2-'));
    write('and something else');
    expect(messages[1]).toBe('and something else');
  });

  it('belongs to its own stream', () => {
    const { messages, write } = recorder();
    write(piece(secret.slice(0, 9)));
    write('meanwhile', 'stderr');
    write(secret.slice(9));
    expect(messages.slice(1)).toEqual(['meanwhile', '']);
  });

  it('may have lines of another thread between its pieces', () => {
    const { messages, write } = recorder();
    write(piece(secret.slice(0, 9)));
    write('meanwhile');
    write(secret.slice(9));
    expect(messages.slice(1)).toEqual(['meanwhile', '']);
  });

  it('does not change later lines', () => {
    const { messages, write } = recorder();
    write(piece(secret.slice(0, -3)));
    write('meanwhile');
    write(`${secret.slice(-3)} is the end of a word`);
    write(piece(secret.slice(0, 3)));
    for (let line = 0; line < 200; line++) write('meanwhile');
    write(secret.slice(3));
    expect(messages[2]).toBe('er2 is the end of a word');
    expect(messages.at(-1)).toBe(secret.slice(3));
  });

  it('may be cut more than once', () => {
    const { messages, write } = recorder();
    write(piece('hunter2'));
    write(`-hunter2${piece('hunter2').slice(8)}`);
    write('-hunter2!');
    expect(messages.map((message) => message.slice(-9))).toEqual(['x********', 'x********', '!']);
  });
});

it('keeps the end of an ordinary line that looks like the beginning of a secret', () => {
  const { messages, write } = recorder();
  write('hunter2-');
  write('hunter2');
  expect(messages).toEqual(['hunter2-', 'hunter2']);
});

describe('the current state of an unfinished line', () => {
  it.each([
    ['key: hunter2-hun', 'key: ********'],
    ['key: hunt', 'key: ********'],
    ['key: hun', 'key: hun'],
    ['key: hunter2-x', 'key: hunter2-x'],
  ])('hides the beginning of a secret at its end: %s', (text, shown) => {
    const appended: object[] = [];
    const record = createLineRecorder(
      { append: (line) => void appended.push(line) },
      createMask(() => [secret]),
    );
    record(runner, { at: 0, stream: 'stdout', text, unfinished: true });
    expect(appended).toEqual([expect.objectContaining({ message: shown, unfinished: true })]);
  });

  it('has no effect on what comes next', () => {
    const { messages, write } = recorder();
    write('key: hunter2-', 'stderr');
    write('hunter2 is a word', 'stderr');
    expect(messages).toEqual(['key: hunter2-', 'hunter2 is a word']);
  });
});
