import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { baseImage, engineEnv, isEngineMissing, startContainerEngine } from '../../../test/support/container-engine.ts';
import { cutSocket } from '../../../test/support/cut-socket.ts';
import { until } from '../../../test/support/wait.ts';
import { type ContainerEngine, connectEngine } from '../../local/docker/connect.ts';
import { asker, askerLabel, linkLabel, ownerLabel, runnerLabel } from '../../local/docker/labels.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { removeContainer } from './link.ts';
import { networkName } from './network.ts';
import { setUpContainers, shell } from './testing/containers.ts';

const networksSchema = z.array(z.object({ Id: z.string(), Name: z.string() }));

describe.skipIf(isEngineMissing())('runners in containers', { timeout: 60_000 }, () => {
  let api: ContainerEngine['api'];
  beforeAll(async () => {
    await startContainerEngine();
    ({ api } = await connectEngine(engineEnv));
  }, 600_000);

  it('end, and so does the emulator, though the engine no longer answers', async () => {
    const folder = testFolder();
    const socket = await cutSocket(folder);
    const { start, engine } = setUpContainers(socket.env, folder, { answerMs: 300, killMs: 500 });
    const [running, other] = [start(), start()];
    await Promise.all([running.ready, other.ready]);
    socket.hang();
    running.handle.kill();
    expect((await running.exited).reason).toMatch(/container engine has not confirmed/);
    expect((await start().exited).reason).toMatch(/doesn't answer \(ETIMEDOUT\)/);
    await engine.close();
    expect((await other.exited).reason).toMatch(/container engine has not confirmed/);
    await socket.cut();
    const next = setUpContainers(engineEnv, folder);
    await next.start().ready;
    expect(await next.containers()).toHaveLength(1);
  });

  it('end by the machine if they need more memory than they may use', async () => {
    const { start } = setUpContainers();
    const memoryBytes = 64 * 1024 ** 2;
    const [large, small] = [
      start({ cmd: ['python3', '-c', 'bytearray(300_000_000)'] }, { memoryBytes }),
      start({ cmd: ['python3', '-c', 'import os; os.kill(os.getpid(), 9)'] }, { memoryBytes }),
    ];
    expect(await large.exited).toMatchObject({ signal: 'SIGKILL', outOfMemory: true });
    expect(await small.exited).not.toHaveProperty('outOfMemory');
  });

  it('are forgotten when they have ended', async () => {
    const { start } = setUpContainers();
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const runs = async () => {
      const env = { GREETING: 'hello' };
      const { exited, handle } = start(shell('true'), { env });
      await exited;
      await handle.dispose();
      return new WeakRef(env);
    };
    const env = await runs();
    // The last one may still be known to who waits for the next event.
    await runs();
    await until('nothing refers to what the runner had', async () => {
      collect();
      return env.deref() === undefined;
    });
  });

  it('leave alone containers that people make from images of apps', async () => {
    const { start, use } = setUpContainers();
    const labels = { [ownerLabel]: use.owner };
    const theirs = await api.create({
      path: '/containers/create',
      body: { Image: baseImage, Cmd: ['true'], Labels: labels },
    });
    onTestFinished(() => removeContainer(api, theirs));
    await start().ready;
    await api.send({ method: 'GET', path: `/containers/${theirs}/json` });
  });

  it('are removed if an emulator asked for them just before it was killed', async () => {
    const { start, use, containers } = setUpContainers();
    const runner = start();
    await runner.ready;
    const labels = { [ownerLabel]: use.owner, [runnerLabel]: 'late', [linkLabel]: 'of the killed emulator' };
    await api.create({ path: '/containers/create', body: { Image: baseImage, Cmd: ['true'], Labels: labels } });
    await until('only the runner is left', async () => {
      const left = await containers();
      return left.every(({ Labels }) => Labels[runnerLabel] === runner.handle.runnerId);
    });
  });

  it('start when those in which a killed emulator asked an image for its Python are gone', async () => {
    const { start, use, containers } = setUpContainers();
    const create = (by: string) => {
      const body = { Image: baseImage, Cmd: ['true'], Labels: { [ownerLabel]: use.owner, [askerLabel]: by } };
      return api.create({ path: '/containers/create', body });
    };
    const [own, killed] = [await create(asker), await create('a killed emulator')];
    onTestFinished(() => removeContainer(api, own));
    await start().ready;
    const ids = (await containers()).map(({ Id }) => Id);
    expect([ids.includes(own), ids.includes(killed)]).toEqual([true, false]);
  });

  it('start while several networks have the name of theirs, of which the oldest is kept', async () => {
    const filters = JSON.stringify({ name: [networkName] });
    const networks = async () => {
      const found = await api.ask({ method: 'GET', path: '/networks', query: { filters } }, networksSchema);
      return found.filter(({ Name }) => Name === networkName);
    };
    const { start } = setUpContainers();
    await start().ready;
    const [oldest] = await networks();
    // Newer engines refuse a second one.
    const makeAnother = () =>
      api.create({ path: '/networks/create', body: { Name: networkName } }).catch(() => undefined);
    await makeAnother();
    const started = [start().ready, makeAnother(), start().ready, makeAnother(), start().ready];
    await Promise.all(started);
    await start().ready;
    await until('one is left', async () => (await networks()).length === 1);
    expect(await networks()).toEqual([oldest]);
  });
});
