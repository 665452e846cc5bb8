import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  baseImage,
  engineEnv,
  engineLog,
  isEngineMissing,
  startContainerEngine,
} from '../../../test/support/container-engine.ts';
import { cutSocket } from '../../../test/support/cut-socket.ts';
import { imageRegistry, registryLogin, registryUsers } from '../../../test/support/image-registry.ts';
import { until } from '../../../test/support/wait.ts';
import { removeContainer } from '../../engines/docker/link.ts';
import { type ContainerEngine, connectEngine } from '../../local/docker/connect.ts';
import { findImage } from '../../local/docker/images.ts';
import { ownerLabel } from '../../local/docker/labels.ts';
import { engineUse } from '../../local/docker/use.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { createMask } from '../../telemetry/masking/mask.ts';
import { UserError } from '../../wire/errors.ts';
import type { ContextFile } from '../types.ts';
import { createContainerBuilder } from './builder.ts';
import { testFunctions } from './testing/functions.ts';
import { removeUnusedImages } from './unused.ts';

/** Begins a Dockerfile of which the engine has no step in its cache, not even from an earlier run of the tests. */
const newBase = () => `FROM ${baseImage}\nENV TEST=${randomUUID()}`;

const connect = () => connectEngine(engineEnv);

const tagsSchema = z.array(z.object({ RepoTags: z.array(z.string()).nullish() }));

/** A builder of its own, whose images are removed after the test. */
function setUp(connected: () => Promise<ContainerEngine> = connect) {
  const folder = testFolder();
  const use = engineUse(folder, connected);
  const mask = createMask();
  const functions = testFunctions(folder, mask);
  const builder = createContainerBuilder({ use, clock: () => 1, mask, functions, againMs: 50 });
  onTestFinished(async () => {
    await builder.close();
    const engine = await use.engine().catch(() => undefined);
    if (engine) await removeUnusedImages(engine.api, use.owner, []);
  });
  const lines: string[] = [];
  return {
    folder,
    use,
    lines,
    file(relativePath: string, content: string): ContextFile {
      const hash = createHash('sha256').update(content).digest('hex');
      const source = join(folder, hash);
      writeFileSync(source, content);
      return { hash, relativePath, source, mode: 0o100644 };
    },
    build(image: object, more: { files?: readonly ContextFile[]; force?: boolean; signal?: AbortSignal } = {}) {
      const { files = [], force = false, signal } = more;
      const configuration = { image: { use_isolate: false, ...image } };
      const order = { kind: 'container', configuration, force, secretsOf: 'main', files };
      return builder.build(order, ({ message }) => lines.push(message), signal);
    },
  };
}

/** All that the engine knows of an image, its layers included, as text. */
async function contentsOf(engine: ContainerEngine, image: string): Promise<string> {
  const chunks: Buffer[] = [];
  for (const path of [`/images/${image}/json`, `/images/${image}/history`, `/images/${image}/get`])
    for await (const chunk of await engine.api.stream({ method: 'GET', path })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1');
}

describe.skipIf(isEngineMissing())('an image of an app', { timeout: 120_000 }, () => {
  beforeAll(startContainerEngine, 600_000);

  it('is built from its Dockerfile, files and arguments, and then found', async () => {
    const { build, file, lines } = setUp();
    const dockerfile = `${newBase()}\nARG WHO\nCOPY pkg/data.txt /data.txt\nRUN echo $WHO has $(cat /data.txt)\n`;
    const image = { dockerfile_str: dockerfile, build_args: { WHO: 'Ann' } };
    const first = await build(image, { files: [file('pkg/data.txt', 'apples')] });
    expect(first).toMatchObject({ kind: 'built', cached: false, environment: { kind: 'container' } });
    const at = (text: RegExp) => lines.findIndex((line) => text.test(line));
    expect(lines[0]).toMatch(/^Building the image with Docker /);
    expect(at(/^Ann has apples$/)).toBeGreaterThan(at(/^\[\S*\s*3\/3\] RUN echo/));
    expect(lines.join('\n')).not.toContain('[internal]');

    lines.length = 0;
    const again = await build(image, { files: [file('pkg/data.txt', 'apples')] });
    expect(again).toEqual({ ...first, cached: true });
    expect(lines).toEqual([]);

    const other = await build(
      { ...image, dockerfile_str: `${dockerfile}RUN true\n` },
      { files: [file('pkg/data.txt', 'apples')] },
    );
    expect(other.kind === 'built' && first.kind === 'built' && other.environment.id !== first.environment.id).toBe(
      true,
    );
    expect(lines.filter((line) => line.endsWith('(from the cache)'))).toHaveLength(2);

    lines.length = 0;
    await build(image, { files: [file('pkg/data.txt', 'apples')], force: true });
    expect(lines).toContain('Ann has apples');
  });

  it('that is built again while it is in use is removed when it is not, and never without a name', async () => {
    const { build, use } = setUp();
    const dockerfile = { dockerfile_str: `${newBase()}\nRUN cat /proc/sys/kernel/random/uuid > /once\n` };
    const first = await build(dockerfile);
    const name = first.kind === 'built' ? first.environment.image : '';
    const { api } = await use.engine();
    const before = await findImage(api, name);
    const body = { Image: before?.id, Cmd: ['true'] };
    const container = await api.create({ path: '/containers/create', body });
    onTestFinished(() => removeContainer(api, container));
    await build({ ...dockerfile }, { force: true });
    expect((await findImage(api, name))?.id).not.toBe(before?.id);
    const tags = async (dangling: boolean) => {
      const query = {
        filters: JSON.stringify({ label: [`${ownerLabel}=${use.owner}`], dangling: [String(dangling)] }),
      };
      return (await api.ask({ method: 'GET', path: '/images/json', query }, tagsSchema)).flatMap(
        (one) => one.RepoTags ?? [],
      );
    };
    expect([await tags(true), (await tags(false)).toSorted()]).toEqual([
      [],
      [name, expect.stringMatching(`^${name}-replaced-`)],
    ]);
    await removeContainer(api, container);
    // The engine removes an image after its last name.
    await until('the old image is gone', async () => (await findImage(api, before?.id ?? '')) === undefined);
    expect([await tags(true), await tags(false)]).toEqual([[], [name]]);
  });

  it('does not contain its build secrets or the password of its registry, and nothing prints them', async () => {
    const { build, folder, lines, use } = setUp();
    const registry = await imageRegistry(join(folder, 'registry'), { isPrivate: true });
    onTestFinished(registry.close);
    const secret = 'planted-build-secret-81';
    const built = await build({
      dockerfile_str: `FROM ${registry.reference}\nRUN --mount=type=secret,id=TOKEN cat /run/secrets/TOKEN\n`,
      secrets: { TOKEN: secret },
      registries: { [`http://${registry.host}/v2/`]: registryLogin },
    });
    expect(built).toMatchObject({ kind: 'built' });
    expect(lines).toContain('********');
    const image = built.kind === 'built' ? built.environment.image : '';
    const texts = [lines.join('\n'), await contentsOf(await use.engine(), image), readFileSync(engineLog, 'utf8')];
    for (const text of texts) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(registryLogin.password);
    }
    const wrong = await build({
      dockerfile_str: `FROM ${registry.reference}\nRUN true\n`,
      registries: { [registry.host]: { username: 'tester', password: 'not-this-one-2b' } },
    });
    expect(wrong).toMatchObject({ kind: 'failed', reason: expect.stringContaining('401 Unauthorized') });
    expect(JSON.stringify(wrong)).not.toContain('not-this-one-2b');
  });

  it('is pulled with its login, or asked for if it needs none', async () => {
    const { build, folder, lines } = setUp();
    const registry = await imageRegistry(join(folder, 'registry'), { isPrivate: true });
    onTestFinished(registry.close);
    const registries = { [registry.host]: registryLogin };
    const withPassword = (password: string | null) => ({ [registry.host]: { username: 'tester', password } });
    const reference = { image: registry.reference };
    const refusal = (reason: RegExp) => ({ kind: 'failed', reason: expect.stringMatching(reason) });
    expect(await build(reference)).toMatchObject(refusal(/no basic auth credentials/));
    expect(await build({ ...reference, registries: withPassword('wrong-one-4c') })).toMatchObject(
      refusal(/unauthorized/i),
    );
    expect(await build({ ...reference, registries: withPassword(null) })).toMatchObject(
      refusal(/Deploy the app again/),
    );
    expect(await build({ image: `${registry.host}/none:1`, registries })).toMatchObject(
      refusal(/manifest unknown|not found/),
    );
    for (const username of registryUsers) {
      await registry.forget();
      const built = await build({ ...reference, registries: { [registry.host]: { ...registryLogin, username } } });
      const environment = { image: registry.reference, isPulled: true };
      expect(built).toMatchObject({ kind: 'built', cached: false, environment });
    }
    expect(lines.at(-1)).toMatch(/^Pulling .*: 100 %$/);
    expect(await build(reference)).toMatchObject({ kind: 'built', cached: true });
    await registry.forget();
  });

  it.each([
    ['a command that fails', `${newBase()}\nRUN echo no space; exit 4\n`, /exit code: 4/],
    ['an unknown instruction', `${newBase()}\nRAN x\n`, /unknown instruction: RAN/],
    [
      'a file of an indented COPY',
      `\n  ${newBase()}\n  COPY a.txt /a\n`,
      /a\.txt.*not found.*\n.*remove the indentation/s,
    ],
    [
      "the app's own file",
      `${newBase()}\nCOPY app.py /app.py\n`,
      /app\.py.*not found.*\n.*never uploads the app's own/s,
    ],
    [
      'a file of a mount',
      `${newBase()}\nRUN --mount=type=bind,source=a.txt,target=/a cat /a\n`,
      /a\.txt.*not found.*\n.*not those of RUN --mount/s,
    ],
    [
      'a required secret that is not given',
      `${newBase()}\nRUN --mount=type=secret,id=NONE,required=true true\n`,
      /NONE/,
    ],
  ])('names the reason of a failure: %s', async (_name, dockerfile, reason) => {
    const { build } = setUp();
    const failure = { kind: 'failed', reason: expect.stringMatching(reason) };
    expect(await build({ dockerfile_str: dockerfile })).toMatchObject(failure);
  });

  it('is removed by its name alone, so that images and containers that people make from it are kept', async () => {
    const { build, use } = setUp();
    const built = await build({ dockerfile_str: `${newBase()}\nRUN true\n` });
    const image = built.kind === 'built' ? built.environment.image : '';
    const { api } = await use.engine();
    const theirs = await api.create({ path: '/containers/create', body: { Image: image, Cmd: ['true'] } });
    const tag = `of-a-user-${randomUUID()}:1`;
    const [repo, version] = tag.split(':');
    await api.create({ path: '/commit', query: { container: theirs, repo, tag: version } });
    const removed = () => removeUnusedImages(api, use.owner, []);
    expect(await removed()).toMatchObject({ images: 0 });
    await api.send({ method: 'DELETE', path: `/containers/${theirs}` });
    expect(await removed()).toMatchObject({ images: 1 });
    expect(await findImage(api, image)).toBeUndefined();
    expect(await findImage(api, tag)).toBeDefined();
    await api.send({ method: 'DELETE', path: `/images/${tag}` });
  });

  it('is not built by an engine that no longer answers', async () => {
    const socket = await cutSocket(testFolder());
    const { build, lines } = setUp(() => connectEngine(socket.env, undefined, [], 300));
    const building = build({ dockerfile_str: `${newBase()}\nRUN echo begins; sleep 76543\n` });
    await until('the step runs', () => lines.includes('begins'));
    socket.hang();
    const silent = { kind: 'failed', reason: expect.stringMatching(/doesn't answer: .*no longer answers/) };
    expect(await building).toMatchObject(silent);
    expect(await build({ dockerfile_str: `${newBase()}\nRUN true\n` })).toMatchObject(silent);
    await socket.cut();
    await until('its process is gone', () => !runs('76543'));
    await socket.listen();
  });

  it('stops being built when nobody waits for it any more', async () => {
    const { build, lines } = setUp();
    const leaving = new AbortController();
    const building = build(
      { dockerfile_str: `${newBase()}\nRUN echo begins; sleep 54321\n` },
      { signal: leaving.signal },
    );
    await until('the step runs', () => lines.includes('begins'));
    leaving.abort();
    expect(await building).toMatchObject({ kind: 'failed', reason: 'The build was cancelled.' });
    await until('its process is gone', () => !runs('54321'));
  });

  it('is not built when the engine ends meanwhile, and is when it is back', async () => {
    const socket = await cutSocket(testFolder());
    const { build, lines } = setUp(() => connectEngine(socket.env));
    const dockerfile = { dockerfile_str: `${newBase()}\nRUN echo begins; sleep 65432\n` };
    const building = build(dockerfile);
    await until('the step runs', () => lines.includes('begins'));
    await socket.cut();
    const silent = { kind: 'failed', reason: expect.stringMatching(/doesn't answer/) };
    expect(await building).toMatchObject(silent);
    expect(await build(dockerfile)).toMatchObject(silent);
    await socket.listen();
    expect(await build({ dockerfile_str: `${newBase()}\nRUN true\n` })).toMatchObject({ kind: 'built' });
    await until('the process of the first build is gone', () => !runs('65432'));
  });

  it('is built by the classic builder of an engine without sessions, but not with secrets', async () => {
    const { build, lines } = setUp(async () => ({ ...(await connect()), apiVersion: '1.38' }));
    const dockerfile = `${newBase()}\nRUN echo out; echo err >&2\n`;
    expect(await build({ dockerfile_str: dockerfile })).toMatchObject({ kind: 'built', cached: false });
    expect(lines).toEqual(expect.arrayContaining([expect.stringMatching(/^Step 3\/\d+ : RUN/), 'out', 'err']));
    expect(await build({ dockerfile_str: `${dockerfile}RUN false\n` })).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('returned a non-zero code: 1'),
    });
    const secret = await build({ dockerfile_str: dockerfile, secrets: { TOKEN: 'abc' } });
    expect(secret).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/can't pass secrets/) });
  });
});

describe('a container environment', () => {
  it('without an engine is refused with the next step', async () => {
    const { build } = setUp(async () => {
      throw new UserError('DOCKER_MISSING', 'There is none.', 'Install Docker.');
    });
    const reason = 'There is none. Install Docker. (DOCKER_MISSING)';
    expect(await build({ image: 'python:3' })).toEqual({ kind: 'failed', reason });
  });

  it.each([
    ['no image', { use_isolate: false }, /needs an image/],
    ...['../containers/json', 'python:3?all=1', 'me/app#1', 'Me/App', 'a b', `x${'/x'.repeat(200)}`].map(
      (name): [string, object, RegExp] => [
        `the name ${name.slice(0, 20)}`,
        { image: name, use_isolate: false },
        /^Invalid environment: image\.image: /,
      ],
    ),
    [
      'an argument that is no text',
      { dockerfile_str: 'FROM a', build_args: { A: 1 } },
      /^Invalid environment: image\.build_args\.A: /,
    ],
  ])('is refused with a sentence: %s', async (_name, image, words) => {
    expect(await setUp().build(image)).toEqual({ kind: 'failed', reason: expect.stringMatching(words) });
  });
});

/** Whether a process of this machine has this word in its arguments. */
function runs(word: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
          .split('\0')
          .some((argument) => argument.includes(word));
      } catch {
        return false;
      }
    });
}
