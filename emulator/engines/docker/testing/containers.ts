import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { baseImage, engineEnv } from '../../../../test/support/container-engine.ts';
import { connectEngine } from '../../../local/docker/connect.ts';
import { labelFilter, ownerLabel } from '../../../local/docker/labels.ts';
import { engineUse } from '../../../local/docker/use.ts';
import { testFolder } from '../../../store/testing/folder.ts';
import type { RunnerAddress, RunnerSpec } from '../../engine.ts';
import { watch } from '../../testing/watch.ts';
import { createDockerEngine } from '../docker-engine.ts';
import type { ContainerImage } from '../image.ts';

const runnerSources = join(import.meta.dirname, '../../../runner');
const server = readFileSync(join(import.meta.dirname, 'server.py'), 'utf8');
const containersSchema = z.array(
  z.object({
    Id: z.string(),
    Labels: z.record(z.string(), z.string()),
    NetworkSettings: z.object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string() })) }),
  }),
);

interface Patience {
  readonly answerMs: number;
  readonly killMs: number;
}

/** An engine of its own, closed after the test, and what it needs for runners. */
export function setUpContainers(
  env: Readonly<Record<string, string>> = engineEnv,
  folder = testFolder(),
  patience?: Patience,
) {
  const use = engineUse(folder, () => connectEngine(env, undefined, undefined, patience?.answerMs));
  const caBundle = join(folder, 'bundle.pem');
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(caBundle, 'certificates');
  const engine = createDockerEngine({
    use,
    runnerSources,
    runnersDir: join(folder, 'runners'),
    tools: join(folder, 'tools'),
    caBundle,
    debuggers: { folder: dataDir, install: async () => folder },
    clock: () => 1,
    ...(patience ? { killMs: patience.killMs } : {}),
  });
  onTestFinished(() => engine.close());
  let runners = 0;

  function spec(environment: Partial<ContainerImage>, more: Partial<RunnerSpec> = {}): RunnerSpec<ContainerImage> {
    runners += 1;
    return {
      runnerId: `runner-${runners}`,
      environment: {
        kind: 'container',
        id: 'hash',
        image: baseImage,
        isPulled: true,
        entrypoint: null,
        cmd: ['python3', '-c', server, '8000'],
        ...environment,
      },
      callable: { kind: 'image' },
      mode: 'serve',
      declaredPort: 8000,
      health: { path: null, method: 'GET', timeoutSeconds: 5 },
      appFiles: [],
      env: { GREETING: 'hello', SSL_CERT_FILE: caBundle },
      dataDir,
      ...(more as object),
    };
  }
  return {
    engine,
    use,
    folder,
    dataDir,
    start: (environment: Partial<ContainerImage> = {}, more: Partial<RunnerSpec> = {}) =>
      watch(engine, spec(environment, more) as RunnerSpec),
    /** The containers of this emulator. */
    async containers(of: typeof env = engineEnv) {
      const query = { all: '1', filters: labelFilter({ [ownerLabel]: use.owner }) };
      const { api } = await connectEngine(of);
      return api.ask({ method: 'GET', path: '/containers/json', query }, containersSchema);
    },
  };
}

export const serving = (mode: string): Partial<ContainerImage> => ({ cmd: ['python3', '-c', server, '8000', mode] });
export const shell = (line: string): Partial<ContainerImage> => ({ cmd: ['/bin/sh', '-c', line] });

export async function ask(address: RunnerAddress | null, path: string): Promise<string> {
  return (await fetch(`http://${address?.host}:${address?.port}${path}`)).text();
}
