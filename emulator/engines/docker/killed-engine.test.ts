import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { baseImage, isEngineMissing, ownEngine, startContainerEngine } from '../../../test/support/container-engine.ts';
import { until } from '../../../test/support/wait.ts';
import { createContainerBuilder } from '../../builds/container/builder.ts';
import { testFunctions } from '../../builds/container/testing/functions.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { createMask } from '../../telemetry/masking/mask.ts';
import { setUpContainers } from './testing/containers.ts';

describe.skipIf(isEngineMissing())('an engine that was killed', { timeout: 180_000 }, () => {
  beforeAll(startContainerEngine, 600_000);

  it('ends runners and builds with a reason, and leaves nothing when it is back', async () => {
    const daemon = await ownEngine();
    const { start, use, containers } = setUpContainers(daemon.env);
    const mask = createMask();
    const functions = testFunctions(testFolder(), mask);
    const builder = createContainerBuilder({ use, clock: () => 1, mask, functions });
    onTestFinished(() => builder.close());
    const lines: string[] = [];
    const build = (command: string) => {
      const image = {
        dockerfile_str: `FROM ${baseImage}\nENV T=${randomUUID()}\nRUN ${command}\n`,
        use_isolate: false,
      };
      const order = { kind: 'container', configuration: { image }, force: false, secretsOf: 'main' };
      return builder.build(order, ({ message }) => lines.push(message));
    };
    const runner = start();
    await runner.ready;
    const building = build('echo begins; sleep 1000');
    await until('the step runs', () => lines.includes('begins'));
    await daemon.kill();
    expect(await runner.exited).toMatchObject({ cause: 'supervisor_lost' });
    expect(await building).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/engine/) });
    expect((await start().exited).reason).toMatch(/doesn't answer/);
    await daemon.restart();
    await until('what the runner left is gone', async () => (await containers(daemon.env)).length === 0);
    const next = start();
    await next.ready;
    expect(await build('true')).toMatchObject({ kind: 'built' });
    const [left] = await containers(daemon.env);
    expect(left?.Labels['minifal.runner']).toBe(next.handle.runnerId);
  });
});
