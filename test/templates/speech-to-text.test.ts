import { describe, expect, it } from 'vitest';
import { call } from '../support/http.ts';
import { describeTemplate, templatePlace } from '../support/template-suite.ts';

const place = templatePlace();
describeTemplate('speech-to-text', place, { env: { FAL_TEMPLATE_TINY: '1' }, timeoutMs: 900_000 });

/** A WAV file of silence. */
function silence(seconds: number): string {
  const rate = 8000;
  const file = Buffer.alloc(44 + rate * seconds * 2);
  file.write('RIFF', 0);
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE(rate * 2, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36);
  file.writeUInt32LE(file.length - 44, 40);
  return `data:audio/wav;base64,${file.toString('base64')}`;
}

describe('speech-to-text', () => {
  const ask = (body: object) => call(place().emulator, 'run', '/local/my-speech-to-text', { body });

  it('writes 30 seconds at a time, for a price per minute', async () => {
    const answer = await ask({ audio: silence(45), language: 'de', max_tokens: 4 });
    expect(answer.headers.get('x-fal-billable-units')).toBe('0.75000000');
    expect(await answer.json()).toMatchObject({
      seconds: 45,
      segments: [
        { start: 0, end: 30, text: expect.stringMatching(/\w/) },
        { start: 30, end: 45 },
      ],
    });
  });

  it('hears the language itself if none is given, and translates', async () => {
    const answer = await ask({ audio: silence(1), task: 'translate', max_tokens: 4 });
    expect([answer.status, await answer.json()]).toMatchObject([200, { seconds: 1 }]);
  });

  it.each([
    [{ audio: 'data:text/plain,hello' }, 'audio'],
    [{ audio: 'http://127.0.0.1:1/talk.mp3' }, 'audio'],
    [{ audio: silence(1), language: 'xx' }, 'language'],
  ])('refuses %#th input with the field', async (body, field) => {
    const answer = await ask(body);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ detail: [{ loc: ['body', field] }] });
  });
});
