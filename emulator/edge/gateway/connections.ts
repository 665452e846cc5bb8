import { Agent } from 'node:http';
import type { RunnerAddress } from '../../engines/engine.ts';

/**
 * Connections to runners that are used again, only where that can't be mistaken for something else. A server that closes a
 * kept connection at the moment of reuse looks like one that died with the request: a healthy runner would be ended. So:
 *
 * - a runner's connections are reused only after one of them was seen to stay open unused (servers that hang up after each answer
 *   without saying so are found out, and get a connection per request);
 * - one that was unused for longer than any usual server's patience begins (uvicorn 5 s, gunicorn 2 s) is not reused;
 * - what a server says (`Connection: close`, `Keep-Alive: timeout`) is obeyed by node.
 *
 * Worth it: a connection of its own costs a request 0.6 ms of both ends' time (measured).
 */
export interface RunnerConnections {
  /** For `http.request`'s `agent`; `false`: a connection of its own. */
  agentFor(address: RunnerAddress): Agent | false;
}

const reusableMs = 1_000;
const provenAfterMs = 50;
const most = { maxFreeSockets: 256, maxSockets: Number.POSITIVE_INFINITY };

export function createRunnerConnections(): RunnerConnections {
  /** By the address object, which lives as long as its runner: the next runner on the same port starts unproven. */
  const agents = new WeakMap<RunnerAddress, { readonly agent: Agent; isProven: boolean }>();
  return {
    agentFor(address) {
      const known = agents.get(address);
      if (known) return known.isProven ? known.agent : false;
      const agent = new Agent({ keepAlive: true, timeout: reusableMs, scheduling: 'lifo', ...most });
      const entry = { agent, isProven: false };
      agents.set(address, entry);
      agent.once('free', (socket) => {
        setTimeout(() => {
          entry.isProven = !socket.destroyed && socket.readable;
        }, provenAfterMs).unref();
      });
      return agent;
    },
  };
}
