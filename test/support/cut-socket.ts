import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { engineEnv } from './container-engine.ts';

/**
 * Another socket of the engine, which can be cut, as if the engine had ended. Closed after the test.
 * @param folder where it is made
 */
export async function cutSocket(folder: string) {
  const path = join(folder, 'docker.sock');
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(engineEnv.DOCKER_HOST.slice('unix://'.length));
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => undefined).on('close', () => open.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  const listen = () => new Promise<void>((resolve) => server.listen(path, resolve));
  const cut = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of open) socket.destroy();
    await closed;
  };
  await listen();
  onTestFinished(cut);
  return { env: { DOCKER_HOST: `unix://${path}` }, listen, cut };
}
