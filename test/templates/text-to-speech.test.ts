import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { call } from '../support/http.ts';
import { describeTemplate, templatePlace } from '../support/template-suite.ts';

const place = templatePlace();
describeTemplate('text-to-speech', place, { env: { FAL_TEMPLATE_TINY: '1' }, timeoutMs: 900_000 });

const answerSchema = z.object({ audio: z.object({ url: z.string() }), seconds: z.number() });

describe('text-to-speech', () => {
  const ask = (body: object) => call(place().emulator, 'run', '/local/my-text-to-speech', { body });
  const read = async (body: object) => {
    const answer = await ask(body);
    const { audio, seconds } = answerSchema.parse(await answer.json());
    const file = Buffer.from(await (await fetch(audio.url.replace('https:', 'http:'))).arrayBuffer());
    return { units: answer.headers.get('x-fal-billable-units'), seconds, file };
  };

  it('reads the same text in the same way, and faster if asked to', async () => {
    const slow = await read({ text: 'a lamp at night', seed: 1 });
    expect(slow.units).toBe('0.01500000');
    expect(slow.file.toString('latin1', 0, 4)).toBe('RIFF');
    expect((slow.file.length - 44) / 2 / 16_000).toBeCloseTo(slow.seconds, 5);
    expect((await read({ text: 'a lamp at night', seed: 1 })).file.equals(slow.file)).toBe(true);
    expect((await read({ text: 'a lamp at night', seed: 1, speed: 2 })).seconds).toBeLessThan(slow.seconds);
  });

  it.each([
    [{ text: '' }, 'text'],
    [{ text: '\u{1F600}' }, 'text'],
    [{ text: 'a', speed: 3 }, 'speed'],
  ])('refuses %j with the field', async (body, field) => {
    const answer = await ask(body);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ detail: [{ loc: ['body', field] }] });
  });
});
