import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { baseImage, engineEnv, isEngineMissing, startContainerEngine } from '../../../test/support/container-engine.ts';
import { connectEngine } from '../../local/docker/connect.ts';
import { ownerOf } from '../../local/docker/labels.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { buildImage } from './image-build.ts';
import { type ImagePython, imagePython, mustBePickledFor } from './image-python.ts';

const signal = new AbortController().signal;

/** What the image of these lines says about its Python: the value, or the code of the refusal. */
async function ask(lines: string): Promise<ImagePython | string> {
  const engine = await connectEngine(engineEnv);
  const owner = ownerOf(testFolder());
  const tag = `minifal-test/${randomUUID()}`;
  const text = `FROM ${baseImage}\n${lines}\n`;
  const source = { kind: 'dockerfile', text, buildArgs: {}, secrets: new Map() } as const;
  const logins = new Map();
  const order = { engine, source, files: [], logins, tag, labels: {}, isFromNothing: false, line: () => {}, signal };
  expect(await buildImage(order)).toBeNull();
  try {
    return await imagePython(engine.api, { image: tag, owner, signal }).catch(({ code }) => String(code));
  } finally {
    await engine.api.send({ method: 'DELETE', path: `/images/${tag}`, query: { force: '1' } });
  }
}

describe.skipIf(isEngineMissing())('the Python of an image', { timeout: 60_000 }, () => {
  beforeAll(startContainerEngine, 600_000);

  it('is the first on its PATH, as it says itself, whatever else it prints and whatever the folder has', async () => {
    const noisy = 'RUN mkdir /work && echo "raise SystemExit(9)" > /work/json.py\nWORKDIR /work';
    expect(await ask(noisy)).toMatchObject({ command: 'python', version: [3, expect.any(Number), expect.any(Number)] });
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
});

it('must be of the minor version that the app was pickled with', () => {
  const python: ImagePython = { command: 'python', version: [3, 11, 2], machine: 'x86_64', libc: 'glibc 2.36' };
  expect(() => mustBePickledFor(python, '3.12')).toThrow(/has Python 3\.11, and the app was sent by Python 3\.12/);
  mustBePickledFor(python, '3.11');
  mustBePickledFor(python, null);
});
