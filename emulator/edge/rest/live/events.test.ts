import { describe, expect, it } from 'vitest';
import { demo } from '../testing/demo.ts';
import { restServer } from '../testing/rest.ts';

describe('/minifal/events', () => {
  it('needs the key, and streams events with a cursor', async () => {
    const server = await restServer();
    server.fleet.waiting = () => [];
    server.rooms.catalog.putAlias(demo);
    expect((await fetch(server.url('/minifal/events'))).status).toBe(401);
    const headers = { authorization: server.authorization };
    const response = await fetch(server.url('/minifal/events'), { headers });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const first = await reader?.read();
    expect(first?.value).toMatch(/^event: state\nid: \w+\.\d+\ndata: \{.*"alias":"demo".*\}\n\n$/);
    const [, id = ''] = /id: (\S+)/.exec(first?.value ?? '') ?? [];
    await reader?.cancel();
    server.rooms.catalog.putAlias({ ...demo, name: 'other' });
    const again = await fetch(server.url(`/minifal/events?cursor=${id}`), { headers });
    const next = again.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await next?.read())?.value).toMatch(/^event: change\nid: \w+\.\d+\ndata: \{"apps":\[\{"alias":"other"/);
    await next?.cancel();
  });
});
