import { join } from 'node:path';
import { mainMigrations } from '../../migrations.ts';
import { openStore, type Store } from '../../store/open.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { createQueue, type QueueDeps } from '../queue.ts';
import type { RequestOutcome, SubmittedRequest } from '../types.ts';

/** For tests: a request with every field set. `change` overrides the fields that the test is about. */
export function testRequest(id: string, change: Partial<SubmittedRequest> = {}): SubmittedRequest {
  return {
    id,
    alias: 'app',
    callerId: 'local|minifal',
    method: 'POST',
    path: '/predict',
    query: 'a=1',
    headers: [['content-type', 'application/json']],
    body: Buffer.from(`{"id":"${id}"}`),
    priority: 'normal',
    submittedAt: 1_000,
    startBy: null,
    hint: null,
    noRetry: false,
    retries: { server_error: 2 },
    storeIo: true,
    webhook: null,
    ...change,
  };
}

export function testResponse(body = 'done', status = 200): RequestOutcome {
  return { kind: 'response', response: { status, headers: [['x-app', 'yes']], body: Buffer.from(body) } };
}

export function openTestStore(file: string): Store {
  return openStore(file, { migrations: mainMigrations, synchronous: 'FULL' });
}

/** A queue on disk that a test can reopen. */
export function testQueue(options: Partial<QueueDeps> = {}) {
  const file = join(testFolder(), 'minifal.db');
  const open = () => {
    const store = openTestStore(file);
    return { store, queue: createQueue({ store, clock: () => 5_000, ...options }) };
  };
  let current = open();
  return {
    get queue() {
      return current.queue;
    },
    get store() {
      return current.store;
    },
    async restart() {
      await current.queue.close();
      current.store.close();
      current = open();
    },
  };
}
