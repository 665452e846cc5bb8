import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ExceptionReport, RunnerAddress } from '../../../engine.ts';
import { watch } from '../../../testing/watch.ts';
import { specFor } from '../../testing/runners.ts';
import { engine, handles, opening, sdk, start, timeout, withUvloop, work } from './bed.ts';

describe('an exception of an app of the real SDK', { timeout }, () => {
  const source = join(sdk, 'apps.py');
  const lines = readFileSync(source, 'utf8').split('\n');
  /** The number of the line that says so in a comment. */
  const raisedIn = (name: string) => lines.findIndex((line) => line.endsWith(`# raises in ${name}`)) + 1;
  const own = ({ exception }: ExceptionReport) => exception.frames.filter(({ isApp }) => isApp);
  // uvicorn closes a connection after an exception, but only once the response has been sent: none is used twice.
  const call = (address: RunnerAddress | null, path: string, requestId: string) =>
    fetch(`http://${address?.host}:${address?.port}${path}`, {
      method: 'POST',
      headers: [
        ...opening(address),
        ['connection', 'close'],
        ['content-type', 'application/json'],
        ['x-fal-request-id', requestId],
      ],
      body: '{"name": "nobody"}',
    });

  it.each([
    ['/', 'KeyError', "'nobody'", 'Faulty.look_up'],
    ['/async', 'OwnError', 'id:secret', 'Faulty.wait'],
    ['/output', 'pydantic_core._pydantic_core.ValidationError', '1 validation error for Output', 'Faulty.wrong_output'],
  ])('in a request is reported once, with its place, and the answer stays as it is: %s', async (path, ...expected) => {
    const runner = start('Faulty');
    const response = await call(await runner.ready, path, 'one');
    expect([response.status, await response.json()]).toEqual([500, { detail: 'Internal Server Error' }]);
    await runner.handle.flushLines();
    const [type, message, name] = expected;
    expect(runner.exceptions).toMatchObject([{ requestId: 'one', exception: { type, phase: 'request' } }]);
    const [report = expect.fail()] = runner.exceptions;
    expect(report.exception.message).toContain(message);
    expect(own(report).at(-1)).toEqual({
      file: source,
      line: raisedIn(name.slice('Faulty.'.length)),
      function: name,
      isApp: true,
    });
    const printed = runner.lines.map(({ text }) => text).join('\n');
    expect(printed).toContain('{"traceback"');
    expect(printed).not.toContain('inside/exceptions.py');
  });

  it('of a stream that has begun is reported, and an intended one is not', async () => {
    const runner = start('Faulty');
    const address = await runner.ready;
    expect((await call(address, '/refused', 'refused')).status).toBe(418);
    expect((await call(address, '/nowhere', 'nowhere')).status).toBe(404);
    const response = await call(address, '/stream', 'two');
    expect(response.status).toBe(200);
    await response.text().catch(() => '');
    await runner.handle.flushLines();
    expect(runner.exceptions).toMatchObject([
      { requestId: 'two', exception: { type: 'OwnError', message: 'after the first piece', phase: 'request' } },
    ]);
    expect(runner.exceptions.flatMap(own).at(-1)?.line).toBe(raisedIn('pieces'));
  });

  it('of each of two requests at once, and of one after the other, is reported with its request', async () => {
    const runner = start('Faulty');
    const address = await runner.ready;
    await Promise.all(['a', 'b'].map((id) => call(address, '/', id)));
    for (const id of ['c', 'd', 'e']) await call(address, '/', id);
    await runner.handle.flushLines();
    expect(runner.exceptions.map(({ requestId }) => requestId).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('in setup() is reported, and the reason names its line', async () => {
    const runner = start('Failing');
    const { reason } = await runner.exited;
    const line = lines.findIndex((text) => text.includes('no weights here')) + 1;
    expect(runner.exceptions).toMatchObject([
      { requestId: null, exception: { type: 'RuntimeError', message: 'no weights here', phase: 'setup' } },
    ]);
    expect(runner.exceptions.flatMap(own).at(-1)).toMatchObject({ file: source, line, function: 'Failing.setup' });
    expect(reason).toContain(`no weights here (${source}, line ${line})`);
  });

  it('of an application without the functions of Starlette is reported from the log of its server', async () => {
    const app = `
import uvicorn
async def answer(scope, receive, send):
    if scope["type"] == "http" and scope["path"] == "/fail":
        raise LookupError("nothing here")
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
def main():
    uvicorn.run(answer, host="0.0.0.0", port=8080)`;
    const runner = watch(engine, specFor(work, app, { environment: withUvloop }));
    handles.push(runner.handle);
    expect((await call(await runner.ready, '/fail', 'q')).status).toBe(500);
    await runner.handle.flushLines();
    expect(runner.exceptions).toMatchObject([{ exception: { type: 'LookupError', message: 'nothing here' } }]);
    expect(runner.exceptions.flatMap(own)).toEqual([
      { file: expect.stringMatching(/app_under_test\.py$/), line: 5, function: 'answer', isApp: true },
    ]);
  });

  it.each([
    ['in its imports', 'import no_such_module\ndef main(): ...', 'ModuleNotFoundError', 1],
    ['in its syntax', 'def main():\n    return (\n', 'SyntaxError', 2],
  ])('%s is reported, and the reason names its line', async (_, app, type, line) => {
    const runner = watch(engine, specFor(work, app, { environment: withUvloop }));
    const { reason } = await runner.exited;
    expect(runner.exceptions).toMatchObject([{ exception: { type, phase: 'import' } }]);
    expect(own(runner.exceptions[0] ?? expect.fail()).at(-1)).toMatchObject({ line });
    expect(reason).toMatch(new RegExp(`app_under_test\\.py, line ${line}\\)$`));
  });

  it('for a module that is missing is reported without a line: no code of the app ran', async () => {
    const runner = start('needy');
    const { reason } = await runner.exited;
    expect(runner.exceptions).toMatchObject([{ exception: { type: 'ModuleNotFoundError', phase: 'import' } }]);
    expect(runner.exceptions.flatMap(own)).toEqual([]);
    expect(reason).toMatch(/No module named 'rich'$/);
  });

  it('of a function is reported as the one that the user raised', async () => {
    const runner = start('divide-by-zero', 'call');
    await runner.ready;
    runner.handle.call();
    await runner.result;
    expect(runner.exceptions).toMatchObject([{ exception: { type: 'OwnError', phase: 'request' } }]);
    expect(runner.exceptions.flatMap(own).at(-1)).toMatchObject({ file: source, function: 'divide' });
  });
});
