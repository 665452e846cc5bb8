import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { call } from '../support/http.ts';
import { describeTemplate, templatePlace } from '../support/template-suite.ts';

const place = templatePlace();
describeTemplate('image-to-image', place, { env: { FAL_TEMPLATE_TINY: '1' }, timeoutMs: 900_000 });

const answerSchema = z.object({ image: z.object({ url: z.string() }), seed: z.number() });
/** A picture of 1 by 8 pixels. */
const narrow =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAAICAAAAAAdccqdAAAAC0lEQVR4nGNgQAUAABAAATm9j2UAAAAASUVORK5CYII=';

describe('image-to-image', () => {
  const sample = async () =>
    JSON.parse(await readFile(join(place().folder, 'my-image-to-image', 'request.json'), 'utf8'));
  const ask = async (body: object) =>
    call(place().emulator, 'run', '/local/my-image-to-image', { body: { ...(await sample()), ...body } });
  const paint = async (body: object) => {
    const answer = await ask(body);
    const { image } = answerSchema.parse(await answer.json());
    const file = Buffer.from(await (await fetch(image.url.replace('https:', 'http:'))).arrayBuffer());
    return { units: answer.headers.get('x-fal-billable-units'), file };
  };

  it('changes more of the picture with a higher strength, and paints the same of the same seed', async () => {
    const first = await paint({});
    expect(first.units).toBe('0.26214400');
    expect([first.file.readUInt32BE(16), first.file.readUInt32BE(20)]).toEqual([512, 512]);
    expect((await paint({})).file.equals(first.file)).toBe(true);
    expect((await paint({ strength: 1 })).file.equals(first.file)).toBe(false);
  });

  it('takes a file as an object, too', async () => {
    expect((await ask({ image: { url: (await sample()).image } })).status).toBe(200);
  });

  it.each([
    [{ prompt: '  ' }, 'prompt'],
    [{ strength: 2 }, 'strength'],
    [{ image: narrow }, 'image'],
    [{ image: 'data:text/plain,hello' }, 'image'],
    [{ image: 'http://127.0.0.1:1/picture.png' }, 'image'],
  ])('refuses %j with the field', async (body, field) => {
    const answer = await ask(body);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ detail: [{ loc: ['body', field] }] });
  });
});
