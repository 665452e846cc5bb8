import { describe, expect, it } from 'vitest';
import { watch } from '../../../testing/watch.ts';
import { specFor } from '../../testing/runners.ts';
import { engine, handles, opening, start, timeout, withUvloop, work } from './bed.ts';

describe('the steps of a start', { timeout }, () => {
  it('of an app of the SDK are reported in order, and end with its first request', async () => {
    const runner = start('Talker');
    const address = await runner.ready;
    expect(runner.steps.map(({ step }) => step)).toEqual(['code', 'loaded', 'setup', 'setUp']);
    const call = () =>
      fetch(`http://${address?.host}:${address?.port}/`, {
        method: 'POST',
        headers: [
          ...opening(address),
          ['content-type', 'application/json'],
          ['x-fal-request-id', 'first'],
          ['x-fal-endpoint', '/'],
        ],
        body: JSON.stringify({ name: 'ada' }),
      });
    // It answers two requests at once, and none alone.
    for (const answer of await Promise.all([call(), call()])) expect(answer.status).toBe(200);
    await expect
      .poll(() => runner.steps.map(({ step }) => step))
      .toEqual(['code', 'loaded', 'setup', 'setUp', 'called']);
    // setup() writes nothing large; `[debug] Python packages installed` and its own line are written in it.
    if (process.platform === 'linux') expect(runner.steps[3]?.written).toBeGreaterThan(0);
  });

  it('say which modules were imported in each, by what those took themselves', async () => {
    const text = `
import uvicorn, slow_outer
async def answer(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        import late
        open("weights", "wb").write(bytes(5_000_000))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
def main():
    uvicorn.run(answer, host="0.0.0.0", port=8080, lifespan="on")`;
    const files = {
      'app_under_test.py': text,
      'slow_outer.py': 'import time, slow_inner.part\ntime.sleep(0.1)',
      'slow_inner/__init__.py': 'import time\ntime.sleep(0.2)',
      'slow_inner/part.py':
        'import time\ntime.sleep(0.2)\ntry:\n    import there_is_none\nexcept ImportError:\n    pass',
      'late.py': 'import time\ntime.sleep(0.1)',
    };
    const runner = watch(engine, specFor(work, '', { environment: withUvloop, appFiles: work.app(files) }));
    handles.push(runner.handle);
    await runner.ready;
    const [code, loaded, setup, setUp] = runner.steps;
    expect(code?.imports.count).toBe(0);
    const own = loaded?.imports.modules.filter(({ name }) => name.startsWith('slow')) ?? [];
    expect(own).toMatchObject([
      { name: 'slow_inner', count: 2 },
      { name: 'slow_outer', count: 1 },
    ]);
    expect(own.map(({ ms }) => Math.floor(ms / 100))).toEqual([4, 1]);
    expect(setup?.imports.modules.map(({ name }) => name)).not.toContain('late');
    expect(setUp?.imports.modules).toMatchObject([{ name: 'late', count: 1 }]);
    expect(setUp?.installed).toEqual([]);
    if (process.platform === 'linux') expect(setUp?.written).toBeGreaterThanOrEqual(5_000_000);
  });
});
