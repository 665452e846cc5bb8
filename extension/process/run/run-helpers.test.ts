import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { until } from '../../../test/support/wait.ts';
import { isAlive, processStart, readJson } from '../../target/data-folder.ts';
import { testFolder } from '../../target/testing/emulator.ts';
import { helperRecord } from './messages.ts';
import { createRunHelpers } from './run-helpers.ts';
import { runsOnDisk } from './runs-on-disk.ts';
import { type FalEnd, type JoinedRun, joinRun, startRun } from './window-run.ts';

let programFolder: string;
let program: string;
beforeAll(async () => {
  programFolder = mkdtempSync(join(tmpdir(), 'minifal-helper-'));
  program = join(programFolder, 'helper.cjs');
  const entryPoints = [join(import.meta.dirname, 'helper.ts')];
  await build({ entryPoints, outfile: program, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' });
});
afterAll(() => rmSync(programFolder, { recursive: true, force: true }));

/** Like `fal run`: prints, and ends after an interrupt. It starts a child process, as fal's own command does. */
const falLike = `
const { spawn } = require("node:child_process");
const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"]);
process.on("SIGINT", () => { console.log("bye"); child.kill(); process.exit(0); });
setInterval(() => {}, 1e6);
console.log("pids " + process.pid + " " + child.pid);`;

const order = (folder: string, source: string, graceMs: number) => ({
  command: process.execPath,
  args: ['-e', source],
  cwd: '/',
  env: { SECRET: 'in no argument' },
  folder,
  about: { label: 'run Hello' },
  graceMs,
});

/** A window that has begun a run. */
async function begun(
  options: { readonly graceMs?: number; readonly source?: string; readonly takesOrders?: boolean } = {},
) {
  const folder = join(testFolder(), 'runs');
  let text = '';
  const given = order(folder, options.source ?? falLike, options.graceMs ?? 30_000);
  const run = startRun(program, { ...given, takesOrders: options.takesOrders }, (more) => {
    text += more;
  });
  await until('it prints', () => text.includes('\n'));
  const pids = text.match(/\d+/g)?.map(Number) ?? [];
  const processes = pids.map((pid) => ({ pid, processStart: processStart(pid) }));
  const [helper] = readdirSync(folder).map((name) => readJson(join(folder, name), helperRecord));
  if (!helper) throw new Error('there is no helper');
  onTestFinished(async () => {
    if (isAlive(helper)) process.kill(helper.pid, 'SIGTERM');
    await until('the helper has ended', () => runsOnDisk(folder).length === 0);
  });
  return { run, folder, helper, processes, text: () => text, isGone: () => !processes.some(isAlive) };
}

/** Another window, once the run was given to it. */
async function joined(socket: string) {
  let text = '';
  const given = await new Promise<JoinedRun>((resolve) => void joinRun(socket, resolve));
  const run = given.show((more) => {
    text += more;
  });
  return { run, note: given.note, text: () => text };
}

describe('a run in a helper process', () => {
  it('can be stopped, and reports its output', async () => {
    const { run, folder, isGone } = await begun();
    run.stop();
    expect(await run.ended).toMatchObject({ code: 0, stopped: true, output: expect.stringContaining('bye') });
    expect(isGone()).toBe(true);
    await until('nothing is left', () => readdirSync(folder).length === 0);
  });

  it('begins also where the path of the temporary folder is longer than that of a socket may be', async () => {
    const long = join(testFolder(), 'temporary'.repeat(12));
    mkdirSync(long);
    vi.stubEnv('TMPDIR', long);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { run, helper } = await begun();
    run.stop();
    expect(await run.ended).toMatchObject({ code: 0, stopped: true });
    await until('its socket is gone', () => !existsSync(dirname(helper.socket)));
  });

  it('gets orders as lines of its standard input, also from a later window', async () => {
    const source = `setInterval(() => {}, 1e6);
      process.stdin.setEncoding("utf8").on("data", (text) => process.stdout.write("got " + text));
      process.on("SIGINT", () => process.exit(0));
      console.log("pid " + process.pid);`;
    const { run, helper, text } = await begun({ source, takesOrders: true });
    run.order('{"op":"restart"}');
    await until('it has the order', () => text().includes('got {"op":"restart"}\n'));
    run.leave();
    const next = await joined(helper.socket);
    next.run.order('again');
    await until('it has the second one', () => next.text().includes('got again\n'));
    next.run.stop();
    expect(await next.run.ended).toMatchObject({ code: 0, stopped: true });
  });

  it('reports a failure of its command, and a command that is missing', async () => {
    const folder = join(testFolder(), 'runs');
    const failing = startRun(program, order(folder, 'console.error("oops"); process.exitCode = 3', 1_000), () => {});
    expect(await failing.ended).toEqual({ code: 3, stopped: false, output: 'oops\n' });
    const missing = startRun(program, { ...order(folder, '', 1_000), command: '/nowhere/fal' }, () => {});
    expect(await missing.ended).toMatchObject({ code: 127, output: expect.stringContaining('/nowhere/fal') });
  });

  it('is joined by the next window, which gets its output and what the first one noted, and can stop it', async () => {
    const { run, folder, text } = await begun();
    run.setNote('http://localhost:1/me/app');
    run.leave();
    const [found] = runsOnDisk(folder);
    expect(found?.about).toEqual({ label: 'run Hello' });
    const next = await joined(found?.socket ?? '');
    expect(next.note).toBe('http://localhost:1/me/app');
    await until('it has the output', () => next.text() === text());
    next.run.stop();
    expect(await next.run.ended).toMatchObject({ code: 0, stopped: true });
  });

  it('is joined by the next window, which can wait until it shows all of them', async () => {
    const { run, folder } = await begun();
    run.leave();
    const ends: FalEnd[] = [];
    await createRunHelpers(program, folder).join(async (_about, given) => {
      const next = given.show(() => {});
      next.stop();
      ends.push(await next.ended);
    });
    expect(ends).toMatchObject([{ code: 0, stopped: true }]);
  });

  it('is shown by one window at a time: a second one gets it when the first has gone', async () => {
    const ticking = `${falLike} setInterval(() => console.log("tick"), 50);`;
    const { run, helper, text } = await begun({ source: ticking });
    let isGiven = false;
    const second = joined(helper.socket).then((window) => {
      isGiven = true;
      return window;
    });
    const before = text().length;
    await until('the first one gets more', () => text().length > before + 20);
    expect(isGiven).toBe(false);
    run.leave();
    const { run: taken } = await second;
    taken.stop();
    expect(await taken.ended).toMatchObject({ stopped: true });
  });

  it('ends soon after the last window has gone, which the next window learns once, for a while', async () => {
    const { run, folder, isGone } = await begun({ graceMs: 100 });
    run.leave();
    await until('the command has ended', isGone);
    await until('the helper has ended', () => runsOnDisk(folder).length === 0);
    const helpers = createRunHelpers(program, folder);
    expect(helpers.ended(Date.now())).toEqual([{ label: 'run Hello' }]);
    expect(helpers.ended(Date.now())).toEqual([]);
    const old = await begun({ graceMs: 100 });
    old.run.leave();
    await until('the helper has ended', () => runsOnDisk(old.folder).length === 0);
    expect(createRunHelpers(program, old.folder).ended(Date.now() + 3_600_000)).toEqual([]);
    expect(readdirSync(old.folder)).toEqual([]);
  });

  it('waits for the window when its terminal was closed by a reload, and ends when the user closed it', async () => {
    const reloading = await begun();
    reloading.run.closed();
    reloading.run.leave();
    const next = await joined(reloading.helper.socket);
    expect(reloading.isGone()).toBe(false);
    next.run.closed();
    expect(await next.run.ended).toMatchObject({ stopped: true });
  });

  it('reports its end to a window that returns later', async () => {
    // It prints its id, for which the test waits, when it is ready for signals.
    const source = `setInterval(() => {}, 1e6);
      process.on("SIGINT", () => {});
      process.on("SIGUSR2", () => process.exit(7));
      console.log("pid " + process.pid);`;
    const { run, helper, isGone, processes } = await begun({ source });
    run.leave();
    process.kill(processes[0]?.pid ?? 0, 'SIGUSR2');
    await until('it has ended', isGone);
    const next = await joined(helper.socket);
    expect(await next.run.ended).toMatchObject({ code: 7, stopped: false, output: expect.stringMatching(/^pid/) });
  });

  it('omits output that the window does not read, but never its end', async () => {
    const source = `setInterval(() => {}, 1e6);
      process.on("SIGUSR2", () => {
        for (let i = 0; i < 300; i++) process.stdout.write("x".repeat(99_999) + "\\n");
        process.stdout.write("why it failed\\n", () => process.exit(1));
      });
      console.log("pid " + process.pid);`;
    const { run, helper, isGone, processes } = await begun({ source });
    run.leave();
    const window = connect(helper.socket).setEncoding('utf8').pause();
    await once(window, 'connect');
    process.kill(processes[0]?.pid ?? 0, 'SIGUSR2');
    await until('the command has ended', isGone);
    let received = '';
    window.on('data', (text) => {
      received += text;
    });
    await once(window.resume(), 'close');
    expect(received.length).toBeLessThan(10_000_000);
    expect(received).toMatch(/output omitted.*why it failed.*"type":"end","code":1/s);
  });

  it('leaves no process and no file behind when its helper is killed', async () => {
    const { run, helper, folder, isGone } = await begun();
    process.kill(helper.pid, 'SIGKILL');
    expect(await run.ended).toMatchObject({
      code: 1,
      stopped: false,
      output: expect.stringContaining('helper process'),
    });
    await until('the command has ended', isGone);
    expect(existsSync(helper.socket)).toBe(true);
    expect(runsOnDisk(folder)).toEqual([]);
    expect([existsSync(dirname(helper.socket)), readdirSync(folder)]).toEqual([false, []]);
  });

  it('leaves no process behind when the window is killed', async () => {
    const folder = join(testFolder(), 'runs');
    const window = join(testFolder(), 'window.cjs');
    await build({
      stdin: {
        contents: `const { startRun } = require(${JSON.stringify(join(import.meta.dirname, 'window-run.ts'))});
          startRun(process.argv[2], JSON.parse(process.argv[3]), (text) => process.stdout.write(text));`,
        resolveDir: import.meta.dirname,
      },
      outfile: window,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
    });
    const args = [window, program, JSON.stringify(order(folder, falLike, 200))];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [printed] = await once(child.stdout.setEncoding('utf8'), 'data');
    const processes = (String(printed).match(/\d+/g) ?? []).map(Number);
    const held = processes.map((pid) => ({ pid, processStart: processStart(pid) }));
    child.kill('SIGKILL');
    expect(held.length).toBe(2);
    await until('the command has ended', () => !held.some(isAlive));
    await until('the helper has ended', () => runsOnDisk(folder).length === 0);
  });

  it('can be reached by this user only, and names no variable in its arguments', async () => {
    const { helper, folder } = await begun();
    expect(statSync(dirname(helper.socket)).mode & 0o777).toBe(0o700);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readFileSync(`/proc/${helper.pid}/cmdline`, 'utf8')).not.toContain('in no argument');
    expect(readFileSync(join(folder, `${helper.pid}.json`), 'utf8')).not.toContain('in no argument');
  });
});
