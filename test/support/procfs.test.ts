import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  listeningSockets,
  openFiles,
  processesMentioning,
  processIdentity,
  processTree,
  usedMemory,
} from './procfs.ts';

describe('listeningSockets', () => {
  it.each(['127.0.0.1', '::1', '0.0.0.0', '::', '::ffff:127.0.0.1'])('sees a server on %s', async (address) => {
    const server = createServer().listen(0, address);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(listeningSockets([process.pid])).toContainEqual({
      pid: process.pid,
      address: address.replace('::ffff:', ''),
      port,
    });
  });
});

describe('processes', () => {
  it('are found by parent and by what they mention, until they end', async () => {
    const mark = `mark-${process.pid}-${process.hrtime.bigint()}`;
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log("up")', mark]);
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const pid = child.pid ?? 0;
    expect(processTree(process.pid)).toContain(pid);
    expect(processesMentioning(mark)).toEqual([pid]);
    expect(processIdentity(pid)).toMatch(new RegExp(`^${pid} started at \\d+$`));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(processIdentity(pid)).toBeUndefined();
    expect(processesMentioning(mark)).toEqual([]);
  });
});

describe('the resources of a process', () => {
  it('sockets and memory are counted while they are held', async () => {
    const before = openFiles(process.pid);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    expect(openFiles(process.pid).sockets).toBe(before.sockets + 1);
    server.close();
    await once(server, 'close');
    expect(openFiles(process.pid).sockets).toBe(before.sockets);

    const used = usedMemory(process.pid) ?? 0;
    const held = Buffer.alloc(64 * 1024 * 1024, 1);
    expect(usedMemory(process.pid)).toBeGreaterThan(used + held.length / 2);
  });
});
