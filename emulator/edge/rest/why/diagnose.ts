import { age } from '../../../local/age.ts';
import { wasDecided } from '../../../telemetry/runners.ts';
import type { Diagnosis } from '../../../wire/diagnosis.ts';
import { platformErrorStatus } from '../../../wire/errors.ts';
import type { AppFacts, Facts, RequestFacts, RunnerFacts } from './facts.ts';
import { lasting, type Named, quoted } from './named.ts';
import { correctApp, lastFailure, lines, startCause } from './starts.ts';
import { lineCause, waitCause } from './waits.ts';

/** Names the cause for what was asked about, from facts alone. Pure. */
export function diagnose(facts: Facts): Diagnosis {
  const { asked, request, runner, app } = facts;
  const named = causeOf(facts);
  const known = asked === 'request' ? request?.traced : asked === 'runner' ? runner?.record : undefined;
  const subject = { kind: asked, id: known?.id ?? app.alias, number: known?.number ?? null, alias: app.alias };
  return { subject, change: null, next: null, since: null, until: null, ...named };
}

function causeOf(facts: Facts): Named {
  const { asked, request, runner, app } = facts;
  if (asked === 'request' && request) return requestCause(facts, request);
  if (asked === 'runner' && runner) return runnerCause(facts, runner);
  return appCause(facts, app);
}

function requestCause(facts: Facts, request: RequestFacts): Named {
  const { now, runner } = facts;
  const { traced, reason } = request;
  if (traced.phase === 'COMPLETED') return endOf(request);
  if (reason !== null) return waitCause(facts, { ...request, reason });
  const since = traced.startedAt ?? traced.submittedAt;
  const on = traced.runner ? ` on runner ${traced.runner.number}` : '';
  if (runner?.debug === 'paused') {
    const summary = `It runs${on}, and the debugger has stopped it.`;
    return { cause: 'debugger_paused', summary, evidence: [], next: 'Continue in the debugger.', since };
  }
  const summary = `It has been running${on} for ${lasting(now - since)}.`;
  return { cause: 'running', summary, evidence: runner ? lines(runner, now) : [], since };
}

function endOf({ traced, exception }: RequestFacts): Named {
  const { error, status, attempts, completedAt: since } = traced;
  const tries = attempts > 1 ? [`It took ${attempts} attempts.`] : [];
  if (error?.type === 'client_cancelled' || error?.type === 'client_disconnected') {
    const summary = error.type === 'client_cancelled' ? 'It was cancelled.' : 'Its caller closed the connection.';
    return { cause: 'cancelled', summary, evidence: tries, since };
  }
  if (error?.type === 'request_timeout' && traced.startedAt === null) {
    const summary = 'Its start deadline passed before it got a runner.';
    const next = 'Allow more time to start (X-Fal-Request-Timeout), or keep runners ready (min_concurrency).';
    return { cause: 'start_deadline', summary, evidence: tries, next, since };
  }
  if (error !== null && error.type in platformErrorStatus && exception === undefined) {
    const evidence = [...(error.message ? [quoted(error.message)] : []), ...tries];
    return { cause: 'platform_error', summary: `It ended with ${error.type} (${status ?? '?'}).`, evidence, since };
  }
  if (error !== null || exception !== undefined || (status ?? 0) >= 500) {
    const { type, message } = exception ?? error ?? { type: `status ${status}`, message: '' };
    const place = error?.file ? [`Raised in ${error.file}, line ${error.line}.`] : [];
    const summary = `The app ended it with ${quoted(message ? `${type}: ${message}` : type)}`;
    const next = 'Read its lines in the log, filtered by this request.';
    return { cause: 'app_error', summary, evidence: [...place, ...tries], next, since };
  }
  return { cause: 'answered', summary: `It was answered with ${status ?? '?'}.`, evidence: tries, since };
}

function runnerCause(facts: Facts, runner: RunnerFacts): Named {
  const { app, now, timeScale } = facts;
  const { record, state, since, reason, requests, health, debug, expiresAt } = runner;
  const who = `Runner ${record.number}`;
  if (record.endedAt !== null) return runnerEnd(runner);
  if (reason !== null && ['no_room', 'no_gpu_slot', 'no_gpu_of_type', 'behind_for_gpu_slot'].includes(reason.code))
    return lineCause(facts, reason);
  if (state === 'FAILURE_DELAY') {
    const cause = reason?.code === 'supervisor_losses' ? 'supervisor_losses' : 'start_failures';
    const summary = `${who} waits before it starts again.`;
    return { cause, summary, evidence: lastFailure(app), since, until: reason?.until ?? null };
  }
  if (state === 'DOCKER_PULL') {
    const percent = reason?.numbers.percent ?? 0;
    return { cause: 'image_pull', summary: `${who} pulls its image: ${percent} % are here.`, evidence: [], since };
  }
  if (state === 'PENDING' || state === 'SETUP') return { ...startCause(runner, app, now), since };
  if (state === 'DRAINING') {
    const summary = `${who} finishes ${requests} of its requests and gets no more.`;
    return { cause: 'draining', summary, evidence: lastReason(runner), since };
  }
  if (state === 'TERMINATING')
    return { cause: 'terminating', summary: `${who} is ending.`, evidence: lastReason(runner), since };
  if (debug === 'paused') {
    const summary = `${who} was stopped by its debugger.`;
    return { cause: 'debugger_paused', summary, evidence: [], next: 'Continue in the debugger.', since };
  }
  if (health && health.failures > 0) {
    const summary = `${who} fails its health checks: ${health.failures} of ${health.limit} that end it.`;
    const full = (runner.usage?.cores ?? 0) > 0.9 ? ['It uses a whole core.'] : [];
    const evidence = [...(requests > 0 ? [`${requests} of its requests run.`] : []), ...full];
    const next =
      'Look for a blocking call in an `async` endpoint: while it runs, nothing else of the app is answered. ' +
      'Declare the endpoint without `async`, or move the call to a thread.';
    return { cause: 'health_failing', summary, evidence, next, since };
  }
  if (requests > 0) {
    const slots = app.around?.maxMultiplexing ?? 1;
    const summary = `${who} is busy: ${requests} of ${slots} slots have requests.`;
    return { cause: 'busy', summary, evidence: lines(runner, now), since };
  }
  if (expiresAt !== null) {
    const summary = `${who} is idle, and keep_alive ends it in ${age(expiresAt - now, timeScale)}.`;
    const change = `keep_alive is ${app.around?.scale.keepAliveSeconds ?? '?'} s.`;
    return { cause: 'keep_alive', summary, evidence: [], change, since, until: expiresAt };
  }
  const min = app.around?.scale.minConcurrency ?? 0;
  const summary = `${who} is idle and stays: min_concurrency, concurrency_buffer or waiting requests need it.`;
  const keep = app.around?.scale.keepAliveSeconds ?? '?';
  const change =
    min > 0
      ? `min_concurrency is ${min}; without it, the runner would end when it has been idle for keep_alive (${keep} s).`
      : null;
  return { cause: 'kept', summary, evidence: [], change, since };
}

function runnerEnd(runner: RunnerFacts): Named {
  const { record, transitions } = runner;
  const before = transitions.slice(0, -1);
  const wasEnded =
    before.some(({ state }) => state === 'TERMINATING' || state === 'DRAINING') ||
    // A runner that isn't ready, or is killed, is never seen ending.
    wasDecided(record.endReason ?? '');
  const summary = `Runner ${record.number} has ended.`;
  const evidence = record.endReason ? [quoted(record.endReason)] : [];
  const since = record.endedAt;
  if (wasEnded) return { cause: 'ended', summary, evidence, since };
  return { cause: 'crashed', summary, evidence, next: 'Read the last lines of its log.', since };
}

/** What the platform said when the runner got into its state. */
function lastReason({ transitions }: RunnerFacts): readonly string[] {
  const reason = transitions.at(-1)?.reason;
  return reason ? [quoted(reason)] : [];
}

function appCause(facts: Facts, app: AppFacts): Named {
  const { request, runner, now } = facts;
  const { counts, around } = app;
  if (request?.reason) {
    const named = waitCause(facts, { ...request, reason: request.reason });
    return { ...named, evidence: [`Request #${request.traced.number} is the next one.`, ...named.evidence] };
  }
  if (around?.rollout) {
    const who = runner ? `runner ${runner.record.number}` : 'its first runner';
    const summary = `A deploy waits until ${who} of the new revision is ready; until then, the old one serves.`;
    return { cause: 'rollout', summary, evidence: runner ? startCause(runner, app, now).evidence : [] };
  }
  if ((around?.failures ?? 0) > 0 && (counts?.ready ?? 0) === 0) {
    const summary = 'Its last start failed.';
    return { cause: 'start_failures', summary, evidence: lastFailure(app), next: correctApp };
  }
  if ((counts?.ready ?? 0) > 0)
    return {
      cause: 'serving',
      summary: `It serves: ${counts?.busy} of ${counts?.ready} runners are busy.`,
      evidence: [],
    };
  if ((counts?.starting ?? 0) > 0)
    return { cause: 'process_start', summary: 'A runner of it starts, and no request waits.', evidence: [] };
  const evidence = app.lastEnd ? [`Its last runner ended: ${quoted(app.lastEnd)}`] : [];
  const summary = 'Nothing runs, because nobody calls it; the first request starts a runner.';
  return {
    cause: 'scaled_to_zero',
    summary,
    evidence,
    change: 'With min_concurrency 1, a runner would be kept ready.',
  };
}
