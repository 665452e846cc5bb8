import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { isMissing } from '../support/needs.ts';
import { mustRun } from '../support/process.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { root } from '../support/root.ts';
import { until } from '../support/wait.ts';

const restricted = (kind: string) => ['python3', join(root, 'test', 'support', 'restricted.py'), kind];
/** Sets the machine's own switch inside a namespace, so that the machine isn't changed. */
const noNamespaces =
  'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$@"';
const machines: readonly (readonly [string, readonly string[]])[] = [
  ['a container without privileges', restricted('docker')],
  ["a machine with Ubuntu 24.04's restriction of namespaces", restricted('apparmor')],
  ['a machine with user.max_user_namespaces=0', ['unshare', '-Ur', 'sh', '-c', noNamespaces, 'sh']],
];

const source = `
import os
import socket

import fal


class Where(fal.App, keep_alive=600, max_concurrency=2):
    machine_type = "XS"
    app_files = ["words.txt"]

    @fal.endpoint("/")
    def where(self) -> dict:
        with open("words.txt") as file:
            words = file.read()
        os.makedirs(os.environ["HF_HOME"], exist_ok=True)
        with open(os.path.join(os.environ["HF_HOME"], "model"), "w") as file:
            file.write("weights")
        return {"words": words, "host": socket.gethostname(), "data": os.path.isdir("/data/.cache")}
`;

describe.each(machines)('in %s', (what, through) => {
  const works = spawnSync(through[0] ?? '', [...through.slice(1), 'true']).status === 0;
  describe.skipIf(isMissing(works, `${what}: it can't be imitated here`))('minifal', () => {
    let emulator: Emulator;
    let project: Project;
    let atStart: unknown;

    async function missing(): Promise<unknown> {
      const status = await mustRun(process.execPath, [minifalCommand, 'status', '--json', '--data', emulator.dataDir]);
      return JSON.parse(status).isolation.missing;
    }

    beforeAll(async () => {
      emulator = await startEmulator({ through });
      atStart = await until(
        'the start says what is missing',
        () => /Runners can't have their own \/data/.test(emulator.logText()) && missing(),
      );
      project = await createProject(await pythonTools(), emulator, { 'where.py': source, 'words.txt': 'hello' });
      await project.mustFal('deploy', 'where.py::Where', '--app-name', 'where');
    });
    afterAll(async () => {
      await project?.remove();
      await emulator?.stop();
    });

    it('deploys and runs an app, with its files and its caches', async () => {
      const path = `/${await owner(emulator)}/where`;
      const answer = await call(emulator, 'run', path, { body: {} });
      expect([answer.status, await answer.json()]).toEqual([
        200,
        { words: 'hello', host: expect.any(String), data: false },
      ]);
      expect(await project.mustFal('api', path.slice(1), 'a=b')).toContain('hello');
    });

    it('runs commands in its runner', async () => {
      const { runners } = JSON.parse(await project.mustFal('runners', 'list', '--json'));
      const done = await project.fal(
        'runners',
        'exec',
        runners[0].runner_id,
        '--',
        'sh',
        '-c',
        'cat words.txt; cat "$HF_HOME"/model',
      );
      expect([done.code, done.stdout]).toEqual([0, 'helloweights']);
    });

    it('reports once, at its start, what is missing, why, and the next step', async () => {
      expect(atStart).toEqual(await missing());
      const { runners } = JSON.parse(await project.mustFal('runners', 'list', '--json'));
      await project.mustFal('runners', 'kill', runners[0].runner_id);
      await until(
        'it is gone',
        async () => JSON.parse(await project.mustFal('runners', 'list', '--json')).runners.length === 0,
      );
      await call(emulator, 'run', `/${await owner(emulator)}/where`, { body: {} });
      expect(await missing()).toContainEqual({ part: 'folders', why: expect.stringMatching(/\w/) });
      expect(emulator.logText().match(/Runners can't have their own \/data and \/app.*/g)).toEqual([
        expect.stringMatching(/\(.*(not permitted|[Pp]ermission denied|No space left).*\).*To allow it: /),
      ]);
    });
  });
});
