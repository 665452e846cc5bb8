import { z } from 'zod';
import { type EngineApi, isRefusal } from '../../local/docker/api.ts';

/** The network of all runners: they reach the internet, but not each other. */
export const networkName = 'minifal';

const networksSchema = z.array(z.object({ Id: z.string(), Name: z.string(), Created: z.string() }));

/**
 * Finds or makes the network of runners. Emulators that start together may make one each; the oldest is kept, because
 * all of them agree on that one, and an engine refuses to start containers while there are several.
 * @returns its id
 */
export async function ensureNetwork(api: EngineApi): Promise<string> {
  const [oldest] = await tidied(api);
  if (oldest !== undefined) return oldest;
  try {
    const body = {
      Name: networkName,
      CheckDuplicate: true,
      Driver: 'bridge',
      Options: { 'com.docker.network.bridge.enable_icc': 'false' },
    };
    await api.send({ method: 'POST', path: '/networks/create', body });
  } catch (error) {
    // Another emulator has just created it.
    if (!isRefusal(error, 409)) throw error;
  }
  const [made] = await tidied(api);
  if (made === undefined) throw new Error(`The network ${networkName} was removed while it was made.`);
  return made;
}

/** Whether a container didn't start because there are several networks of that name, or its own was removed. */
export function isNetworkTrouble(error: unknown): boolean {
  return isRefusal(error, 400, 404, 409, 500) && /network .*(ambiguous|not found)/i.test(error.message);
}

/** The networks of that name, the oldest first; the others are removed if nothing uses them. */
async function tidied(api: EngineApi): Promise<readonly string[]> {
  const filters = JSON.stringify({ name: [networkName] });
  const found = await api.ask({ method: 'GET', path: '/networks', query: { filters } }, networksSchema);
  const ids = found
    .filter(({ Name }) => Name === networkName)
    .sort((a, b) => Date.parse(a.Created) - Date.parse(b.Created) || (a.Id < b.Id ? -1 : 1))
    .map(({ Id }) => Id);
  for (const id of ids.slice(1)) {
    await api.send({ method: 'DELETE', path: `/networks/${id}` }).catch((error: unknown) => {
      // 403: a container uses it; the others: it is gone, or just being removed.
      if (!isRefusal(error, 403, 404, 409, 500)) throw error;
    });
  }
  return ids;
}
