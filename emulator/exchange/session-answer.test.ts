import { describe, expect, it } from 'vitest';
import { AnswerReader } from './session-answer.ts';

/** Reads a text byte by byte. */
function read(text: string) {
  const reader = new AnswerReader();
  for (const byte of Buffer.from(text)) {
    const answer = reader.read(Uint8Array.of(byte));
    if (answer !== undefined) return answer;
  }
  return undefined;
}
const answer = { sdp: 'v=0 ü', type: 'answer' };
const json = JSON.stringify({ ...answer, session_id: 's', camera: true });

describe('the first event of a session', () => {
  it.each([
    ['as the SDK sends it', `data: ${json}\n\n`],
    ['behind comments and events without data', `: keepalive\n\nevent: hello\n\ndata: ${json}\n\n`],
    ['with a name', `event: answer\ndata: ${json}\n\n`],
    ['with line ends of the web', `data: ${json}\r\n\r\n`],
    ['over several lines', `data: {"sdp": "v=0 ü",\ndata: "type": "answer"}\n\n`],
    ['without a blank', `data:${json}\n\n`],
    ['without a type', `data: {"sdp": "v=0 ü"}\n\n`],
  ])('is the answer: %s', (_name, text) => {
    expect(read(text)).toEqual(answer);
  });

  it.each([
    ['no JSON', 'data: hello\n\n'],
    ['no SDP', 'data: {"type": "answer"}\n\n'],
    ['an empty SDP', 'data: {"sdp": ""}\n\n'],
    ['something else', 'data: [1]\n\n'],
  ])('is no answer: %s', (_name, text) => {
    expect(read(text)).toBe('none');
  });

  it('is awaited', () => {
    expect(read(`data: ${json}\n`)).toBeUndefined();
  });

  it('is no answer when it never ends', () => {
    const reader = new AnswerReader();
    const chunk = Buffer.alloc(256 * 1024, 'x');
    expect([1, 2, 3, 4, 5].map(() => reader.read(chunk))).toEqual([undefined, undefined, undefined, undefined, 'none']);
  });
});
