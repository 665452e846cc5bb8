import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startArguments, usableSettings } from '../checked-settings.ts';
import { isAlive, processStart } from '../target/data-folder.ts';
import { testFolder } from '../target/testing/emulator.ts';
import { outputFile, type StartOptions, startEmulator } from './start.ts';

const node = { command: process.execPath, env: { FROM_NODE: '1' } };
/** Real time, and no web pages allowed. */
const unset = usableSettings((name) => ({ port: 7, isolation: 'off' })[String(name)]);
const settings = startArguments(unset);
const publish = `
const { readFileSync, writeFileSync } = require('node:fs');
const publish = (pid = process.pid) => {
  const stat = readFileSync('/proc/' + pid + '/stat', 'utf8');
  const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  const ports = { api: 1, run: 2, queue: 3, ws: 4 };
  writeFileSync('emulator.json', JSON.stringify({ pid, processStart: start, version: '1', startedAt: 0, ports }));
};
`;

const failure = (code: string, message: string) => JSON.stringify({ error: { code, message, next: 'Report it.' } });

/** Starts a program in place of the emulator's bundle. */
function start(program: string, signal = new AbortController().signal, change: Partial<StartOptions> = {}) {
  const folder = join(testFolder(), 'data');
  const bundle = join(folder, '..', 'bundle.cjs');
  writeFileSync(bundle, publish + program);
  const options = { node, bundle, folder, settings, ...change, signal };
  const started = startEmulator(options).then((result) => {
    onTestFinished(() => void process.kill(result.running.pid, 'SIGKILL'));
    return result;
  });
  return { folder, options, started };
}

describe('starting the emulator', () => {
  it('passes folder, port and a clean environment, and returns when the emulator listens', async () => {
    const print = "console.log(process.argv.slice(2).join(' '), process.env.FROM_NODE);";
    const { folder, started } = start(`${print} setTimeout(publish, 30); setInterval(() => {}, 1e6);`);
    const { running, isOurs } = await started;
    expect(isOurs).toBe(true);
    expect(isAlive(running)).toBe(true);
    expect(readFileSync(outputFile(folder), 'utf8')).toBe(`start --json --data ${folder} --port 7 --isolation off 1\n`);
    expect(statSync(folder).mode & 0o077).toBe(0);
  });

  it('passes the time scale, the allowed web pages and the shared folders', async () => {
    const print = "console.log(process.argv.slice(10).join(' '));";
    const settings = startArguments({
      ...unset,
      timeScale: 60,
      allowedOrigins: ['http://localhost:3000', 'http://localhost:5173'],
      share: ['/models:rw'],
      huggingFaceCache: 'read',
      allowOutside: true,
    });
    const { folder, started } = start(`${print} publish(); setInterval(() => {}, 1e6);`, undefined, { settings });
    await started;
    expect(readFileSync(outputFile(folder), 'utf8')).toBe(
      '--time-scale 60 --allow-origin http://localhost:3000 --allow-origin http://localhost:5173 ' +
        '--share /models:rw --hugging-face read --allow-outside\n',
    );
  });

  it("passes the keychain's order through a pipe, not through arguments or environment", async () => {
    const folder = join(testFolder(), 'data');
    const bundle = join(folder, '..', 'bundle.cjs');
    const keychain = { wrappingKey: '0123456789abcdef'.repeat(4), want: 'seal' } as const;
    writeFileSync(
      bundle,
      `${publish}
      writeFileSync('received.json', JSON.stringify([readFileSync(0, 'utf8'), process.argv.slice(2), process.env]));
      publish(); setInterval(() => {}, 1e6);`,
    );
    const signal = new AbortController().signal;
    const { running } = await startEmulator({ node, bundle, folder, settings, keychain, signal });
    onTestFinished(() => void process.kill(running.pid, 'SIGKILL'));
    const [input, ...others] = JSON.parse(readFileSync(join(folder, 'received.json'), 'utf8'));
    expect(JSON.parse(input)).toEqual(keychain);
    expect(others[0]).toContain('--keychain');
    expect(JSON.stringify(others)).not.toContain(keychain.wrappingKey);
  });

  it('puts it in a process group of its own', async () => {
    const { started } = start('publish(); setInterval(() => {}, 1e6);');
    const { pid } = (await started).running;
    expect(Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[2])).toBe(pid);
  });

  it.each([
    [
      `console.error('${failure('PORT_IN_USE', 'Port 7 on 127.0.0.1 is already in use.')}'); process.exit(1)`,
      'Port 7 on 127.0.0.1 is already in use.',
      'useFreePorts',
    ],
    [
      `console.error('${failure('BUG', 'The store is broken.')}'); process.exit(1)`,
      'did not start: The store is broken. Report it.',
      undefined,
    ],
    ['process.exit(3)', 'The emulator did not start.', undefined],
  ])('reports why the emulator ended: %s', async (program, sentence, fix) => {
    await expect(start(program).started).rejects.toMatchObject({ message: expect.stringContaining(sentence), fix });
  });

  it('reports that Node is missing', async () => {
    const { options, started } = start('publish(); setInterval(() => {}, 1e6);');
    await started;
    const elsewhere = { ...options, folder: join(testFolder(), 'other'), node: { command: '/nowhere/node', env: {} } };
    await expect(startEmulator(elsewhere)).rejects.toMatchObject({ fix: 'howToInstallNode' });
  });

  it('joins an emulator that another window started first', async () => {
    const { folder, options, started } = start('publish(); setInterval(() => {}, 1e6);');
    const first = await started;
    writeFileSync(options.bundle, 'console.log("minifal already runs")');
    expect(await startEmulator({ ...options, folder })).toEqual({ running: first.running, isOurs: false });
  });

  it('ends the process when it is cancelled', async () => {
    const cancel = new AbortController();
    const { folder, started } = start(
      "writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1e6);",
      cancel.signal,
    );
    const readPid = () => Number(readFileSync(join(folder, 'pid'), 'utf8'));
    await expect.poll(readPid).toBeGreaterThan(0);
    const pid = readPid();
    const identity = { pid, processStart: processStart(pid) };
    cancel.abort();
    await expect(started).rejects.toMatchObject({ name: 'Cancelled' });
    expect(isAlive(identity)).toBe(false);
  });

  it('reports that the folder is a file', async () => {
    const file = join(testFolder(), 'file');
    writeFileSync(file, '');
    const options = { node, bundle: 'x', folder: file, settings, signal: new AbortController().signal };
    await expect(startEmulator(options)).rejects.toMatchObject({
      message: expect.stringContaining(file),
      fix: 'chooseDataFolder',
    });
  });
});
