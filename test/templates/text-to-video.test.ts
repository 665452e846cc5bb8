import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { call, submit } from '../support/http.ts';
import { describeTemplate, templatePlace } from '../support/template-suite.ts';
import { until } from '../support/wait.ts';

const place = templatePlace();
describeTemplate('text-to-video', place, { env: { FAL_TEMPLATE_TINY: '1' }, timeoutMs: 900_000 });

const statusSchema = z.object({ status: z.string(), logs: z.array(z.object({ message: z.string() })).nullish() });
const answerSchema = z.object({ video: z.object({ url: z.string() }) });

describe('text-to-video', () => {
  const app = 'local/my-text-to-video';
  const sample = async () =>
    JSON.parse(await readFile(join(place().folder, 'my-text-to-video', 'request.json'), 'utf8'));

  it('logs its progress for a caller in the queue, whose video is an MP4 file for a price per second', async () => {
    const { emulator } = place();
    const id = await submit(emulator, app, { ...(await sample()), steps: 3 });
    const own = `/${app}/requests/${id}`;
    const logs = await until(
      'the video is there',
      async () => {
        const status = statusSchema.parse(await (await call(emulator, 'queue', `${own}/status?logs=1`)).json());
        return status.status === 'COMPLETED' && (status.logs ?? []);
      },
      { timeoutMs: 120_000 },
    );
    const steps = logs.flatMap(
      ({ message }) => /^Step (\d) of 3, \d+ s passed, about \d+ s left/.exec(message)?.[1] ?? [],
    );
    expect(steps).toEqual(['1', '2', '3']);
    const answer = await call(emulator, 'queue', own);
    expect(answer.headers.get('x-fal-billable-units')).toBe('0.56250000');
    const { video } = answerSchema.parse(await answer.json());
    const file = Buffer.from(await (await fetch(video.url.replace('https:', 'http:'))).arrayBuffer());
    expect(file.toString('latin1', 4, 8)).toBe('ftyp');
  });

  it.each([
    [{ prompt: '  ' }, 'prompt'],
    [{ frames: 10 }, 'frames'],
    [{ width: 130 }, 'width'],
  ])('refuses %j with the field', async (body, field) => {
    const answer = await call(place().emulator, 'run', `/${app}`, { body: { ...(await sample()), ...body } });
    expect([answer.status, await answer.json()]).toMatchObject([422, { detail: [{ loc: ['body', field] }] }]);
  });
});
