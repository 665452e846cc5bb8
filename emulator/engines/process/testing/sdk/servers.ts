import { describe, expect, it } from 'vitest';
import { watch } from '../../../testing/watch.ts';
import { listeningAddresses } from '../../testing/processes.ts';
import { specFor } from '../../testing/runners.ts';
import { engine, handles, opening, timeout, withUvloop, work } from './bed.ts';

describe('a server that stops after a number of requests', { timeout }, () => {
  const app = `
import uvicorn
async def answer(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
def main():
    uvicorn.run(answer, host="0.0.0.0", port=8080, limit_max_requests=2)`;

  it('does not count or log health checks, and is done after that number, even if it is then ended', async () => {
    const runner = watch(engine, specFor(work, app, { environment: withUvloop }));
    handles.push(runner.handle);
    const address = await runner.ready;
    for (const _ of [1, 2, 3]) expect(await runner.handle.probe(5)).toBe(true);
    for (const _ of [1, 2]) {
      const answer = await fetch(`http://${address?.host}:${address?.port}/called`, {
        headers: [...opening(address), ['connection', 'close']],
      });
      expect(await answer.text()).toBe('ok');
    }
    await runner.line(/Maximum request limit of 2 exceeded/);
    runner.handle.terminate();
    expect(await runner.exited).toMatchObject({ done: true });
    const text = runner.lines.map((line) => line.text).join('\n');
    expect(text.match(/GET \/called/g)).toHaveLength(2);
    expect(text).not.toContain('/health');
  });
});

describe('a server on uvloop', { timeout }, () => {
  it.skipIf(process.platform !== 'linux')('may call its own port past the sockets of Python', async () => {
    const app = `
import asyncio, uvicorn
async def call_itself():
    reader, writer = await asyncio.open_connection("localhost", 8080)
    writer.write(b"GET /inner HTTP/1.0\\r\\n\\r\\n")
    return await reader.read()
async def answer(scope, receive, send):
    if scope["type"] == "http":
        body = b"inner" if scope["path"] == "/inner" else await call_itself()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
def main():
    uvicorn.run(answer, host="0.0.0.0", port=8080)`;
    const runner = watch(engine, specFor(work, app, { environment: withUvloop }));
    handles.push(runner.handle);
    const address = await runner.ready;
    const answer = await fetch(`http://${address?.host}:${address?.port}/`, { headers: opening(address) });
    expect(await answer.text()).toMatch(/200 OK(.|\s)*inner$/);
  });

  it('is kept on loopback and gets its port moved though it binds past the sockets of Python', async () => {
    const app = `
import uvicorn
async def answer(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": type(asyncio.get_running_loop()).__module__.encode()})
import asyncio, os
def main():
    print("pid", os.getpid())
    uvicorn.run(answer, host="0.0.0.0", port=8080)`;
    const runner = watch(engine, specFor(work, app, { environment: withUvloop }));
    handles.push(runner.handle);
    const address = await runner.ready;
    const url = `http://${address?.host}:${address?.port}/`;
    expect(await (await fetch(url, { headers: opening(address) })).text()).toBe('uvloop');
    expect((await fetch(url)).status).toBe(403);
    expect(listeningAddresses(Number((await runner.line(/^pid/)).text.slice(4)))).toEqual([address?.host]);
  });
});
