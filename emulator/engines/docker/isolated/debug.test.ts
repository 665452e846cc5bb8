import { createServer, Socket } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { debugInContainer } from './debug.ts';

it('carries connections of the app to a debugger only while there is one', async () => {
  const sent = vi.fn();
  const { debugging, room } = debugInContainer({
    spec: { runnerId: 'runner', mode: 'serve' } as Parameters<typeof debugInContainer>[0]['spec'],
    isolated: { command: 'python', runner: '/runner', pythonOptions: [], firstPaths: [], extraPaths: [] },
    debuggers: { folder: '/debuggers', install: async () => '/debuggers/one' },
    send: sent,
    isOver: () => false,
    onState: () => undefined,
  });
  // After the debugger's end, any program may have its port.
  const others = vi.fn();
  const server = createServer(others).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await vi.waitFor(() => expect(server.listening).toBe(true));
  const { port } = server.address() as { readonly port: number };
  const asked = debugging.debug({ port, token: 'token' });
  await vi.waitFor(() => expect(sent).toHaveBeenCalled());
  debugging.reported({ event: 'debug', id: 'runner', state: 'failed', text: 'no', threads: 0 });
  expect(await asked).toMatchObject({ ok: false });
  const socket = new Socket();
  room.carry(socket);
  expect(socket.destroyed).toBe(true);
  expect(others).not.toHaveBeenCalled();
});
