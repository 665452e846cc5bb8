import { randomUUID } from 'node:crypto';
import type { SwapOutcome } from '../../../engines/engine.ts';
import type { ReloadOrder, ReloadResult } from '../../../fleet/types.ts';
import { UserError } from '../../../wire/errors.ts';
import type {
  ReloadAnswer,
  ReloadAudit,
  ReloadOutcome,
  ReloadRequest,
  ReloadRow,
  RunScaling,
} from '../../../wire/reload.ts';
import { decodeRun } from '../../../wire/services.ts';
import { type LiveRun, RunBusy } from '../../runs/live-runs.ts';
import { describeReload } from '../../runs/reload-words.ts';
import type { GrpcRooms } from '../deps.ts';
import { requireEnvironment } from '../environment.ts';
import { RpcError } from '../rpc-error.ts';
import { createAudits } from './run-audit.ts';
import { launchOf } from './run-launch.ts';
import { runScale, runSettings } from './run-settings.ts';
import { type RunRequest, runSchema } from './schemas.ts';
import type { RunSession } from './session.ts';

/** How long runners wait for requests that run on the old code. */
const patienceSeconds = 2;

interface Ended {
  readonly outcome: ReloadOutcome;
  readonly reason: ReloadAnswer['reason'];
  readonly runners: ReloadResult['runners'];
}

/**
 * The reloads of one run. A reload supersedes an earlier one whose environment is still being built, or whose new
 * runner is still starting. While runners exchange their code, it is refused with a RunBusy.
 */
export function createRunReloads(
  rooms: GrpcRooms,
  session: Pick<RunSession, 'alias' | 'request' | 'pump' | 'signal'>,
  hooks: {
    /** Called before the first runner is replaced. */
    readonly begins: () => void;
    /** The app is the one of this request from now on. */
    readonly accepted: (request: RunRequest) => void;
    /** What an audit found. */
    readonly audited: (sentence: string) => void;
  },
): LiveRun & { readonly scaled: () => ReturnType<typeof runScale> } {
  const { alias, pump, signal } = session;
  const { fleet, logs, clock } = rooms;
  let { request } = session;
  /** What the next version is compared with. */
  let accepted = alias;
  let latest: ReloadRow | null = null;
  const audits = createAudits(rooms, alias, signal);
  let scaling: RunScaling = 'pinned';
  let underWay: { readonly build: AbortController; isBuilt: boolean } | null = null;

  function wayOf({ verdict, delta, base }: ReloadRequest): ReloadOrder['how'] {
    const madeFor = base === undefined ? accepted : (base ?? alias);
    if (madeFor !== accepted) return 'restart';
    if (verdict === 'registration') return 'settings';
    return verdict === 'swap' && delta ? 'swap' : 'restart';
  }

  async function apply(order: ReloadRequest, next: RunRequest, gone: AbortSignal, built: () => void): Promise<Ended> {
    const revision = randomUUID();
    let launch: Awaited<ReturnType<typeof launchOf>>;
    try {
      requireEnvironment(rooms, next.environment_name);
      launch = await launchOf(rooms, next, { alias, revision }, pump, gone);
    } catch (error) {
      if (gone.aborted) return failed('superseded', 'A later save replaced it.');
      if (error instanceof UserError) return failed(error.code, `${error.message} ${error.next}`);
      if (error instanceof RpcError) return failed('not_built', error.message);
      throw error;
    }
    if (gone.aborted || launch.mode !== 'serve') {
      launch.release?.();
      if (gone.aborted) return failed('superseded', 'A later save replaced it.');
      return failed('not_an_app', 'The saved code is not an app any more.');
    }
    built();
    const how = wayOf(order);
    const change =
      how === 'swap' && order.delta ? { delta: Buffer.from(order.delta, 'base64'), patienceSeconds } : null;
    const target = {
      alias,
      revision,
      from: accepted,
      how,
      scale: runScale(next, scaling),
      settings: runSettings(next),
    };
    hooks.begins();
    // In the same turn: the first request on the new code may begin before the result is known.
    if (order.audit && change) audits.begin(launch, target.settings, (found) => audited(revision, found));
    else audits.cancel();
    const result = await fleet.reload(target, launch, change);
    if (result.kind !== 'swapped') audits.cancel();
    if (result.kind === 'failed') {
      const code = gone.aborted ? 'superseded' : 'not_started';
      return { ...failed(code, result.reason), runners: result.runners };
    }
    accepted = revision;
    request = next;
    hooks.accepted(next);
    const outcome = ({ swapped: 'swapped', restarted: 'restarted', applied: 'registered' } as const)[result.kind];
    return { outcome, reason: whyOf(order, how, result), runners: result.runners };
  }

  function conclude(order: ReloadRequest, { outcome, reason, runners }: Ended, since: number): ReloadAnswer {
    const at = clock();
    const serving = (fleet.counts(alias)?.ready ?? 0) > 0;
    const done = runners.flatMap(({ outcome: one }) => (one.ok ? [one] : []));
    const kept = [...new Set([...order.kept, ...done.flatMap((one) => one.kept)])];
    const facts = { outcome, ms: at - since, reason, kept: outcome === 'swapped' ? kept : [] };
    const sentence = describeReload({ ...facts, order, serving });
    const answer: ReloadAnswer = {
      ...facts,
      reason: reason && { ...reason, remedy: outcome === 'restarted' ? reason.remedy : null },
      runners: runners.map(({ id, outcome: one }) => ({ id, ...shownOutcome(one) })),
      cleared: [...new Set(done.flatMap((one) => one.cleared))],
      sentence,
      revision: accepted,
    };
    latest = rowOf(order, answer, at, outcome !== 'restarted' && (outcome !== 'failed' || serving));
    const isGood = outcome !== 'failed' && outcome !== 'kept';
    append(sentence, isGood);
    return answer;
  }

  /** A marked line of the run's log, with the news in its row. */
  function append(message: string, isGood: boolean): void {
    const line = { stream: null, runnerId: null, requestId: null, endpoint: null, revision: accepted } as const;
    const level = isGood ? 'INFO' : 'WARNING';
    logs.append({ at: clock(), level, source: 'BRIDGE', message, alias, ...line });
    rooms.runs.changed(alias);
  }

  function audited(revision: string, audit: ReloadAudit): void {
    if (latest === null || accepted !== revision) return;
    latest = { ...latest, audit };
    append(audit.sentence, audit.outcome === 'same' || audit.outcome === 'values');
    hooks.audited(audit.sentence);
  }

  return {
    async reload(order) {
      const since = clock();
      const plain = { reason: null, runners: [] };
      if (order.error) return conclude(order, { ...plain, outcome: 'kept' }, since);
      if (order.verdict === 'same') return conclude(order, { ...plain, outcome: 'unchanged' }, since);
      const next = parseRun(order.run ?? '');
      if (underWay?.isBuilt && !fleet.isRolling(alias)) throw new RunBusy();
      underWay?.build.abort();
      const mine = { build: new AbortController(), isBuilt: false };
      underWay = mine;
      const gone = AbortSignal.any([signal, mine.build.signal]);
      try {
        const ended = await apply(order, next, gone, () => {
          mine.isBuilt = true;
        });
        return conclude(order, ended, since);
      } finally {
        if (underWay === mine) underWay = null;
      }
    },
    latest: () => latest,
    scaling: () => scaling,
    setScaling(wanted) {
      scaling = wanted;
      fleet.applySettings(alias, runScale(request, scaling), runSettings(request));
      rooms.runs.changed(alias);
    },
    scaled: () => runScale(request, scaling),
  };
}

function parseRun(run: string): RunRequest {
  let message: object;
  try {
    message = decodeRun(Buffer.from(run, 'base64'));
  } catch {
    const next = 'Use the minifal that the emulator comes from.';
    throw new UserError('ARGUMENT_INVALID', "The reload's `run` is not a HostedRun message.", next);
  }
  return runSchema.parse(message);
}

function failed(code: string, text: string): Ended {
  return { outcome: 'failed', reason: { code, text, remedy: null }, runners: [] };
}

/** What decided: the first runner that refused, if none took the change; that no runner was asked; or the loader. */
function whyOf(
  { verdict, reason }: ReloadRequest,
  how: ReloadOrder['how'],
  { kind, runners }: ReloadResult,
): ReloadAnswer['reason'] {
  const first = runners.some(({ outcome }) => outcome.ok) ? undefined : runners[0]?.outcome;
  if (first && !first.ok) {
    const text = `The runner could not take over the change: ${first.text}.`;
    return { code: first.code, text, remedy: first.remedy };
  }
  if (verdict === 'swap' && kind === 'restarted') return how === 'swap' ? noRunner : otherBase;
  return reason ? { code: reason.code, text: reason.text, remedy: reason.remedy ?? null } : null;
}

const noRunner = {
  code: 'no_runner',
  text: 'No runner of the code before was ready.',
  remedy: 'A save is swapped once the app is ready',
};
const otherBase = {
  code: 'other_base',
  text: 'The change was made for other code than the app has.',
  remedy: 'The next save is compared with this one, and can be swapped',
};

function shownOutcome(outcome: SwapOutcome): Omit<ReloadAnswer['runners'][number], 'id'> {
  if (outcome.ok) return { outcome: 'swapped', reason: null, ms: outcome.ms, waitedMs: outcome.waitedMs };
  return { outcome: 'refused', reason: { code: outcome.code, text: outcome.text }, ms: null, waitedMs: null };
}

/** Characters of a certificate's JSON that the live row shows. */
const maxDetails = 4_000;
const maxNames = 20;
const maxShown = 1_000;

function rowOf(order: ReloadRequest, answer: ReloadAnswer, at: number, setupKept: boolean): ReloadRow {
  const { outcome, ms, sentence, reason, kept } = answer;
  const details = order.certificate ?? {};
  const isShort = JSON.stringify(details).length <= maxDetails;
  const changed = order.changed.map(({ path, what }) => `${path}: ${what}`);
  return {
    at,
    outcome,
    ms: order.afterSaveMs + ms,
    sentence: short(sentence),
    cause: order.cause?.file ?? null,
    reason: reason && { ...reason, text: short(reason.text), trail: shortAll(order.reason?.trail ?? []) },
    error: order.error ? { ...order.error, message: short(order.error.message) } : null,
    setupKept,
    audit: null,
    certificate: { ...(isShort ? details : {}), changed: shortAll(changed), kept: shortAll(kept) },
  };
}

function shortAll(texts: readonly string[]): string[] {
  return texts.slice(0, maxNames).map(short);
}

function short(text: string): string {
  return text.length > maxShown ? `${text.slice(0, maxShown - 1)}…` : text;
}
