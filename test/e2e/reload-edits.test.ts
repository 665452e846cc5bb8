import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { type Running, start } from '../support/process.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { root } from '../support/root.ts';
import { until } from '../support/wait.ts';

const helpers = join(root, 'emulator/reload/loader/testing');
const edits = Number(process.env.MINIFAL_RELOAD_EDITS ?? (process.env.MINIFAL_SLOW ? 2_000 : 50));
/** On a machine that does much else. */
const timeoutMs = 300_000;
/** A new app after so many edits. */
const editsPerApp = 25;
/** After so many edits the runner ends: the next one starts from the latest version, and its code is changed, too. */
const editsPerRunner = 10;

/** A version of a random app, and what a fresh runner of it answers (reload-edits.py). */
const version = z.object({
  kind: z.string(),
  files: z.record(z.string(), z.string()),
  paths: z.array(z.string()),
  answers: z.record(z.string(), z.tuple([z.number(), z.string()])),
});
type Version = z.infer<typeof version>;

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(() => emulator?.stop());

/** A line that the command prints about a save: what became of it. */
const outcome = /^minifal: \S+\.py: (.*) \(\d+ ms after the save\)$/gm;

/** Runs the app with `minifal run --watch`. */
async function watched(project: Project): Promise<{ readonly running: Running; readonly url: string }> {
  const { python, env } = await pythonTools();
  const args = ['run', '--data', emulator.dataDir, 'app.py::Demo', '--watch', '--python', python];
  const options = { cwd: project.folder, env: env(emulator.env) };
  const running = start(process.execPath, [minifalCommand, ...args], options);
  const address = new RegExp(`//localhost:${emulator.ports.run}(/[\\w-]+/[\\w-]+)`);
  const path = await until(
    'the app is watched',
    () => (/^minifal: Watching /m.test(running.output()) ? address.exec(running.output())?.[1] : undefined),
    { timeoutMs },
  ).catch((error: Error) => {
    throw new Error(`${error.message}; it printed ${running.output()}`);
  });
  return { running, url: `http://localhost:${emulator.ports.run}${path}` };
}

async function answers(url: string, { paths }: Version): Promise<Version['answers']> {
  const found: Version['answers'] = {};
  const ask = async (name: string, path: string, body: unknown, method = 'POST') => {
    const sent = body === null ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(url + path, { method, ...sent });
    found[name] = [response.status, await response.text()];
  };
  for (const path of paths) await ask(path, path, { text: ' q ' });
  await ask('invalid', '/', { text: 3 });
  await ask('openapi', '/openapi.json', null, 'GET');
  return found;
}

async function endRunner(url: string): Promise<void> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
  expect((await fetch(`${url}/exit`, init)).status).toBeGreaterThanOrEqual(500);
  await until('the next runner serves', async () => (await fetch(`${url}/`, init)).status === 200, {
    timeoutMs,
  });
}

async function save(project: Project, { files }: Version, before: Version): Promise<boolean> {
  const changed = Object.entries(files).filter(([name, text]) => before.files[name] !== text);
  for (const [name, text] of changed) {
    const unfinished = join(project.folder, `.${name}.new`);
    await writeFile(unfinished, text);
    await rename(unfinished, join(project.folder, name));
  }
  return changed.length > 0;
}

async function compareEdits(seed: number, count: number): Promise<readonly string[]> {
  const { python, env } = await pythonTools();
  const program = join(root, 'test/support/reload-edits.py');
  const options = { cwd: root, env: env(process.env) };
  const generated = start(python, ['-W', 'ignore', program, helpers, String(seed), String(count)], options);
  let read = 0;
  const next = async (): Promise<Version> => {
    const line = await until(
      'an edit is generated',
      () => {
        const lines = generated.output().split('\n');
        return lines.length > read + 1 ? lines[read] : undefined;
      },
      { timeoutMs },
    );
    read++;
    return version.parse(JSON.parse(line));
  };
  let now = await next();
  const project = await createProject(await pythonTools(), emulator, now.files);
  const { running, url } = await watched(project);
  const outcomes: string[] = [];
  try {
    expect(await answers(url, now)).toEqual(now.answers);
    for (let edit = 1; edit <= count; edit++) {
      const before = now;
      now = await next();
      if (await save(project, now, before)) {
        const done = await until(
          'the save is reloaded',
          () => [...running.output().matchAll(outcome)][outcomes.length],
          { timeoutMs },
        ).catch((error: Error) => {
          throw new Error(`${error.message}; edit ${edit} of seed ${seed}: ${running.output().slice(-3_000)}`);
        });
        outcomes.push(done[1] ?? '');
      }
      if (edit % editsPerRunner === 0) await endRunner(url);
      expect([seed, edit, now.kind, outcomes.at(-1), await answers(url, now)]).toEqual([
        ...[seed, edit, now.kind, outcomes.at(-1), now.answers],
      ]);
    }
  } finally {
    running.signal('SIGINT');
    await running.finished;
    generated.signal('SIGKILL');
    await project.remove();
  }
  return outcomes;
}

describe('random edits of a run that is watched', () => {
  it(`answer as a fresh start does after each of ${edits} saves`, { timeout: timeoutMs + edits * 20_000 }, async () => {
    const outcomes: string[] = [];
    for (let at = 0; at < edits; at += editsPerApp)
      outcomes.push(...(await compareEdits(1 + at, Math.min(editsPerApp, edits - at))));
    const swapped = outcomes.filter((text) => text.startsWith('Swapped'));
    expect(swapped.length).toBeGreaterThan(outcomes.length / 3);
    const known = /^(Swapped|Restarted|Nothing|The settings|No runner was up)/;
    expect(outcomes.filter((text) => !known.test(text))).toEqual([]);
  });
});
