import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { LocalCatalog } from '../../emulator/catalog/catalog.ts';
import { createQueue } from '../../emulator/queue/queue.ts';
import type { RequestOutcome, SubmittedRequest } from '../../emulator/queue/types.ts';
import type { Store } from '../../emulator/store/open.ts';
import { createLogs } from '../../emulator/telemetry/logs.ts';
import { createRunnerHistory } from '../../emulator/telemetry/runners.ts';

/** Fills a data folder without a running emulator, through the rooms themselves, like weeks of use. */

/**
 * Registers `count` more apps that are like the deployed one named `like`, each with three revisions, as redeploys
 * leave them.
 */
export function addApps(catalog: LocalCatalog, like: string, count: number): readonly string[] {
  const alias = catalog.alias(like);
  const revision = alias && catalog.revision(alias.revision);
  if (!alias || !revision) throw new Error(`${like} is not deployed`);
  return Array.from({ length: count }, (_, n) => {
    const name = `${like}-${n}`;
    const ids = [randomUUID(), randomUUID(), randomUUID()] as const;
    for (const id of ids) catalog.addRevision({ ...revision, id, alias: name });
    catalog.putAlias({ ...alias, name, revision: ids[2] });
    return name;
  });
}

export interface Amount {
  readonly finished: number;
  /** Requests of an app that isn't ready; the last tenth of them already has failed attempts. */
  readonly waiting: number;
  /** Ended runners of the last day. */
  readonly runners: number;
  readonly logLines: number;
}

export interface Filled {
  /** Ids of requests; `numberOf` gives the number that was sent in each. */
  readonly finished: readonly string[];
  readonly waiting: readonly string[];
}

/** The app's own answer to request number n. */
export function resultOf(number: number): string {
  return JSON.stringify({ number, text: `the answer to ${number} `.repeat(20) });
}

export async function addHistory(
  folder: string,
  store: Store,
  apps: { readonly open: readonly string[]; readonly closed: string },
  amount: Amount,
): Promise<Filled> {
  const clock = Date.now;
  const queue = createQueue({ store, clock });
  const finished = Array.from({ length: amount.finished }, () => randomUUID());
  const waiting = Array.from({ length: amount.waiting }, () => randomUUID());
  const began = clock() - 20 * 24 * 3_600_000;
  const at = (n: number) => began + Math.floor((n / amount.finished) * 19 * 24 * 3_600_000);
  const appOf = (n: number) => apps.open[n % apps.open.length] ?? apps.closed;

  // Writes that start together share a group commit.
  const group = 1_000;
  for (let first = 0; first < finished.length; first += group) {
    const some = finished.slice(first, first + group).map((id, n) => ({ id, n: first + n }));
    await Promise.all(some.map(({ id, n }) => queue.submit(request(id, appOf(n), n, at(n)))));
    for (const { id, n } of some) queue.begin(id, { attemptId: id, runnerId: randomUUID(), at: at(n) + 5 });
    await Promise.all(some.map(({ id, n }) => queue.complete(id, outcome(n), at(n) + 350)));
  }
  await Promise.all(waiting.map((id, n) => queue.submit(request(id, apps.closed, n, clock()))));
  for (const id of waiting.slice(amount.waiting * 0.9)) {
    for (let attempt = 0; attempt < 3; attempt++) {
      queue.begin(id, { attemptId: randomUUID(), runnerId: randomUUID(), at: clock() });
      queue.requeue(id);
    }
  }
  await queue.close();

  const history = createRunnerHistory({ store, clock });
  for (let n = 0; n < amount.runners; n++) {
    const id = randomUUID();
    const startedAt = clock() - Math.floor(20 * 3_600_000 * (1 - n / amount.runners));
    history.started({ id, alias: appOf(n), revision: randomUUID(), machineType: 'XS', startedAt });
    for (const state of ['PENDING', 'SETUP', 'IDLE', 'RUNNING', 'IDLE', 'TERMINATING', 'TERMINATED']) {
      history.transition(id, { at: startedAt, state, reason: 'a sentence that says why it changed' });
    }
    history.ended(id, startedAt + 60_000, 'it was idle for keep_alive');
  }

  const logs = createLogs({ file: join(folder, 'logs.db'), maxBytes: 1024 ** 3 });
  for (let n = 0; n < amount.logLines; n++) {
    const place = { alias: appOf(n), revision: null, runnerId: null, requestId: finished[n % finished.length] ?? null };
    const kind = { level: 'STDOUT', source: 'USER', stream: 'stdout', endpoint: '/' } as const;
    logs.append({ ...kind, ...place, at: at(n % amount.finished), message: `line ${n}: something that an app says` });
  }
  logs.close();
  return { finished, waiting };
}

function request(id: string, alias: string, number: number, submittedAt: number): SubmittedRequest {
  return {
    id,
    alias,
    callerId: 'local|minifal',
    method: 'POST',
    path: '/',
    query: '',
    headers: [
      ['content-type', 'application/json'],
      ['user-agent', 'fal-client/1.0'],
      ['x-fal-request-id', id],
      ['x-fal-caller-user-id', 'local|minifal'],
      ['x-fal-endpoint', `local/${alias}/`],
    ],
    body: Buffer.from(JSON.stringify({ number, prompt: 'a prompt of the usual length, a sentence or two '.repeat(6) })),
    priority: 'normal',
    submittedAt,
    startBy: null,
    hint: null,
    noRetry: false,
    retries: {},
    storeIo: true,
    webhook: null,
  };
}

/** One of twenty requests failed. */
export function failed(number: number): boolean {
  return number % 20 === 19;
}

function outcome(number: number): RequestOutcome {
  const headers = [
    ['content-type', 'application/json'],
    ['x-fal-billable-units', '1'],
  ] as const;
  const [status, body] = failed(number) ? [422, `{"detail":"number ${number}"}`] : [200, resultOf(number)];
  return { kind: 'response', response: { status, headers, body: Buffer.from(body) } };
}
