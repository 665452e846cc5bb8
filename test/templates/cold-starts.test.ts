import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { call } from '../support/http.ts';
import { mustRun } from '../support/process.ts';
import { describeTemplate, templatePlace } from '../support/template-suite.ts';

const place = templatePlace();
const tiny = { FAL_TEMPLATE_TINY: '1' };
// A runner that lasts: the first one must still be there after all calls.
describeTemplate('cold-starts', place, { env: tiny, set: ['keep-alive=900'], timeoutMs: 900_000 });

const answerSchema = z.object({
  embedding: z.array(z.number()),
  start: z.object({ packed: z.boolean(), compiled: z.boolean() }),
});

describe('cold-starts', () => {
  const ask = (text: string) => call(place().emulator, 'run', '/local/my-cold-starts', { body: { text } });
  const embed = async (text: string) => answerSchema.parse(await (await ask(text)).json());

  it('starts the next runner with what the first one has kept, and answers the same', async () => {
    const first = await embed('a lamp at night');
    expect(first.start).toEqual({ packed: false, compiled: false });
    const { folder, tools, emulator } = place();
    const env = tools.env({ ...emulator.env, ...tiny });
    const cwd = join(folder, 'my-cold-starts');
    // It waits for the new runner.
    await mustRun('fal', ['deploy', 'my-cold-starts'], { cwd, env, timeoutMs: 600_000 });
    const next = await embed('a lamp at night');
    expect(next.start).toEqual({ packed: true, compiled: true });
    expect(next.embedding).toEqual(first.embedding);
  });

  it.each(['', ' ', 'x'.repeat(2001)])('refuses a text that it cannot use: %#', async (text) => {
    const answer = await ask(text);
    expect([answer.status, await answer.json()]).toMatchObject([422, { detail: [{ loc: ['body', 'text'] }] }]);
  });
});
