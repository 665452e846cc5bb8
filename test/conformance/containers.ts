import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { imagePython } from '../../emulator/builds/container/image-python.ts';
import { connectEngine } from '../../emulator/local/docker/connect.ts';
import { ownerOf } from '../../emulator/local/docker/labels.ts';
import {
  baseImage,
  engineEnv,
  isEngineMissing,
  startContainerEngine,
  stopContainerEngine,
} from '../support/container-engine.ts';
import { isMissing } from '../support/needs.ts';
import type { PythonTools } from '../support/python.ts';
import { cacheDir } from '../support/root.ts';
import type { Sdk } from './sdks.ts';

/** The tests of a release that run apps in containers, and what they need. */
export interface ContainerTests {
  /** Those that can't run here, with the reason. */
  readonly skipped: { readonly [test: string]: string };
  /** With these variables an emulator finds the engine. */
  readonly env: NodeJS.ProcessEnv;
  end(): Promise<void>;
}

/** Starts a container engine if there can be one, which has the image on which these tests build. */
export async function prepareContainerTests({ folder }: Sdk, { version }: PythonTools): Promise<ContainerTests> {
  const file = join(folder, 'containers.json');
  const tests = existsSync(file) ? z.array(z.string()).parse(JSON.parse(await readFile(file, 'utf8'))) : [];
  const without = (reason: string): ContainerTests => ({
    skipped: Object.fromEntries(tests.map((test) => [test, reason])),
    env: {},
    end: stopContainerEngine,
  });
  if (tests.length === 0) return without('');
  if (isEngineMissing()) return without('needs a Docker engine, which tests can start only as root on Debian');
  process.env.MINIFAL_TEST_RUN ??= String(process.pid);
  await startContainerEngine();
  const minor = version.split('.').slice(0, 2).join('.');
  const own = await basePython();
  const what = `fal's tests of containers: their image has Python ${minor}, and Debian here has ${own}`;
  if (isMissing(own === minor, what)) return without(`needs an image with Python ${minor}`);
  // No image can be pulled here: the tests' own image takes its name.
  const { api } = await connectEngine(engineEnv);
  const query = { repo: 'python', tag: `${minor}-slim` };
  await api.send({ method: 'POST', path: `/images/${baseImage}/tag`, query });
  return { skipped: {}, env: engineEnv, end: stopContainerEngine };
}

/** The version of the Python in the tests' image, such as `3.11`. */
async function basePython(): Promise<string> {
  const { api } = await connectEngine(engineEnv);
  const { signal } = new AbortController();
  const python = await imagePython(api, { image: baseImage, owner: ownerOf(cacheDir), signal });
  return python.version.slice(0, 2).join('.');
}
