import { beforeAll, describe, expect, it } from 'vitest';
import { connectEngine } from '../../emulator/local/docker/connect.ts';
import { baseImage, isEngineMissing, ownEngine, startContainerEngine } from './container-engine.ts';
import { remainsOf } from './engine-remains.ts';

describe.skipIf(isEngineMissing())('the Docker engine of the tests', { timeout: 120_000 }, () => {
  beforeAll(startContainerEngine, 600_000);

  it('leaves nothing in the kernel, even if it was killed while a container ran', async () => {
    const engine = await ownEngine();
    const { api } = await connectEngine(engine.env);
    await api.create({ path: '/networks/create', body: { Name: 'another', Driver: 'bridge' } });
    const body = { Image: baseImage, Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: 'another', Init: true } };
    const id = await api.create({ path: '/containers/create', body });
    await api.send({ method: 'POST', path: `/containers/${id}/start` });
    await engine.kill();
    const left = remainsOf(await engine.traces()).join('\n');
    for (const part of [/containerd-shim/, /sleep 1000/, /overlay2.*merged/, /netns/, /link br-/])
      expect(left).toMatch(part);
    await engine.stop();
    expect(remainsOf(await engine.traces())).toEqual([]);
  });
});
