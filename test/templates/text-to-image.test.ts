import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { call } from '../support/http.ts';
import { describeTemplate, templatePlace } from '../support/template-suite.ts';

const place = templatePlace();
describeTemplate('text-to-image', place, { env: { FAL_TEMPLATE_TINY: '1' }, timeoutMs: 900_000 });

const answerSchema = z.object({ images: z.array(z.object({ url: z.string() })), seed: z.number() });

describe('text-to-image', () => {
  const ask = (body: object) => call(place().emulator, 'run', '/local/my-text-to-image', { body });
  const paint = async (body: object) => {
    const answer = await ask({ width: 512, height: 576, steps: 2, ...body });
    const { images, seed } = answerSchema.parse(await answer.json());
    const files = await Promise.all(
      images.map(async ({ url }) => Buffer.from(await (await fetch(url.replace('https:', 'http:'))).arrayBuffer())),
    );
    return { units: answer.headers.get('x-fal-billable-units'), seed, files };
  };

  it('paints other images of another text, and the same ones of the same seed', async () => {
    const cats = await paint({ prompt: 'a cat', seed: 1, num_images: 2 });
    expect(cats.units).toBe('0.58982400');
    expect(cats.files).toHaveLength(2);
    for (const file of cats.files) {
      expect(file.subarray(1, 4).toString()).toBe('PNG');
      expect([file.readUInt32BE(16), file.readUInt32BE(20)]).toEqual([512, 576]);
    }
    const again = await paint({ prompt: 'a cat', seed: 1, num_images: 2 });
    expect(again.files.map((file, at) => cats.files[at]?.equals(file))).toEqual([true, true]);
    const dogs = await paint({ prompt: 'a dog', seed: 1, num_images: 2 });
    expect(dogs.files.map((file, at) => cats.files[at]?.equals(file))).toEqual([false, false]);
  });

  it.each([
    [{ prompt: '  ' }, 'prompt'],
    [{ prompt: 'a cat', width: 700 }, 'width'],
    [{ prompt: 'a cat', num_images: 5 }, 'num_images'],
  ])('refuses %j with the field', async (body, field) => {
    const answer = await ask(body);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ detail: [{ loc: ['body', field] }] });
  });
});
