import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { createCatalog } from '../../../catalog/catalog.ts';
import { revisionDefaults, scaleDefaults } from '../../../catalog/scale-settings.ts';
import type { Fleet } from '../../../fleet/types.ts';
import { mainMigrations } from '../../../migrations.ts';
import { createQueue } from '../../../queue/queue.ts';
import { testRequest } from '../../../queue/testing/requests.ts';
import type { RequestOutcome } from '../../../queue/types.ts';
import { openStore } from '../../../store/open.ts';
import { testHistory } from '../../../telemetry/requests/testing/history.ts';
import { platformError } from '../../../wire/errors.ts';
import type { WorkflowContents } from '../../../workflows/contents.ts';
import { createDispatcher } from '../../../workflows/dispatcher.ts';
import { createWorkflowRequests } from '../../../workflows/requests.ts';
import { createWorkflows } from '../../../workflows/workflows.ts';
import { createRoutes } from '../../routes.ts';
import { infoOf } from '../queue/submit.ts';
import { createCallApp } from '../workflows/call-app.ts';
import { account } from './bed.ts';

/**
 * One run of an emulator on the folder: the real store, queue, and workflows; apps answer when the test triggers it.
 */
export function life(folder: string) {
  const store = openStore(join(folder, 'main.db'), { migrations: mainMigrations, synchronous: 'FULL' });
  onTestFinished(() => store.close());
  const clock = () => 1_000;
  const errors: unknown[] = [];
  const queue = createQueue({ store, clock, report: (error) => errors.push(error) });
  const workflows = createWorkflows({ store, clock });
  const enqueued: string[] = [];
  const cancelled: string[] = [];
  const fleet: Pick<Fleet, 'enqueue' | 'enqueueRecovered' | 'cancel' | 'lease'> = {
    enqueue: ({ id }) => void enqueued.push(id),
    enqueueRecovered: (infos) => void enqueued.push(...infos.map(({ id }) => id)),
    cancel(id) {
      cancelled.push(id);
      void queue.complete(id, { kind: 'error', error: platformError('client_cancelled', 'cancelled') }, clock());
      return 'requested';
    },
    lease: async () => platformError('internal_error', 'not asked for'),
  };
  const catalog = createCatalog({ store, secretKey: Buffer.alloc(32), clock, account });
  catalog.putAlias({
    name: 'app',
    environmentName: 'main',
    revision: 'r1',
    authMode: 'private',
    scale: scaleDefaults,
    settings: revisionDefaults,
    machineTypes: [],
    validRegions: [],
    updatedAt: 0,
  });
  const routes = createRoutes({ catalog, workflows });
  const history = testHistory(folder);
  onTestFinished(() => history.close());
  const performed = createWorkflowRequests({
    workflows,
    queue,
    trace: history,
    callApp: createCallApp({ account, routes, queue, clock }),
    clock,
    report: (error) => void errors.push(error),
  });
  const requests = createDispatcher(fleet, performed);
  const publish = (name: string, contents: WorkflowContents) =>
    workflows.create({ name, title: name, contents, isPublic: false });
  const submit = async (id: string, body: string, path = '/', callerId: string = account.userId) => {
    const request = testRequest(id, {
      alias: 'workflows/flow',
      callerId,
      path,
      body: Buffer.from(body),
      headers: [],
    });
    await queue.submit(request);
    requests.enqueue(infoOf(request, 0));
  };
  /** As after a restart, but only for this request. */
  const recover = (id: string) => {
    const found = [...queue.unfinished()].filter(({ request }) => request.id === id);
    requests.enqueueRecovered(found.map(({ request, attempts }) => infoOf(request, attempts)));
  };
  const input = (id: string) => JSON.parse(Buffer.from(queue.submitted(id)?.body ?? []).toString());
  const answer = (id: string, outcome: RequestOutcome) => queue.complete(id, outcome, clock());
  const result = async (id: string) => {
    await expect.poll(() => queue.record(id)?.phase).toBe('COMPLETED');
    const outcome = queue.result(id);
    if (outcome?.kind !== 'response') return outcome?.error.type;
    return [outcome.response.status, JSON.parse(Buffer.from(outcome.response.body).toString())];
  };
  return {
    store,
    queue,
    history,
    workflows,
    requests,
    routes,
    errors,
    enqueued,
    cancelled,
    publish,
    submit,
    recover: recover,
    input,
    answer,
    result,
  };
}
