import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe } from 'vitest';
import { z } from 'zod';
import { baseImage, engineEnv, isEngineMissing, startContainerEngine } from '../../../test/support/container-engine.ts';
import { connectEngine } from '../../local/docker/connect.ts';
import { labelFilter, ownerLabel } from '../../local/docker/labels.ts';
import { engineUse } from '../../local/docker/use.ts';
import type { Engine, RunnerSpec } from '../engine.ts';
import { describeEngine, type EngineBed } from '../testing/conformance.ts';
import { createDockerEngine } from './docker-engine.ts';
import type { ContainerImage } from './image.ts';

const runnerSources = join(import.meta.dirname, '../../runner');
const apps = readFileSync(join(import.meta.dirname, '../testing/apps.py'), 'utf8');
const containersSchema = z.array(z.object({ Id: z.string() }));
let runners = 0;

type Environment = Pick<ContainerImage, 'cmd' | 'isolated'>;

/** @param environment what runs this function of apps.py; `folder`: a folder of the bed */
function open(environment: (entry: string, folder: string) => Environment): EngineBed {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-engine-'));
  const inFolder = (name: string) => join(folder, name);
  for (const name of ['runners', 'data', 'files', 'debuggers']) mkdirSync(inFolder(name));
  writeFileSync(inFolder('bundle.pem'), 'certificates');
  const use = engineUse(folder, () => connectEngine(engineEnv));
  const engine = createDockerEngine({
    use,
    runnerSources,
    runnersDir: inFolder('runners'),
    tools: inFolder('tools'),
    caBundle: inFolder('bundle.pem'),
    debuggers: { folder: inFolder('debuggers'), install: async () => inFolder('debuggers') },
  });
  let files = 0;
  return {
    engine: engine as Engine,
    spec(entry, rest = {}) {
      const spec: RunnerSpec<ContainerImage> = {
        runnerId: `runner-${runners++}`,
        environment: {
          kind: 'container',
          id: 'hash',
          image: baseImage,
          isPulled: true,
          entrypoint: null,
          ...environment(entry, folder),
        },
        callable: { kind: 'entrypoint', name: `app_under_test:${entry}` },
        mode: 'serve',
        declaredPort: 8080,
        health: { path: null, method: 'GET', timeoutSeconds: 5 },
        appFiles: [],
        env: {},
        dataDir: inFolder('data'),
      };
      return { ...spec, ...rest };
    },
    file(bytes) {
      const path = inFolder(`files/${files++}`);
      writeFileSync(path, bytes);
      return path;
    },
    async left() {
      const { api } = await connectEngine(engineEnv);
      const query = { all: '1', filters: labelFilter({ [ownerLabel]: use.owner }) };
      const containers = await api.ask({ method: 'GET', path: '/containers/json', query }, containersSchema);
      return [...containers.map(({ Id }) => `container ${Id}`), ...readdirSync(inFolder('runners'))];
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A function of the SDK on the image's own Python. */
function isolated(_entry: string, folder: string): Environment {
  writeFileSync(join(folder, 'files', 'app_under_test.py'), apps);
  const paths = { runner: runnerSources, pythonOptions: [], firstPaths: [], extraPaths: [join(folder, 'files')] };
  return { cmd: null, isolated: { command: 'python3', ...paths } };
}

/** The image is run as it is. */
function asItIs(entry: string): Environment {
  const main = 'import contextvars\nisolate_log_context = contextvars.ContextVar("not read")\nglobals()[sys.argv[1]]()';
  return { cmd: ['python3', '-c', `${apps}\n${main}`, entry] };
}

const noSdk = 'the code of the SDK says to which request a line belongs, and such an image has none';
const noFunction = 'an image as it is has no function of the SDK';

describe.skipIf(isEngineMissing())('in containers', { timeout: 60_000 }, () => {
  beforeAll(startContainerEngine, 600_000);
  describeEngine('functions in an image', () => open(isolated));
});

// In the short form, docker-engine.test.ts shows the same of images as they are with fewer containers.
describe.skipIf(isEngineMissing() || !process.env.MINIFAL_SLOW)('in containers', { timeout: 60_000 }, () => {
  beforeAll(startContainerEngine, 600_000);
  describeEngine('an image as it is', () => open(asItIs), {
    'reports its lines with their request': noSdk,
    'waits for its call, and returns its value in a file until it is disposed of': noFunction,
    'that raises returns the exception': noFunction,
    'that cannot be loaded is refused with a sentence': noFunction,
  });
});
