import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine } from '../engine.ts';
import { watch } from '../testing/watch.ts';
import { createProcessEngine } from './process-engine.ts';
import { plainPython, runnerSources, specFor, type WorkFolder, workFolder } from './testing/runners.ts';

let work: WorkFolder;
let engine: Engine;

beforeAll(() => {
  work = workFolder();
  engine = createProcessEngine({ dataDir: work.root, runnerSources, isolation: 'off' });
});
afterAll(async () => {
  await engine.close();
  work.remove();
});

const app = `
import json, os
def main():
    where = os.environ["CACHE"]
    os.makedirs(where, exist_ok=True)
    with open(where + "/model", "w") as file: file.write("weights")
    with open("made-here", "w") as file: file.write("x")
    app = os.path.isdir("/app") and os.path.samefile("/app", os.getcwd())
    mounts = open("/proc/self/mounts").read().count(" /data ")
    roots = {"app": app, "data": os.path.isdir("/data"), "mounts": mounts}
    print(json.dumps({**roots, "cwd": os.getcwd(), "root": sorted(os.listdir("/"))}))
`;

it('shows /data and /app, or reports that it cannot; caches below /data work, the disk stays clean', async () => {
  const before = readdirSync('/').sort();
  const dataDir = join(work.root, 'data');
  const spec = specFor(work, app, { dataDir, env: { CACHE: '/data/.cache/models' } });
  const runner = watch(engine, spec);
  await runner.exited;
  const printed = JSON.parse(runner.lines.find((line) => line.text.startsWith('{'))?.text ?? 'null');
  const refused = runner.lines.some((line) => line.text.startsWith("minifal: /data and /app can't be shown"));
  if (refused) expect(printed.cwd).toBe(join(work.root, 'runners', spec.runnerId, 'app'));
  else
    expect(printed).toMatchObject({
      app: true,
      data: true,
      cwd: '/app',
      root: [...new Set([...before, 'app', 'data'])].sort(),
    });
  expect(readFileSync(join(dataDir, '.cache/models/model'), 'utf8')).toBe('weights');
  expect(existsSync(join(work.root, 'runners', spec.runnerId, 'app', 'made-here'))).toBe(true);
  expect(readdirSync('/').sort()).toEqual(before);
});

const named = `
import json, socket
def main():
    name = socket.gethostname()
    print(json.dumps([name, socket.gethostbyname(name), socket.gethostbyname("localhost"), open("/etc/hosts").read()]))
`;

it("either gives a runner a host name of its own that leads to itself, or leaves it the machine's", async () => {
  const [mine, hosts] = [hostname(), readFileSync('/etc/hosts', 'utf8')];
  const spec = specFor(work, named, { dataDir: join(work.root, 'data') });
  const runner = watch(engine, spec);
  expect(await runner.exited).toMatchObject({ code: 0 });
  const [name, address, loopback, seen] = JSON.parse(runner.lines.at(-1)?.text ?? 'null');
  if (name === mine) expect(seen).toBe(hosts);
  else {
    expect([name, address, loopback]).toEqual([spec.runnerId, '127.0.0.1', '127.0.0.1']);
    const [first, ...others] = seen.slice(hosts.trimEnd().length).trim().split('\n');
    expect(seen.startsWith(hosts.trimEnd())).toBe(true);
    expect(first).toBe(`127.0.0.1\t${name}`);
    expect(others).toHaveLength(2);
    for (const line of others) expect(line).toMatch(new RegExp(`^127\\.[\\d.]+\t${name}$`));
  }
  expect([hostname(), readFileSync('/etc/hosts', 'utf8')]).toEqual([mine, hosts]);
});

it('works without namespaces where they are forbidden, and reports in one line what does not work', async () => {
  // No further namespaces and no capability, as on a hardened machine or container.
  const python = work.file(`#!/bin/sh
exec unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_user_namespaces
exec setpriv --bounding-set=-all --inh-caps=-all python3 "$@"' sh "$@"
`);
  chmodSync(python, 0o755);
  const dataDir = join(work.root, 'other-data');
  const environment = { ...plainPython, id: 'forbidden', python };
  const spec = specFor(work, app, { dataDir, environment, env: { CACHE: '/data/.cache/models' } });
  const runner = watch(engine, spec);
  expect(await runner.exited).toMatchObject({ code: 0 });
  const { appDir } = { appDir: join(work.root, 'runners', spec.runnerId, 'app') };
  expect(runner.lines[0]?.text).toMatch(/^minifal: \/data and \/app can't be shown to this runner \(.+\)\./);
  expect(runner.lines[0]?.text).toContain(appDir);
  expect(JSON.parse(runner.lines[1]?.text ?? 'null')).toMatchObject({ cwd: appDir });
  expect(readFileSync(join(dataDir, '.cache/models/model'), 'utf8')).toBe('weights');
});

it('keeps /data and /app where only a host name is forbidden', async () => {
  const python = work.file(`#!/bin/sh
exec unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_uts_namespaces; exec python3 "$@"' sh "$@"
`);
  chmodSync(python, 0o755);
  const environment = { ...plainPython, id: 'nameless', python };
  const dataDir = join(work.root, 'data');
  const runner = watch(engine, specFor(work, named, { dataDir, environment }));
  expect(await runner.exited).toMatchObject({ code: 0 });
  expect(runner.lines.map(({ text }) => JSON.parse(text)[0])).toEqual([hostname()]);
});
