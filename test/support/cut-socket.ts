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
  let isHung = false;
  const server = createServer((near) => {
    if (isHung) near.pause();
    const far = connect(engineEnv.DOCKER_HOST.slice('unix://'.length));
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => undefined).on('close', () => open.delete(socket));
    }
    if (isHung) open.add(near);
    else near.pipe(far).pipe(near);
  });
  const listen = () => new Promise<void>((resolve) => server.listen(path, resolve));
  const cut = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of open) socket.destroy();
    await closed;
    isHung = false;
  };
  /** From now on it accepts connections, but nothing comes back, until the socket is cut. */
  const hang = (): void => {
    isHung = true;
    for (const socket of open) socket.unpipe().pause();
  };
  await listen();
  onTestFinished(cut);
  return { env: { DOCKER_HOST: `unix://${path}` }, listen, cut, hang };
}
