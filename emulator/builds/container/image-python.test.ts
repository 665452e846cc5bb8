import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { baseImage, engineEnv, isEngineMissing, startContainerEngine } from '../../../test/support/container-engine.ts';
import { type ContainerEngine, connectEngine } from '../../local/docker/connect.ts';
import { findImage } from '../../local/docker/images.ts';
import { labelFilter, ownerLabel, ownerOf } from '../../local/docker/labels.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { buildImage } from './image-build.ts';
import { type ImagePython, imagePython, imagePythons, mustBePickledFor } from './image-python.ts';

const signal = new AbortController().signal;

type Asked = Parameters<typeof imagePython>[1];

/** Runs `use` with an image of these lines. */
async function withImage<T>(lines: string, use: (engine: ContainerEngine, order: Asked) => Promise<T>): Promise<T> {
  const engine = await connectEngine(engineEnv);
  const owner = ownerOf(testFolder());
  const tag = `minifal-test/${randomUUID()}`;
  const text = `FROM ${baseImage}\n${lines}\n`;
  const source = { kind: 'dockerfile', text, buildArgs: {}, secrets: new Map() } as const;
  const logins = new Map();
  const order = { engine, source, files: [], logins, tag, labels: {}, isFromNothing: false, line: () => {}, signal };
  expect(await buildImage(order)).toBeNull();
  try {
    return await use(engine, { image: tag, owner, signal });
  } finally {
    await engine.api.send({ method: 'DELETE', path: `/images/${tag}`, query: { force: '1' } });
  }
}

/** What the image of these lines says about its Python: the value, or the code of the refusal. */
function ask(lines: string): Promise<ImagePython | string> {
  return withImage(lines, ({ api }, order) => imagePython(api, order).catch(({ code }) => String(code)));
}

/** The volumes that no container uses. */
async function volumes(): Promise<readonly string[]> {
  const { api } = await connectEngine(engineEnv);
  const query = { filters: JSON.stringify({ dangling: ['true'] }) };
  const schema = z.object({ Volumes: z.array(z.object({ Name: z.string() })).nullable() });
  const { Volumes } = await api.ask({ method: 'GET', path: '/volumes', query }, schema);
  return (Volumes ?? []).map(({ Name }) => Name);
}

describe.skipIf(isEngineMissing())('the Python of an image', { timeout: 60_000 }, () => {
  beforeAll(startContainerEngine, 600_000);

  it('is the first on its PATH, as it says itself, whatever else it prints and whatever the folder has', async () => {
    const noisy = 'RUN mkdir /work && echo "raise SystemExit(9)" > /work/json.py\nWORKDIR /work';
    expect(await ask(noisy)).toMatchObject({ command: 'python', version: [3, expect.any(Number), expect.any(Number)] });
    const before = await volumes();
    expect(await ask('VOLUME /cache')).toMatchObject({ command: 'python' });
    expect(await volumes()).toEqual(before);
    const other =
      'RUN mkdir /own && printf "#!/bin/sh\\necho words\\nexec /usr/bin/python3 \\"\\$@\\"\\n" > /own/python';
    expect(await ask(`${other} && chmod 755 /own/python\nENV PATH=/own:/usr/bin:/bin`)).toMatchObject({
      libc: expect.stringMatching(/glibc/),
    });
  });

  it('is refused if there is none, or if it is too old', async () => {
    expect(await ask('ENV PATH=/nowhere')).toBe('IMAGE_PYTHON_MISSING');
    const old = 'import sys; sys.version_info = (3, 8, 1, "final", 0)';
    const lines = `RUN echo '${old}' > /usr/lib/python3/dist-packages/old.pth`;
    expect(await ask(lines)).toBe('IMAGE_PYTHON_OLD');
  });

  it('is refused if it hangs, and leaves no container', async () => {
    const hang = 'printf "#!/bin/sh\\nsleep 1000\\n"';
    const lines = `RUN mkdir /own && ${hang} > /own/python && cat /own/python > /own/python3 && chmod 755 /own/*`;
    await withImage(`${lines}\nENV PATH=/own:/bin`, async (engine, order) => {
      const asked = imagePython(engine.api, { ...order, answerMs: 500 });
      await expect(asked).rejects.toMatchObject({
        code: 'IMAGE_PYTHON_MISSING',
        message: expect.stringMatching(/`python` answered: nothing within 0\.5 seconds; `python3` answered: nothing/),
      });
      const query = { all: '1', filters: labelFilter({ [ownerLabel]: order.owner }) };
      expect(await engine.api.ask({ method: 'GET', path: '/containers/json', query }, z.array(z.unknown()))).toEqual(
        [],
      );
    });
  });

  it('is asked once for each image', async () => {
    await withImage('ENV ONE=1', async ({ api }, order) => {
      const pythonOf = imagePythons();
      const image = (await findImage(api, order.image))?.id ?? '';
      const first = await pythonOf(api, { ...order, image });
      const nobody = { ...api, create: () => Promise.reject(new Error('asked again')) };
      expect(await pythonOf(nobody, { ...order, image })).toBe(first);
      await expect(pythonOf(nobody, order)).rejects.toThrow('asked again');
    });
  });
});

it('must be of the minor version that the app was pickled with', () => {
  const python: ImagePython = { command: 'python', version: [3, 11, 2], machine: 'x86_64', libc: 'glibc 2.36' };
  expect(() => mustBePickledFor(python, '3.12')).toThrow(/has Python 3\.11, and the app was sent by Python 3\.12/);
  mustBePickledFor(python, '3.11');
  mustBePickledFor(python, null);
});
