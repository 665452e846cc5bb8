import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createProcessEngine } from './process-engine.ts';
import { isAlive, until } from './testing/processes.ts';
import { runnerSources, type WorkFolder, workFolder } from './testing/runners.ts';

const restricted = join(import.meta.dirname, '../../../test/support/restricted.py');

let work: WorkFolder;
beforeEach(() => {
  work = workFolder();
});
afterEach(() => work.remove());

/** What is reported, and known, of a machine with these Pythons. */
async function probed(programs: { readonly [name: string]: string }) {
  const bin = join(work.root, 'bin');
  mkdirSync(bin);
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
  const limits: string[] = [];
  const onLimit = (sentence: string) => limits.push(sentence);
  const hostEnv = { ...process.env, PATH: bin };
  const engine = createProcessEngine({ dataDir: work.root, runnerSources, isolation: 'full', hostEnv, onLimit });
  const parts = (await engine.probe()).map(({ part }) => part);
  await engine.probe();
  const known = engine.missing().map(({ part }) => part);
  await engine.close();
  return { parts, known, limits };
}

const python = (...words: readonly string[]) =>
  `#!/bin/sh\nPATH='${process.env.PATH}'\nexec python3 ${words.join(' ')} "$@"\n`;
const broken = '#!/bin/sh\necho "python3: command not found" >&2\nexit 127\n';

describe.runIf(process.platform === 'linux')('a start', () => {
  it('reports once what a machine refuses, using the first Python that works', async () => {
    const { parts, known, limits } = await probed({
      python3: broken,
      'python3.12': python(`'${restricted}'`, 'docker python3'),
    });
    expect(parts).toEqual(['folders', 'disk', 'addresses']);
    expect(known).toEqual(parts);
    expect(limits).toHaveLength(3);
  });

  it('reports nothing if no Python is found', async () => {
    expect(await probed({})).toEqual({ parts: [], known: [], limits: [] });
  });

  it('leaves nothing of a probe that its end cut off, nor of one that was killed before', async () => {
    const probeDir = join(work.root, 'runners', '.probe');
    const left = (name: string) => join(probeDir, name, 'layer', 'work.top.opt', 'work');
    const cutOff = left('cut-off');
    mkdirSync(left('killed'), { recursive: true });
    chmodSync(left('killed'), 0);
    const bin = join(work.root, 'bin');
    mkdirSync(bin);
    writeFileSync(
      join(bin, 'python3'),
      `#!/bin/sh\nPATH='${process.env.PATH}'\nmkdir -p '${cutOff}'\nchmod 0 '${cutOff}'\nexec sleep 600\n`,
    );
    chmodSync(join(bin, 'python3'), 0o755);
    const hostEnv = { ...process.env, PATH: bin };
    const engine = createProcessEngine({ dataDir: work.root, runnerSources, isolation: 'full', hostEnv });
    void engine.probe();
    await vi.waitFor(() => expect(existsSync(join(probeDir, 'cut-off'))).toBe(true), { timeout: 20_000 });
    await engine.close();
    expect(readdirSync(probeDir)).toEqual([]);
  });

  it('leaves no process of a probe that is killed while its child waits for an answer', async () => {
    const killed = `
import os, sys
sys.path.insert(0, ${JSON.stringify(runnerSources)})
import boot
boot.make_package()
from minifal_runner.keeper import servers
def never_answers(reader, placed):
    with open("/proc/thread-self/children") as children, open(sys.argv[1], "w") as file:
        file.write(children.read())
    os.kill(os.getpid(), 9)
servers._receive = never_answers
servers.why_not_placed()
`;
    const file = join(work.root, 'child');
    expect(spawnSync('python3', ['-c', killed, file], { stdio: 'ignore' }).signal).toBe('SIGKILL');
    const child = Number(readFileSync(file, 'utf8'));
    expect(child).toBeGreaterThan(1);
    await until(() => !isAlive(child));
  });

  it('closes also when the data folder was deleted', async () => {
    const engine = createProcessEngine({ dataDir: work.root, runnerSources, isolation: 'full' });
    rmSync(join(work.root, 'runners'), { recursive: true });
    await engine.close();
  });

  it('reports nothing if Python prints an unexpected answer', async () => {
    expect(await probed({ python3: '#!/bin/sh\necho "[1]"\n' })).toEqual({ parts: [], known: [], limits: [] });
  });
});
