import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { logPageSchema } from '../../emulator/wire/log-lines.ts';
import { call } from '../support/http.ts';
import { describeTemplate, templatePlace } from '../support/template-suite.ts';

const place = templatePlace();
describeTemplate('chat', place, { env: { FAL_TEMPLATE_TINY: '1' }, timeoutMs: 900_000 });

describe('chat', () => {
  const request = (changes: object = {}) => ({
    ...JSON.parse(readFileSync(join(place().folder, 'my-chat', 'request.json'), 'utf8')),
    ...changes,
  });
  const ask = (path: string, body: object) => call(place().emulator, 'run', `/local/my-chat${path}`, { body });

  it('streams the same text as it answers at once, piece by piece, and both have billable units', async () => {
    const whole = await ask('/', request({ max_tokens: 40 }));
    const { text } = (await whole.json()) as { readonly text: string };
    expect(whole.headers.get('x-fal-billable-units')).toBe('0.04000000');
    const streamed = await ask('/stream', request({ max_tokens: 40 }));
    expect(streamed.headers.get('content-type')).toContain('text/event-stream');
    expect(streamed.headers.get('x-fal-billable-units')).toBe('0.04000000');
    const events = [...(await streamed.text()).matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data));
    expect(events.at(-1)).toEqual({ text: '', finish_reason: 'length', tokens: 40 });
    expect(events.length).toBeGreaterThan(2);
    expect(events.map((event) => event.text).join('')).toBe(text);
  });

  it.each(['/', '/stream'])(
    'refuses at %s what the model cannot read, with the field and without a price',
    async (path) => {
      const long = Array.from({ length: 3 }, () => ({ role: 'user', content: 'x'.repeat(20_000) }));
      for (const messages of [[{ role: 'assistant', content: 'Hi' }], long]) {
        const answer = await ask(path, { messages });
        expect([answer.status, answer.headers.get('x-fal-billable-units')]).toEqual([422, null]);
        expect(await answer.json()).toMatchObject({ detail: [{ loc: ['body', 'messages'] }] });
      }
    },
  );

  it('answers the next caller after one has left in the middle of a stream', async () => {
    const gone = new AbortController();
    const { emulator } = place();
    const streamed = await fetch(`http://localhost:${emulator.ports.run}/local/my-chat/stream`, {
      method: 'POST',
      headers: { authorization: emulator.authorization, 'content-type': 'application/json' },
      body: JSON.stringify(request({ max_tokens: 2000 })),
      signal: gone.signal,
    });
    await streamed.body?.getReader().read();
    gone.abort();
    expect(await (await ask('/', request())).json()).toMatchObject({ tokens: 8 });
    const { lines } = logPageSchema.parse(
      await (await call(emulator, 'api', '/minifal/logs?text=Wrote&limit=100')).json(),
    );
    const written = lines.map(({ message }) => Number(/^Wrote (\d+) tokens/.exec(message)?.[1]));
    expect(Math.max(...written)).toBeLessThan(2000);
  });
});
