import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseImage, engineEnv, isEngineMissing, startContainerEngine } from '../support/container-engine.ts';
import { call } from '../support/http.ts';
import { imageRegistry, registryLogin } from '../support/image-registry.ts';
import { describeTemplate, templatePlace } from '../support/template-suite.ts';

describe.skipIf(isEngineMissing())('with a container engine', () => {
  const place = templatePlace(async () => {
    await startContainerEngine();
    return { env: engineEnv };
  });
  // No image can be pulled in tests: their own has the Python of this machine.
  describeTemplate('custom-container', place, { set: [`base-image=${baseImage}`] });

  describeTemplate('server-in-container', place, { set: [`base-image=${baseImage}`] });

  describe('with a registry that requires a login', () => {
    let registry: Awaited<ReturnType<typeof imageRegistry>>;
    let image: string;
    beforeAll(async () => {
      registry = await imageRegistry(join(place().folder, 'registry'), { isPrivate: true });
      image = await registry.add(baseImage, 'team/python');
    }, 300_000);
    afterAll(async () => {
      await registry?.close();
    });

    const { username, password } = registryLogin;
    const env = { REGISTRY_USER: username, REGISTRY_PASSWORD: password };
    describeTemplate('private-image', place, { set: () => [`image=${image}`], env });
  });

  it('the app in a container reports billable units, and checks its health', async () => {
    const ask = (path: string, body?: object) =>
      call(place().emulator, 'run', `/local/my-custom-container${path}`, { body });
    const answer = await ask('', { text: 'x'.repeat(1001) });
    expect(answer.headers.get('x-fal-billable-units')).toBe('2');
    expect(await answer.json()).toEqual({ lines: 0, words: 1, bytes: 1001 });
    expect(await (await ask('/health')).json()).toEqual({});
  });
});
