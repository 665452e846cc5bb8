import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { firstProcess } from './first-process.ts';

const sources = join(import.meta.dirname, '../../runner');
const program = (tools: string) => firstProcess(sources, process.arch === 'x64' ? 'x86_64' : process.arch, tools);

/** The program with these words, below a shell that has set a limit. */
function start(limit: string, ...words: readonly string[]): ChildProcess {
  const line = `ulimit ${limit}; exec "$0" "$@"`;
  const child = spawn('sh', ['-c', line, program(testFolder()), ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGTERM'));
  return child;
}

it('is a program for every user, and written again if it is not whole', () => {
  const umask = process.umask(0o077);
  onTestFinished(() => void process.umask(umask));
  const tools = testFolder();
  const file = program(tools);
  const { mode, size } = statSync(file);
  expect(mode & 0o777).toBe(0o755);
  truncateSync(file, 10);
  expect([program(tools), statSync(file).size, readdirSync(tools).length]).toEqual([file, size, 1]);
});

it('is refused with the next step for a processor that minifal has no program for, and if a part is missing', () => {
  const tools = testFolder();
  const missing = (next: RegExp) => ({ code: 'CONTAINER_PROGRAM_MISSING', next: expect.stringMatching(next) });
  const refusal = (folder: string, machine: string) => {
    try {
      return firstProcess(folder, machine, tools);
    } catch (error) {
      return error;
    }
  };
  expect(refusal(sources, 'riscv64')).toMatchObject(missing(/x86-64 or ARM64.*--platform=linux\/amd64/));
  expect(refusal(testFolder(), 'x86_64')).toMatchObject(missing(/Install minifal again/));
  expect(readdirSync(tools)).toEqual([]);
});

describe.skipIf(process.platform !== 'linux')('the first process of a container', () => {
  it('takes more descriptors for itself only, and ends as its command does', async () => {
    const child = start('-Sn 30', '--', 'sh', '-c', 'ulimit -Sn; exit 7');
    const exit = once(child, 'exit');
    expect(await text(child.stdout as Readable)).toBe('30\n');
    expect(await exit).toEqual([7, null]);
  });

  it('gives its command the variables from a socket, and starts nothing if some are missing', async () => {
    const socket = join(testFolder(), 'variables');
    let sent = `A=1\0B=${'long '.repeat(20_000)}\nx\0PATH=${process.env.PATH}\0`;
    const server = createServer((end) => void end.on('error', () => undefined).end(sent));
    onTestFinished(() => void server.close());
    server.listen(socket);
    const run = async () => {
      const child = start('-n 100', `=${socket}`, '--', 'sh', '-c', 'printf "%s" "$A"; printf "%s" "$B" | wc -c');
      const exit = once(child, 'exit');
      return [await text(child.stdout as Readable), (await exit)[0]];
    };
    expect(await run()).toEqual(['', 71]);
    sent = sent.slice(0, -1);
    expect(await run()).toEqual(['', 71]);
    sent += '\0\0';
    expect(await run()).toEqual(['1100002\n', 0]);
    sent = '\0';
    expect(await run()).toEqual(['0\n', 0]);
  });

  it('rests while it has no descriptor for another client, and serves it later', async () => {
    const socket = join(testFolder(), 'socket');
    let served = 0;
    const server = createServer((end) => {
      served++;
      end.on('error', () => undefined).pipe(end);
    });
    onTestFinished(() => void server.close());
    server.listen(socket);
    const port = await freePort();
    const { pid } = start('-n 25', `${port}=${socket}`, '--', 'sleep', '1000');
    const asking = () => {
      const client = connect(port, '127.0.0.1').on('error', () => undefined);
      onTestFinished(() => void client.destroy());
      client.write('x');
      return client;
    };
    const patience = { timeout: 20_000 };
    await vi.waitUntil(() => asking() && served > 0, patience);
    const clients = Array.from({ length: 30 }, asking);
    await vi.waitUntil(() => served >= 8, patience);
    let rests = 0;
    const state = () => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '')[0];
    await vi.waitUntil(
      () => {
        rests = state() === 'S' ? rests + 1 : 0;
        return rests === 20;
      },
      { ...patience, interval: 5 },
    );
    for (const client of clients) client.destroy();
    const [last] = await once(asking(), 'data');
    expect(String(last)).toBe('x');
  });
});

async function freePort(): Promise<number> {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  free.close();
  await once(free, 'close');
  return port;
}
