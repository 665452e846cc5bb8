import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { z } from 'zod';
import { createVirtualenvBuilder } from '../../../../builds/virtualenv/builder.ts';
import { ensureUv } from '../../../../local/uv/uv.ts';
import { createMask } from '../../../../telemetry/masking/mask.ts';
import type { Engine, RunnerAddress, RunnerSpec } from '../../../engine.ts';
import { passOf } from '../../../pass.ts';
import { watch } from '../../../testing/watch.ts';
import { createProcessEngine } from '../../process-engine.ts';
import { runnerSources, specFor, type WorkFolder, workFolder } from '../../testing/runners.ts';
import type { Virtualenv } from '../../virtualenv.ts';

/** Environments are installed from the package index first. */
export const timeout = 300_000;

export const sdk = import.meta.dirname;

// One engine and its environments for all parts, set before the first test.
export let work: WorkFolder;
export let engine: Engine;
export let client: Virtualenv;
export let environment: Virtualenv;
export let withUvloop: Virtualenv;
export let env: Record<string, string>;
let labels: Server;
let pickles: Record<string, string>;

beforeAll(async () => {
  work = workFolder();
  const uv = () => ensureUv({ toolsDir: join(import.meta.dirname, '../../../../../.tools') });
  const builds = createVirtualenvBuilder({ dataDir: work.root, uv, clock: Date.now, mask: createMask(() => []) });
  const build = async (requirements: string[]): Promise<Virtualenv> => {
    const result = await builds.build(
      { kind: 'virtualenv', configuration: { requirements }, force: false, secretsOf: 'main' },
      () => undefined,
    );
    if (result.kind === 'failed') throw new Error(result.reason);
    return result.environment;
  };
  client = await build(['fal==1.83.0']);
  const printed = z
    .object({ requirements: z.array(z.string()), pickles: z.record(z.string(), z.string()) })
    .parse(
      JSON.parse(execFileSync(client.python, [join(sdk, 'register.py'), join(sdk, 'apps.py'), work.root]).toString()),
    );
  pickles = printed.pickles;
  environment = await build(printed.requirements);
  withUvloop = await build(['uvicorn', 'uvloop']);
  await builds.close();

  // A stand-in for the emulator's api port, without which the SDK's middleware labels nothing.
  labels = new Server();
  const bytes = (value: Buffer) => value;
  labels.addService(
    {
      setMetadata: {
        path: '/Isolate/SetMetadata',
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    },
    { setMetadata: (_: unknown, answer: (error: null, value: Buffer) => void) => answer(null, Buffer.alloc(0)) },
  );
  const port = await new Promise<number>((resolve, reject) => {
    labels.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  env = { NOMAD_ALLOC_PORT_grpc: String(port), FAL_KEY: 'id:secret', FAL_HOST: 'localhost:1' };
  engine = createProcessEngine({ dataDir: work.root, runnerSources, emulatorAddresses: ['127.0.0.1'] });
}, timeout);

afterAll(async () => {
  await engine?.close();
  labels?.forceShutdown();
  work?.remove();
}, timeout);

export const handles: { kill(): void }[] = [];

afterEach(() => {
  for (const handle of handles.splice(0)) handle.kill();
});

export function start(name: string, mode: RunnerSpec<Virtualenv>['mode'] = 'serve') {
  const callable = { kind: 'pickle', method: 'cloudpickle', file: pickles[name] ?? '' } as const;
  const runner = watch(engine, specFor(work, '', { environment, callable, mode, env, appFiles: [] }));
  handles.push(runner.handle);
  return runner;
}

export function opening(address: RunnerAddress | null) {
  return passOf(address ?? { host: '', port: 0 }).map(([name, value]): [string, string] => [name, value]);
}
