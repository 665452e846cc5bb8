import { Router } from 'express';
import type { RestDeps } from './deps.ts';
import { openEventStream } from './event-stream.ts';
import { statusOf } from './own-status.ts';

/** At most one event in this time; whoever watches a busy app sees states, not every step between them. */
const coalesceMs = 100;
/** While something waits, whose reason counts seconds. Not each of them: a row that is drawn anew loses its tooltip. */
const retoldMs = 5_000;

/**
 * `GET /minifal/events`: the object of `/minifal/status` as server-sent events, first at once, then after every change of
 * runners, aliases and queues, and every five seconds while a request waits; comments keep a quiet stream open. Runners tell of their changes; the catalog and the queues
 * have no such signal, so a short print of them is compared while somebody listens. Reading changes nothing.
 */
export function ownEvents(
  deps: Pick<RestDeps, 'catalog' | 'fleet' | 'runnerHistory' | 'hosts' | 'about' | 'trouble' | 'report'>,
): Router {
  const router = Router();
  router.get('/minifal/events', (_request, response) => {
    const first = statusOf(deps, Date.now());
    const stream = openEventStream(response);
    stream.send(first);
    let shown = print(deps);
    let moved = false;
    const unfollow = deps.runnerHistory.follow(() => {
      moved = true;
    });
    const timer = setInterval(() => {
      try {
        const now = print(deps);
        if (!moved && now === shown) return;
        moved = false;
        shown = now;
        stream.send(statusOf(deps, Date.now()));
      } catch (error) {
        deps.report(error);
        response.destroy();
      }
    }, coalesceMs);
    stream.onClose(() => {
      clearInterval(timer);
      unfollow();
    });
  });
  return router;
}

/** Differs when something that no runner's transition tells of has changed, or a waiting request's reason is old. */
function print({ catalog, fleet, trouble }: Pick<RestDeps, 'catalog' | 'fleet' | 'trouble'>): string {
  const aliases = catalog
    .aliases(null)
    .map(({ name, revision, authMode, updatedAt }) => [name, revision, authMode, updatedAt, fleet.queueSize(name)]);
  const loads = fleet.runners().map(({ id, state }) => [id, 'attempts' in state ? state.attempts.length : 0]);
  const waits = aliases.some(([, , , , queueSize]) => queueSize !== 0);
  return JSON.stringify([aliases, loads, trouble()?.message, waits ? Math.floor(Date.now() / retoldMs) : null]);
}
