import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KeychainOrder, moveKeyAside, sealedKeyOf } from '../../emulator/local/secret-file.ts';
import { statusSchema } from '../../emulator/wire/status.ts';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { type FalServer, startFalServer } from '../support/fal-server.ts';
import { filesWith } from '../support/files-with.ts';
import { call, owner } from '../support/http.ts';
import { mustRun } from '../support/process.ts';
import { argumentsWith, environmentsWith } from '../support/procfs.ts';
import { createProject, lastJson, type Project } from '../support/project.ts';
import { type PythonTools, pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

/** The same app three times: with every exposed secret (the default), with the secrets that it lists, with none. */
const app = (name: string, secrets: string) => `
class ${name}(fal.App, keep_alive=300):
    machine_type = "XS"
    ${secrets}

    @fal.endpoint("/")
    def look(self) -> Output:
        found = {name: os.environ.get(name) for name in ("SHOWN", "HIDDEN")}
        print("this is", found["SHOWN"], "and", found["HIDDEN"], flush=True)
        return Output(found=found)

`;
const source = `
import os

import fal
from pydantic import BaseModel


class Output(BaseModel):
    found: dict

${app('Usual', '')}
${app('Listing', 'secrets = ["HIDDEN"]')}
${app('Bare', 'secrets = []')}
`;

const planted = () => `canary-${randomBytes(16).toString('hex')}`;
const values = { shown: planted(), hidden: planted(), dev: planted(), updated: planted() };
const wrappingKey = randomBytes(32).toString('hex');

let dataDir: string;
let tools: PythonTools;
let project: Project;
let emulator: Emulator;
let line: FalServer;
let account: string;

/** Started by VS Code (with an order) or by a terminal. */
async function begin(want?: KeychainOrder['want'], key = wrappingKey): Promise<void> {
  const order: KeychainOrder | undefined = want && { want, wrappingKey: key };
  const given = order ? { args: ['--keychain'], input: JSON.stringify(order) } : {};
  emulator = await startEmulator({ dataDir, ...given });
  line = startFalServer(tools, emulator.env, project.folder);
}

async function end(): Promise<void> {
  line?.close();
  await emulator?.stop();
}

async function mustFal(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await line.fal(args);
  if (code === 0) return stdout;
  throw new Error(`fal ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
}

async function seenBy(name: string): Promise<unknown> {
  const answer = await call(emulator, 'run', `/${account}/${name}`, { body: {} });
  return ((await answer.json()) as { found: unknown }).found;
}

const found = (shown: string | null, hidden: string | null) => ({ SHOWN: shown, HIDDEN: hidden });

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'minifal-secrets-'));
  tools = await pythonTools();
  project = await createProject(tools, { env: process.env }, { 'apps.py': source });
  await begin('seal');
  account = await owner(emulator);
  await mustFal('environments', 'create', 'dev');
  await mustFal('secrets', 'set', `SHOWN=${values.shown}`);
  await mustFal('secrets', 'set', '--not-exposed-by-default', `HIDDEN=${values.hidden}`);
  await mustFal('secrets', 'set', '--env', 'dev', `SHOWN=${values.dev}`);
  for (const [name, alias] of [
    ['Usual', 'usual'],
    ['Listing', 'listing'],
    ['Bare', 'bare'],
  ] as const) {
    await mustFal('deploy', `apps.py::${name}`, '--app-name', alias, '--strategy', 'recreate');
  }
  await mustFal('deploy', 'apps.py::Usual', '--app-name', 'usual', '--strategy', 'recreate', '--env', 'dev');
});
afterAll(async () => {
  await end();
  await project?.remove();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

describe('secrets in runners', () => {
  it.each([
    ['usual', 'no list: the exposed ones', () => found(values.shown, null)],
    ['listing', 'a list: exactly those', () => found(null, values.hidden)],
    ['bare', 'an empty list: none', () => found(null, null)],
    ['usual--dev', 'another environment: its own', () => found(values.dev, null)],
  ])('%s gets, of %s', async (name, _which, expected) => {
    expect(await seenBy(name)).toEqual(expected());
  });

  it('fal secrets list shows exposure and environment, but no value', async () => {
    const listed = await mustFal('secrets', 'list', '--json');
    expect(lastJson(listed)).toMatchObject({
      secrets: [
        { name: 'SHOWN', default_exposed: true },
        { name: 'HIDDEN', default_exposed: false },
      ],
    });
    expect(lastJson(await mustFal('secrets', 'list', '--env', 'dev', '--json'))).toMatchObject({
      secrets: [{ name: 'SHOWN', environment: 'dev' }],
    });
    for (const value of Object.values(values)) expect(listed).not.toContain(value);
  });

  it('are masked in the logs that their apps write', async () => {
    const logs = await (await call(emulator, 'api', '/logs/?limit=1000')).text();
    expect(logs).toContain('this is ******** and None');
    expect(logs).toContain('this is None and ********');
    for (const value of Object.values(values)) expect(logs).not.toContain(value);
  });
});

describe('secrets whose key a keychain seals', () => {
  it('are, like the sealing key, in no file, argument, environment or output', async () => {
    expect(sealedKeyOf(dataDir)).toBeDefined();
    const status = await mustRun(process.execPath, [minifalCommand, 'status', '--json', '--data', dataDir]);
    for (const text of [...Object.values(values), wrappingKey]) {
      expect(await filesWith([text], dataDir)).toEqual([]);
      expect(argumentsWith(text)).toEqual([]);
      // A runner gets its copy at its fork, so it is never in the initial environment of a process.
      expect(environmentsWith(text)).toEqual([]);
      expect(emulator.logText() + status).not.toContain(text);
    }
  });

  it('are unavailable to an emulator that a terminal starts, which reports that once; all else works', async () => {
    const body = { allowed_apps: [`${account}/bare`], token_expiration: 600 };
    const token: unknown = await (await call(emulator, 'api', '/tokens/', { body })).json();
    await end();
    await begin();
    expect(emulator.logText().match(/sealed by VS Code's keychain/g)).toHaveLength(1);
    expect(await seenBy('bare')).toEqual(found(null, null));
    const path = `/${account}/bare?fal_jwt_token=${token}`;
    expect((await call(emulator, 'run', path, { body: {}, headers: { authorization: '' } })).status).toBe(200);
    const listed = lastJson(await mustFal('secrets', 'list', '--json'));
    expect(listed).toMatchObject({ secrets: [{ name: 'SHOWN' }, { name: 'HIDDEN' }] });
    const { code, stdout, stderr } = await line.fal(['secrets', 'set', `SHOWN=${values.updated}`]);
    expect([code, stdout + stderr]).toEqual([1, expect.stringMatching(/sealed by VS Code's keychain.*Start it from/s)]);
    const status = await mustRun(process.execPath, [minifalCommand, 'status', '--data', dataDir]);
    expect(status).toContain('Secrets are sealed');
  });

  it('keep apps that need one from starting, with a sentence that gives the reason', async () => {
    const { code, stdout, stderr } = await line.fal(['deploy', 'apps.py::Listing', '--app-name', 'listing']);
    expect([code, stdout + stderr]).toEqual([1, expect.stringMatching(/sealed by VS Code's keychain/)]);
    expect((await call(emulator, 'queue', `/${account}/usual`, { body: {} })).status).toBe(200);
    const why = await until('its runner was given up', async () => {
      const { runners } = statusSchema.parse(await (await call(emulator, 'api', '/minifal/status')).json());
      return runners.find(({ alias, endReason }) => alias === 'usual' && endReason?.includes('sealed'))?.endReason;
    });
    expect(why).toContain('Start it from VS Code');
  });

  it('stay sealed for another keychain, and none is lost', async () => {
    const before = await readFile(join(dataDir, 'secret.key'));
    await end();
    await begin('seal', randomBytes(32).toString('hex'));
    expect(emulator.logText()).toContain('sealed by a different keychain');
    expect(await seenBy('bare')).toEqual(found(null, null));
    expect(await readFile(join(dataDir, 'secret.key'))).toEqual(before);
  });

  it('can be replaced by new ones after a reset of their key, and are not lost by that', async () => {
    await end();
    const aside = moveKeyAside(dataDir, new Date());
    await begin();
    expect(emulator.logText()).toContain('The secret SHOWN of environment main cannot be decrypted; set it again.');
    await mustFal('secrets', 'set', '--not-exposed-by-default', `HIDDEN=${values.updated}`);
    expect(await seenBy('listing')).toEqual(found(null, values.updated));
    expect(await seenBy('usual')).toEqual(found(null, null));
    await end();
    await rename(aside, join(dataDir, 'secret.key'));
  });

  it('are available again when the right keychain opens them, and waiting requests complete', async () => {
    await begin('open');
    expect(emulator.logText()).not.toContain('sealed');
    // It was set again under the other key.
    expect(emulator.logText()).toContain('The secret HIDDEN of environment main cannot be decrypted; set it again.');
    await mustFal('secrets', 'set', '--not-exposed-by-default', `HIDDEN=${values.hidden}`);
    expect(await seenBy('usual')).toEqual(found(values.shown, null));
    await until('nothing waits', async () => (await mustFal('queue', 'size', 'usual')).includes('size: 0'));
  });

  it('can be used from terminals again after their key was written back to its file', async () => {
    await end();
    await begin('unseal');
    await end();
    await begin();
    expect(sealedKeyOf(dataDir)).toBeUndefined();
    expect(await seenBy('listing')).toEqual(found(null, values.hidden));
    await mustFal('secrets', 'set', `SHOWN=${values.updated}`);
  });
});
