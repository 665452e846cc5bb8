import { chmodSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { baseImage, engineEnv, isEngineMissing, startContainerEngine } from '../../../test/support/container-engine.ts';
import { cutSocket } from '../../../test/support/cut-socket.ts';
import { imageRegistry } from '../../../test/support/image-registry.ts';
import { until } from '../../../test/support/wait.ts';
import { connectEngine } from '../../local/docker/connect.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { watchCommand } from '../testing/watch.ts';
import { ask, serving, setUpContainers, shell } from './testing/containers.ts';

describe.skipIf(isEngineMissing())('a runner in a container', { timeout: 60_000 }, () => {
  beforeAll(startContainerEngine, 600_000);

  it('serves at an address of its own on loopback, with its variables, certificates and /data', async () => {
    const { start, dataDir } = setUpContainers();
    const [one, two] = [start(), start()];
    const [first, second] = [await one.ready, await two.ready];
    expect(first?.host).toMatch(/^127\./);
    expect(first).not.toEqual(second);
    expect(await Promise.all([ask(first, '/a'), ask(second, '/b')])).toEqual(['/a', '/b']);
    expect(one.order).toEqual(['started', 'ready']);
    expect([await ask(first, '/env/GREETING'), await ask(first, '/env/SSL_CERT_FILE')]).toEqual([
      'hello',
      '/minifal/ca.pem',
    ]);
    expect(await ask(first, '/read/minifal/ca.pem')).toBe('certificates');
    await ask(first, '/write/data/kept.txt');
    expect(await ask(second, '/read/data/kept.txt')).toBe('written');
    expect(readFileSync(join(dataDir, 'kept.txt'), 'utf8')).toBe('written');
    expect([await one.handle.probe(5), await one.handle.checkTcp()]).toEqual([true, true]);
    await ask(first, '/print/x');
    await Promise.all([one.line(/^printed x$/), one.line(/^warned x$/)]);
    expect(one.lines.find(({ text }) => text === 'warned x')).toMatchObject({ stream: 'stderr', at: 1 });
  });

  it('has its secrets, which the container engine does not know, and so have its commands', async () => {
    const { start, containers, folder } = setUpContainers();
    const env = { TOKEN: 'planted\nsecret-5Qw', FAL_KEY: 'id:planted-key-8Rt', FAL_REGION: 'local' };
    const runner = start({}, { env });
    const address = await runner.ready;
    const get = (name: string) => ask(address, `/env/${name}`);
    expect([await get('TOKEN'), await get('FAL_KEY'), await get('FAL_REGION')]).toEqual(Object.values(env));
    const printed = watchCommand(runner.handle, ['/bin/sh', '-c', 'echo "$TOKEN $FAL_KEY"; sleep 1000']);
    await printed.shows(`${env.TOKEN} ${env.FAL_KEY}`);
    const { api } = await connectEngine(engineEnv);
    const [container] = await containers();
    const inspected = await api.ask({ method: 'GET', path: `/containers/${container?.Id}/json` }, z.looseObject({}));
    const [exec] = z.object({ ExecIDs: z.array(z.string()) }).parse(inspected).ExecIDs;
    const command = await api.ask({ method: 'GET', path: `/exec/${exec}/json` }, z.looseObject({}));
    const shown = JSON.stringify([inspected, command]);
    expect(shown).toContain('FAL_REGION=local');
    expect(shown).not.toContain('planted');
    // The first process took them before anything else ran.
    const socket = connect(join(folder, 'runners', runner.handle.runnerId, 'run', 'variables'));
    expect(await text(socket)).toBe('');
  });

  it('of an image with a user writes to /data, if only the data folder is closed to others', async () => {
    const umask = process.umask(0o077);
    onTestFinished(() => void process.umask(umask));
    const { api } = await connectEngine(engineEnv);
    const container = await api.create({ path: '/containers/create', body: { Image: baseImage, Cmd: ['true'] } });
    const query = { container, changes: 'USER 1234' };
    const image = await api.create({ path: '/commit', query, body: {} });
    onTestFinished(async () => {
      await api.send({ method: 'DELETE', path: `/containers/${container}` });
      await api.send({ method: 'DELETE', path: `/images/${image}` });
    });
    const { start, folder, dataDir } = setUpContainers();
    chmodSync(folder, 0o755);
    const refused = start({ image });
    await refused.line(/image's user 1234 can't write to \/data.*chmod 700/);
    chmodSync(folder, 0o700);
    const address = await start({ image }).ready;
    await ask(address, '/write/data/kept.txt');
    expect(statSync(join(dataDir, 'kept.txt')).uid).toBe(1234);
  });

  it('cannot be reached by other runners', async () => {
    const { start, containers } = setUpContainers();
    const [one, two] = [start(), start()];
    await Promise.all([one.ready, two.ready]);
    const found = await containers();
    const addressOf = (id: string) =>
      found.find(({ Labels }) => Labels['minifal.runner'] === id)?.NetworkSettings.Networks.minifal?.IPAddress ?? '';
    const reaches = (address: string) =>
      watchCommand(one.handle, [
        'python3',
        '-c',
        `import socket; socket.create_connection(("${address}", 8000), timeout=1)`,
      ]).exit;
    expect(await reaches(addressOf(one.handle.runnerId))).toBe(0);
    expect(await reaches(addressOf(two.handle.runnerId))).toBe(1);
  });

  it('ends by SIGTERM, after it has finished if it handles that, or by SIGKILL', async () => {
    const { start } = setUpContainers();
    const [plain, finishing, deaf] = [start(), start(serving('finish')), start(serving('deaf'))];
    const address = (await Promise.all([plain.ready, finishing.ready, deaf.ready]))[2];
    for (const { handle } of [plain, finishing, deaf]) handle.terminate();
    const reason = 'The runner ended by SIGTERM, as requested.';
    expect(await plain.exited).toEqual({ code: null, signal: 'SIGTERM', reason });
    expect(await finishing.exited).toMatchObject({ code: 0, signal: null });
    expect(finishing.lines.at(-1)?.text).toBe('finished');
    expect(await ask(address ?? null, '/still')).toBe('/still');
    deaf.handle.kill();
    expect(await deaf.exited).toMatchObject({ signal: 'SIGKILL', reason: expect.stringMatching(/as requested/) });
    expect([await deaf.handle.probe(5), await deaf.handle.checkTcp()]).toEqual([false, false]);
  });

  it('ends on its own with its exit code, or by a signal that nobody requested', async () => {
    const { start } = setUpContainers();
    const [leaving, dying] = [start(), start()];
    await ask(await leaving.ready, '/exit/3').catch(() => undefined);
    expect(await leaving.exited).toMatchObject({ code: 3, reason: expect.stringContaining('code 3') });
    await ask(await dying.ready, '/die').catch(() => undefined);
    expect((await dying.exited).reason).toMatch(/died with <Signals\.SIGKILL: 9>\.`$/);
    const failing = start(shell('echo begins; python3 -c "raise RuntimeError(\'no weights\')"'));
    expect((await failing.exited).reason).toMatch(/before it was ready; the last exception: RuntimeError: no weights/);
    expect(failing.lines.map(({ text }) => text)).toEqual(
      expect.arrayContaining(['begins', 'RuntimeError: no weights']),
    );
  });

  it('says why no request reaches its server, which listens on loopback or on another port', async () => {
    const { start } = setUpContainers();
    const serve = (...more: readonly string[]) => start({ cmd: ['python3', '-m', 'http.server', ...more] });
    const [hidden, elsewhere] = [serve('--bind', '127.0.0.1', '8000'), serve('3000')];
    await hidden.line(/^minifal: The server listens on port 8000 of .* loopback address only/);
    // It may be the first of several, so the reason is given when the start is given up.
    await elsewhere.line(/^Serving HTTP on/);
    elsewhere.handle.kill();
    await elsewhere.line(/^minifal: No server listens on port 8000, .* one on port 3000/);
  });

  it('refuses a debugger, says so, and does not wait for one', async () => {
    const { start } = setUpContainers();
    const runner = start({}, { waitsForDebugger: true });
    await runner.ready;
    await runner.line(/^minifal: The runner doesn't wait for a debugger: minifal can't debug an image/);
    const adapter = { port: 1, token: 'x' };
    const text = expect.stringMatching(/can't debug an image that runs as it is.*a class of fal.App/);
    expect(await runner.handle.debug(adapter)).toEqual({ ok: false, code: 'unsupported', text });
    runner.handle.undebug();
    runner.handle.kill();
    await runner.exited;
    expect(await runner.handle.debug(adapter)).toMatchObject({ code: 'runner_ended' });
  });

  it('cannot have a port of the emulator', async () => {
    const { start } = setUpContainers();
    const isolated = { command: 'python3', runner: '/', pythonOptions: [], firstPaths: [], extraPaths: [] };
    const asItIs = start({}, { env: { FAL_RUN_HOST: 'localhost:8000' } });
    const metrics = start({ isolated }, { env: { NOMAD_ALLOC_PORT_grpc: '9090' } });
    const refused = (port: number) => new RegExp(`needs port ${port}, .*another --port.*PORT_OF_EMULATOR`, 's');
    expect((await asItIs.exited).reason).toMatch(refused(8000));
    expect((await metrics.exited).reason).toMatch(refused(9090));
  });

  it('that cannot start says why, and leaves no container', async () => {
    const { start, containers } = setUpContainers();
    const missing = start({ cmd: ['no-such-program'] });
    const early = start();
    early.handle.kill();
    expect((await early.exited).reason).toBe('The runner was stopped before it started.');
    const unported = start({}, { declaredPort: undefined } as object);
    expect((await unported.exited).reason).toMatch(/on which port.*no EXPOSE.*`exposed_port`.*PORT_UNKNOWN/s);
    const gone = start({ image: 'minifal/none:1', isPulled: undefined } as object);
    expect((await gone.exited).reason).toMatch(/was removed.*Deploy the app again/);
    expect((await missing.exited).reason).toMatch(/no-such-program|exited with code 127/);
    for (const { handle } of [missing, early, unported, gone]) await handle.dispose();
    expect(await containers()).toEqual([]);
  });

  it('has lines of any length, and those without an end', async () => {
    const { start } = setUpContainers();
    const printing = start(
      shell(`python3 -c "print('x' * 200000); print('ä' * 70000, end='')"; echo ' end'; sleep 0.1; printf rest`),
    );
    await printing.exited;
    const texts = printing.lines.map(({ text }) => text);
    expect(texts.join('')).toBe(`${'x'.repeat(200_000)}${'ä'.repeat(70_000)} endrest`);
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(64 * 1024);
  });

  it('runs commands, which end with their exit code, by kill, or with it', async () => {
    const { start } = setUpContainers();
    const runner = start();
    const { handle } = runner;
    const early = watchCommand(handle, ['echo', 'hello']);
    expect([await early.exit, early.seen.out]).toEqual([0, 'hello\n']);
    const echo = watchCommand(handle, ['/bin/sh', '-c', 'echo $GREETING; echo bad >&2; cat; exit 3']);
    echo.type('typed');
    echo.session.closeInput();
    expect([await echo.exit, echo.seen]).toMatchObject([3, { out: 'hello\ntyped', err: 'bad\n' }]);
    expect(await watchCommand(handle, ['no-such-command']).exit).toBe(127);
    const full = watchCommand(handle, ['/bin/sh', '-c', 'wc -c']);
    expect(full.session.write(Buffer.alloc(64 * 1024, 'a'))).toBe(false);
    await until('there is room again', () => full.seen.drained > 0);
    full.session.closeInput();
    expect([await full.exit, full.seen.out]).toEqual([0, '65536\n']);
    const terminal = watchCommand(handle, null, { tty: true });
    terminal.session.resize({ rows: 33, columns: 44 });
    terminal.type('stty size; exit 5\n');
    expect(await terminal.exit).toBe(5);
    expect(terminal.seen.out).toContain('33 44');
    const killed = watchCommand(handle, ['/bin/sh', '-c', 'echo begins; sleep 1000; echo over']);
    await killed.shows('begins');
    killed.session.kill();
    expect([await killed.exit, killed.seen.out]).toEqual([137, 'begins\n']);
    const other = watchCommand(handle, ['sleep', '1000']);
    handle.kill();
    expect([await other.exit, other.withRunner]).toEqual([137, [true]]);
    await runner.exited;
    expect(await watchCommand(handle, ['echo']).exit).toBe(137);
  });

  it('runs commands in a terminal also if its image has no shell', async () => {
    const { start } = setUpContainers();
    const { handle, ready } = start();
    await ready;
    expect(await watchCommand(handle, ['rm', '/bin/sh']).exit).toBe(0);
    const asking = watchCommand(handle, ['python3', '-c', 'print("got", input())'], { tty: true });
    asking.type('typed\n');
    expect([await asking.exit, asking.seen.out]).toEqual([0, 'typed\r\ngot typed\r\n']);
    expect(await watchCommand(handle, ['no-such-command'], { tty: true }).exit).toBe(127);
  });

  it('is removed by the next emulator when its own was killed', async () => {
    const { start, containers, folder } = setUpContainers();
    const orphan = start();
    await orphan.ready;
    expect(await containers()).toHaveLength(1);
    const next = setUpContainers(engineEnv, folder);
    expect((await orphan.exited).signal).toBe('SIGKILL');
    await until('its container is gone', async () => (await next.containers()).length === 0);
  });

  it('ends when the engine is gone, and others start when it is back', async () => {
    const folder = testFolder();
    const socket = await cutSocket(folder);
    const { start, containers } = setUpContainers(socket.env, folder);
    const runner = start();
    await runner.ready;
    await socket.cut();
    expect(await runner.exited).toMatchObject({
      cause: 'supervisor_lost',
      reason: expect.stringMatching(/stopped or restarted/),
    });
    expect((await start().exited).reason).toMatch(/doesn't answer/);
    await socket.listen();
    const next = start();
    await next.ready;
    expect((await containers()).map(({ Labels }) => Labels['minifal.runner'])).toEqual([next.handle.runnerId]);
  });

  it('pulls an image that the engine does not have, and reports how much has arrived', async () => {
    const { start, folder } = setUpContainers();
    const registry = await imageRegistry(join(folder, 'registry'), { isPrivate: false });
    onTestFinished(registry.close);
    const runner = start({ image: registry.reference, ...shell('cat content >/dev/null; echo here') });
    await runner.line(/^here$/);
    await runner.exited;
    expect(runner.order[0]).toBe('pulling');
    expect(runner.order.indexOf('started')).toBeGreaterThan(runner.order.lastIndexOf('pulling'));
    const unknown = start({ image: `${registry.host}/none:1` });
    expect((await unknown.exited).reason).toMatch(/manifest unknown|not found/);
  });
});
