import { isPlatformVariable } from '../../wire/secrets.ts';
import type { RunnerSpec } from '../engine.ts';
import type { Sockets } from './sockets.ts';

type Variables = RunnerSpec['env'];

const keys: ReadonlySet<string> = new Set(['FAL_KEY', 'FAL_KEY_ID', 'FAL_KEY_SECRET', 'ISOLATE_CONTROLLER_AUTH_KEY']);
/** The container engine reads them, too. */
const ofGpus: ReadonlySet<string> = new Set(['CUDA_VISIBLE_DEVICES', 'NVIDIA_VISIBLE_DEVICES']);

function isSecret(name: string): boolean {
  return keys.has(name) || !(isPlatformVariable(name) || ofGpus.has(name));
}

/** The name of the socket. */
export const variablesSocket = 'variables';

/** The variables that the container engine may know, keep on the disk and show to everybody who asks it. */
export function shownVariables(env: Variables): Variables {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isSecret(name)));
}

/** The others: secrets, and the runner's key. */
export function secretVariables(env: Variables): Variables {
  return Object.fromEntries(Object.entries(env).filter(([name]) => isSecret(name)));
}

/**
 * Hands the secret ones to the first process of a container (runner/first/forward.c), once: it is the first to connect,
 * because it starts everything else. An empty text says that they are complete.
 */
export async function handOverVariables(sockets: Sockets, env: Variables): Promise<void> {
  const texts = Object.entries(secretVariables(env)).map(([name, value]) => `${name}=${value}\0`);
  let isTaken = false;
  await sockets.listen(variablesSocket, (socket) => {
    if (isTaken) return void socket.destroy();
    isTaken = true;
    socket.end(`${texts.join('')}\0`);
    socket.resume();
  });
}
