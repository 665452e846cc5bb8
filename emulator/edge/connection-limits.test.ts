import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type ConnectionLimitsDeps, createConnectionLimits, maxConnectionsFor } from './connection-limits.ts';
import { peersOf } from './peers.ts';

/** A server whose connections go through the limits, and what happened to them. */
async function guarded({ used = false, ...options }: ConnectionLimitsDeps & { readonly used?: boolean }) {
  const limits = createConnectionLimits(options);
  const accepted: { readonly socket: Socket; readonly admitted: boolean }[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    accepted.push({ socket, admitted: limits.admit(socket) });
    if (used) limits.noteUse(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => {
    for (const { socket } of accepted) socket.destroy();
    server.close();
  });
  return {
    limits,
    port,
    accepted,
    /** Opens one more connection; resolves when the server has seen it. */
    async come() {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      onTestFinished(() => void socket.destroy());
      const before = accepted.length;
      await vi.waitFor(() => expect(accepted.length).toBeGreaterThan(before));
      return accepted[before];
    },
  };
}

describe('the number of connections', () => {
  it('is half of what remains after the reserve, and never more than 4096', () => {
    expect([256, 1024, 20_000, 1_000_000].map(maxConnectionsFor)).toEqual([96, 384, 4096, 4096]);
  });

  it('makes room for a new connection by closing the one that has been silent the longest', async () => {
    const { come, accepted, limits } = await guarded({ maxConnections: 4 });
    for (let n = 0; n < 4; n++) {
      const one = await come();
      if (n > 0 && one) limits.noteUse(one.socket);
    }
    expect((await come())?.admitted).toBe(true);
    expect(accepted.map(({ socket }) => socket.destroyed)).toEqual([true, false, false, false, false]);
  });

  it('allows no more than half of them to be silent', async () => {
    const { come, accepted } = await guarded({ maxConnections: 4 });
    for (let n = 0; n < 10; n++) await come();
    expect(accepted.filter(({ socket }) => !socket.destroyed).length).toBe(2);
  });

  it('refuses a new connection when none is silent, reports it once, and requests to close idle ones', async () => {
    const warnings: string[] = [];
    const closeIdle = vi.fn();
    const { come, limits } = await guarded({ maxConnections: 3, onRefused: (text) => warnings.push(text) });
    limits.onPressure(closeIdle);
    for (let n = 0; n < 3; n++) {
      const one = await come();
      if (one) limits.noteUse(one.socket);
    }
    for (let n = 0; n < 5; n++) expect((await come())?.admitted).toBe(false);
    expect(closeIdle).toHaveBeenCalledTimes(1);
    await vi.waitFor(() => expect(warnings.length).toBe(1));
    expect(warnings[0]).toMatch(/^Too many connections: refused 1\. 3 are open, of at most 3;/);
  });

  it('reuses the place of an idle connection that could be closed', async () => {
    const { come, limits, accepted } = await guarded({ maxConnections: 2 });
    limits.onPressure(() => accepted[0]?.socket.destroy());
    for (let n = 0; n < 2; n++) {
      const one = await come();
      if (one) limits.noteUse(one.socket);
    }
    expect((await come())?.admitted).toBe(true);
  });
});

describe.runIf(process.platform === 'linux')('one process', () => {
  it('gets at most three quarters of the connections, and the log names it', async () => {
    const warnings: string[] = [];
    let now = 0;
    const { port, accepted, come } = await guarded({
      used: true,
      maxConnections: 8,
      peersOf,
      clock: () => now,
      onRefused: (text) => warnings.push(text),
    });
    const greedy = spawn(process.execPath, ['-e', manyConnections(port, 8)], { stdio: 'ignore' });
    onTestFinished(() => void greedy.kill('SIGKILL'));
    await vi.waitFor(() => expect(accepted.length).toBe(8), 10_000);
    now += 20_000;
    await come();
    await vi.waitFor(() => {
      expect(accepted.slice(0, 8).filter(({ socket }) => !socket.destroyed).length).toBe(6);
      expect(warnings.join('\n')).toContain(`Most come from process ${greedy.pid} (`);
    }, 10_000);
  });
});

function manyConnections(port: number, count: number): string {
  return (
    `for (let n = 0; n < ${count}; n++) require('node:net').connect(${port}, '127.0.0.1').on('error', ` +
    "() => {}).write('x'); setInterval(() => {}, 1000)"
  );
}
