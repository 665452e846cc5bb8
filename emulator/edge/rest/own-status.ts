import { Router } from 'express';
import type { Runner } from '../../scheduler/types.ts';
import type { Status } from '../../wire/status.ts';
import type { RestDeps } from './deps.ts';

const shownWaiting = 100;
const endedSinceMs = 60 * 60 * 1000;

/** `GET /minifal/status`: our own page, for `minifal status` and the panes. Reading it changes nothing. */
export function ownStatus(
  deps: Pick<RestDeps, 'catalog' | 'fleet' | 'runnerHistory' | 'hosts' | 'about' | 'trouble'>,
): Router {
  const router = Router();
  router.get('/minifal/status', (_request, response) => void response.json(statusOf(deps, Date.now())));
  return router;
}

/** Everything at a glance; runners that ended in the last hour are still told of. */
export function statusOf(
  { catalog, fleet, runnerHistory, hosts, about, trouble }: Parameters<typeof ownStatus>[0],
  now: number,
): Status {
  const owner = catalog.account.nickname;
  const aliases = catalog.aliases(null);
  const met = trouble();
  return {
    version: about.version,
    pid: process.pid,
    startedAt: about.startedAt,
    timeScale: about.timeScale,
    owner,
    secrets: about.secrets,
    trouble: met && `${met.message} ${met.next}`,
    troubleWhy: met && { kind: met.trouble, why: met.why },
    apps: aliases.map(({ name, revision, authMode }) => ({
      alias: name,
      revision,
      authMode,
      url: `https://${hosts.run}/${owner}/${name}`,
      queueSize: fleet.queueSize(name),
    })),
    runners: runnerHistory
      .since(now - endedSinceMs)
      .toReversed()
      .map(({ id, alias, revision, endedAt, endReason, startedAt }) => {
        const transitions = runnerHistory.transitions(id);
        const last = transitions.at(-1);
        return {
          id,
          alias,
          revision,
          state: last?.state ?? 'PENDING',
          since: last?.at ?? startedAt,
          requests: requestsOf(fleet.runner(id)),
          endedAt,
          endReason,
          transitions: [...transitions],
        };
      }),
    waiting: aliases
      .flatMap(({ name }) => fleet.waiting(name).map((request) => ({ ...request, alias: name })))
      .slice(0, shownWaiting)
      .map(({ id, alias, since }) => ({ requestId: id, alias, since, why: fleet.why(id) ?? '' })),
  };
}

function requestsOf(runner: Runner | undefined): string[] {
  const state = runner?.state;
  return state && 'attempts' in state ? state.attempts.map((attempt) => attempt.requestId) : [];
}
