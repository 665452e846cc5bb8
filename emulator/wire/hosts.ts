/** Where the hosts answer, as clients write them: `localhost:PORT`. */
export interface Hosts {
  readonly api: string;
  readonly run: string;
  readonly queue: string;
  readonly ws: string;
}

/** The only spellings of a loopback host that we accept. */
export function loopbackHosts(port: number): readonly string[] {
  return [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`];
}

/**
 * Names below localhost: older SDKs derive `queue.` and `ws.` from the run host, and `wma.` is the bridge of WebRTC
 * sessions.
 */
export const namesBelowLocalhost = ['queue.localhost', 'ws.localhost', 'wma.localhost'] as const;

/** The accepted spellings of a host that serves `authority` (`localhost:PORT` or a name below localhost). */
export function spellingsOf(authority: string): readonly string[] {
  const [name = '', port = ''] = authority.split(':');
  return name === 'localhost' ? loopbackHosts(Number(port)) : [authority];
}
