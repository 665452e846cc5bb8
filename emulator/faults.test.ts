import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createCatalog } from './catalog/catalog.ts';
import { revisionDefaults, scaleDefaults } from './catalog/scale-settings.ts';
import { openSecretKey } from './catalog/secrets/secret-key.ts';
import type { Fleet, Launch } from './fleet/types.ts';
import { type Emulator, startEmulator } from './main.ts';
import { openTestStore } from './queue/testing/requests.ts';
import { createFaults, type Faults } from './testing/faults.ts';

/**
 * The real emulator with real ports in this process, but for builds and the engine. Every function that goes between
 * main.ts and these rooms is made to throw once while two apps are under load: one may suffer, the other must not
 * notice.
 */
const rooms = vi.hoisted(() => ({ faults: undefined as unknown, fleet: undefined as unknown }));
type Factory = (deps: never) => unknown;

const watched = vi.hoisted(() => (name: string, create: Factory) => (deps: never) => {
  const faults = rooms.faults as Faults;
  const room = faults.watch(name, create(faults.watch(`${name} deps`, deps)));
  if (name === 'fleet') rooms.fleet = room;
  return room;
});
vi.mock('./local/loop/contain.ts', async (original) => {
  const real = await original<typeof import('./local/loop/contain.ts')>();
  const contain: typeof real.contain = (...parts) => {
    const faults = rooms.faults as Faults | undefined;
    return (faults ? faults.guard(real.contain) : real.contain)(...parts);
  };
  return { ...real, contain };
});
vi.mock('./queue/queue.ts', async (original) => {
  const real = await original<typeof import('./queue/queue.ts')>();
  return { ...real, createQueue: watched('queue', real.createQueue as Factory) };
});
vi.mock('./fleet/fleet.ts', async (original) => {
  const real = await original<typeof import('./fleet/fleet.ts')>();
  return { ...real, createFleet: watched('fleet', real.createFleet as Factory) };
});
vi.mock('./exchange/exchange.ts', async (original) => {
  const real = await original<typeof import('./exchange/exchange.ts')>();
  return { ...real, createExchange: watched('exchange', real.createExchange as Factory) };
});
vi.mock('./webhooks/webhooks.ts', async (original) => {
  const real = await original<typeof import('./webhooks/webhooks.ts')>();
  return { ...real, createWebhooks: watched('webhooks', real.createWebhooks as Factory) };
});
vi.mock('./telemetry/notes.ts', async (original) => {
  const real = await original<typeof import('./telemetry/notes.ts')>();
  return { ...real, createNoteRecorder: watched('notes', real.createNoteRecorder as Factory) };
});
vi.mock('./engines/process/process-engine.ts', async () => {
  const { createTestEngine } = await import('./testing/engine.ts');
  return { createProcessEngine: watched('engine', () => ({ ...createTestEngine(), missing: () => [] })) };
});
vi.mock('./builds/virtualenv/builder.ts', () => ({
  createVirtualenvBuilder: () => ({
    build: async () => ({ kind: 'built', cached: true, environment: { kind: 'virtualenv', id: 'e' } }),
    close: async () => undefined,
  }),
}));

/** What reports and reports the time is what everybody relies on: it can't throw (own-log.test.ts). */
const reliedOn = /\b(report|clock)\b/;
/** Not called for an app that is under load, with the reason. */
const notUnderLoad: readonly (readonly [reason: string, names: RegExp])[] = [
  [
    'for all apps, at the start, the end or in between',
    /^(engine|fleet|queue|webhooks)\.(close|missing|prune|unfinished|enqueueRecovered|takeNumber|resume|settled)$/,
  ],
  ['for all apps, once per follower', /^(engine|fleet|queue|webhooks)\.follow(\(\))?$/],
  ['the recorder of secrets: it masks every text, of whatever app', /\bmask\b/],
  [
    'of a runner that hangs, or is ended by its app or a person',
    /^engine\.start\(\)\.(checkTcp|kill)$|\.lease\(\)\.reason$/,
  ],
  [
    'what a caller asks for, in whose own handler it throws',
    /^queue\.recent$|^engine\.wantPlaces$|^fleet\.(metricsPage|gpuProblem|whyRunner|health|\w+Circumstances)$/,
  ],
  ['when an environment was built, in the handler of who had it built', /^engine\.warm$/],
  ['what calls a timer off before it is over', /^webhooks deps\.later\(\)$/],
  ['what the real engine alone calls', /^engine deps\.|^engine\.start\(1\)\.(done|step)$/],
  ['what a reload calls, in whose own handler it throws', /^fleet\.reload$|^engine\.start\(\)\.swap$/],
  ['of all runners, once a second, in a guard', /^fleet deps\.onUsage$/],
  ['of GPUs, which no app has here', /^fleet\.(failGpu|gpus|setGpus)$|^fleet deps\.onGpuUse$|\.lease\(\)\.answer$/],
  ['of a websocket, which nobody opens here', /^exchange\.openTunnel$/],
  ['what hands an answer on, of a caller who is then cut off', /^exchange\.stream\(2\)\./],
  ['a submit that fails', /^webhooks\.withdraw$/],
  ['a piece of a transaction, which then runs alone once more', /^(queue\.submit\(2\)|webhooks\.expect\(\))$/],
];

const patienceMs = 20_000;
let folder: string;
let emulator: Emulator;
let stop: () => Promise<void>;
let hook: string;
const faults = createFaults('victim', /^webhooks|^fleet\.setDebugFollowed$/);
const fleet = () => rooms.fleet as Fleet;

beforeAll(async () => {
  rooms.faults = faults;
  folder = mkdtempSync(join(tmpdir(), 'minifal-faults-'));
  const store = openTestStore(join(folder, 'minifal.db'));
  const catalog = createCatalog({ store, clock: Date.now, secretKey: openSecretKey(folder).key });
  for (const name of ['victim', 'other']) deployTo(catalog, name);
  store.close();
  const receiver = createServer((request, response) => {
    const status = { '/bad': 500, '/elsewhere': 302 }[request.url ?? ''] ?? 200;
    request.resume().on('end', () => response.writeHead(status).end());
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  hook = `fal_webhook=${encodeURIComponent(`http://localhost:${(receiver.address() as AddressInfo).port}/`)}`;
  emulator = await startEmulator({
    folder,
    port: 0,
    version: 'test',
    allowedOrigins: [],
    timeScale: 1000,
    retentionDays: 1,
    print: () => undefined,
    onGone: () => undefined,
    maxRunners: 100,
    machineLimits: 'warn',
    isolation: 'off',
  });
  stop = async () => {
    receiver.close();
    await emulator.close();
  };
});
afterAll(async () => {
  await stop?.();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

it('hides keys in what the last resort says of a bug', () => {
  const key = readFileSync(join(folder, 'key'), 'utf8').trim();
  expect(emulator.mask(`cannot use ${key}`)).toBe('cannot use ********');
});

it('outlives a bug in any callback: one app at most suffers, and the log names it', async () => {
  faults.called(); // of the start
  await suffer('no fault', atWork);
  const all = new Set<string>();
  // A webhook that failed is tried again after 5 s.
  await vi.waitFor(() => {
    for (const name of faults.called()) all.add(name);
    expect(all).toContain('webhooks deps.later(1)');
  }, patienceMs);
  const ofCalls = namesOf([...all]);
  await suffer('no fault', people);
  const ofPeople = namesOf(faults.called()).filter((name) => !ofCalls.includes(name));
  for (const name of [...ofCalls, ...ofPeople]) {
    faults.arm(name);
    // Again if a runner that ended meanwhile kept the work from coming that far.
    for (let tries = 0; tries < 3 && faults.thrown() === undefined; tries++) {
      await suffer(name, ofCalls.includes(name) ? atWork : people);
      await vi.waitFor(() => expect(faults.thrown()).toBeDefined(), patienceMs).catch(() => undefined);
    }
    expect(faults.thrown(), name).toBeDefined();
    expect(await direct('victim', { after: name }), name).toEqual({ after: name });
    expect(log().includes(`injected into ${name}`), `the log names ${name}`).toBe(true);
  }
  expect(namesOf(faults.known()).filter((name) => ![...ofCalls, ...ofPeople].includes(name))).toEqual([]);
  expect(ofCalls.length).toBeGreaterThan(40);
  expect(ofPeople.length).toBeGreaterThan(20);
}, 600_000);

function namesOf(all: readonly string[]): readonly string[] {
  return all.filter((name) => !reliedOn.test(name) && !notUnderLoad.some(([, names]) => names.test(name)));
}

/** Of the other app every call must succeed; of the victim everything that was accepted must end. */
async function suffer(fault: string, work: () => Promise<readonly PromiseSettledResult<unknown>[]>): Promise<void> {
  const [ends] = await Promise.all([work(), unharmed('other', fault)]);
  for (const end of ends) {
    if (end.status === 'rejected' && end.reason instanceof Forgotten) throw new Error(fault, { cause: end.reason });
  }
}

/** What callers do with the victim. */
function atWork(): Promise<readonly PromiseSettledResult<unknown>[]> {
  const app = 'victim';
  return Promise.allSettled([
    queued(app, `/?${hook}`),
    queued(app, '/again'),
    queued(app, '/die', { 'x-fal-no-retry': '1' }),
    cancelled(),
    direct(app, {}),
    queued(app, `/?${hook}bad`),
    queued(app, `/?${hook}elsewhere`),
  ]);
}

async function unharmed(app: string, fault: string): Promise<void> {
  try {
    for (let n = 0; n < 4; n++) {
      expect(await direct(app, { n })).toEqual({ n });
      expect(await queued(app, '/')).toBe(200);
    }
  } catch (error) {
    throw new Error(`${app} noticed a fault in ${fault}`, { cause: error });
  }
}

class Forgotten extends Error {}

/** What people do with it. */
function people(): Promise<readonly PromiseSettledResult<unknown>[]> {
  const doings = [running(), changing()].map((doing) =>
    doing.catch((error: unknown) => {
      // As the control plane does, which is the caller otherwise.
      if (!(error instanceof Forgotten)) emulator.report(error);
      throw error;
    }),
  );
  return Promise.allSettled(doings);
}

async function running(): Promise<void> {
  const gone = new AbortController();
  const name = `victim-function-${Math.random()}`;
  const run = await inTime(fleet().runFunction(name, functionLaunch, revisionDefaults, gone.signal));
  if (run.kind === 'ended') run.dispose();
}

async function changing(): Promise<void> {
  const unwatch = fleet().watchRunners('victim', () => undefined);
  fleet().waitForDebugger('victim', true);
  fleet().applySettings('victim', scale, revisionDefaults);
  fleet().lastFailure('victim');
  fleet().why('victim');
  fleet().waiting('victim', 9);
  fleet().queueSize('victim');
  fleet().waitingSize('victim');
  fleet().stopRunner('victim', false);
  fleet().removeAlias('victim-gone');
  fleet().isRolling('victim');
  fleet().counts('victim');
  await direct('victim', {});
  for (const { id } of fleet().runners('victim')) {
    fleet().runner(id);
    const io = { output: () => undefined, drained: () => undefined, exited: () => undefined };
    const session = fleet().exec(id, ['true'], { tty: false }, io);
    for (const act of [session?.pause, session?.resume, session?.closeInput, session?.kill]) act?.();
    session?.write(Buffer.from('x'));
    session?.resize({ rows: 1, columns: 1 });
    fleet().probeOnDemand(id);
    fleet().expirationCountdownSeconds(id);
    fleet().expiry(id);
    fleet().usage(id);
    await fleet().debug(id, { port: 1, token: 'of an adapter' });
    await fleet().stacks(id);
  }
  fleet().waitForDebugger('victim', false);
  fleet().rollout('victim', false);
  await direct('victim', {});
  for (const { id } of fleet().runners('victim')) fleet().killRunner(id);
  await fleet().flush('victim');
  await fleet().deploy({
    alias: 'victim',
    revision: 'victim-r1',
    scale,
    settings: revisionDefaults,
    strategy: 'recreate',
  });
  unwatch();
  // Last, because the live state asks about everything and would meet most faults first.
  await following();
}

/** An editor comes, gets the live state, and leaves. */
async function following(): Promise<void> {
  const gone = new AbortController();
  const response = await inTime(ask('api', '/minifal/events', { signal: gone.signal }));
  await inTime(response.body?.getReader().read() ?? Promise.reject(new Forgotten('the live state is missing')));
  gone.abort();
}

async function queued(app: string, path: string, headers = {}): Promise<number> {
  const id = await submitted(app, path, headers);
  const stream = call('queue', `/${app}/requests/${id}/status/stream?logs=1`)
    .then((response) => response.text())
    .catch(() => '');
  const status = await ended(app, id);
  await inTime(stream);
  return status;
}

async function cancelled(): Promise<void> {
  const id = await submitted('victim', '/slow');
  await vi.waitFor(async () => {
    const response = await call('queue', `/victim/requests/${id}/status`);
    expect(JSON.stringify(await response.json())).toMatch(/IN_PROGRESS|COMPLETED/);
  }, patienceMs);
  const again = setInterval(() => {
    // A bug may have swallowed the first one.
    call('queue', `/victim/requests/${id}/cancel`, { method: 'PUT' }).catch(() => undefined);
  }, 100);
  await ended('victim', id).finally(() => clearInterval(again));
}

async function submitted(app: string, path: string, headers = {}): Promise<string> {
  const response = await call('queue', `/${app}${path}`, { method: 'POST', body: '{}', headers });
  const answer = (await response.json()) as { readonly request_id?: string };
  if (answer.request_id === undefined) throw new Error(`${response.status} ${JSON.stringify(answer)}`);
  return answer.request_id;
}

/** The status of the result, when there is one. */
async function ended(app: string, id: string): Promise<number> {
  const end = performance.now() + patienceMs;
  while (performance.now() < end) {
    const response = await call('queue', `/${app}/requests/${id}/status`);
    if (((await response.json()) as { readonly status?: string }).status === 'COMPLETED') {
      const result = await call('queue', `/${app}/requests/${id}`);
      await result.arrayBuffer();
      return result.status;
    }
    await delay(5);
  }
  throw new Forgotten(`request ${id} of ${app} never ends`);
}

async function direct(app: string, body: object): Promise<unknown> {
  const response = await inTime(call('run', `/${app}/`, { method: 'POST', body: JSON.stringify(body) }));
  return await response.json();
}

async function inTime<T>(promise: Promise<T>): Promise<T> {
  const late = delay(patienceMs).then(() => {
    throw new Forgotten('a call never ends');
  });
  return await Promise.race([promise, late]);
}

function call(host: 'run' | 'queue', path: string, init: RequestInit = {}): Promise<Response> {
  return ask(host, `/${owner}${path}`, init);
}

function ask(host: 'api' | 'run' | 'queue', path: string, init: RequestInit): Promise<Response> {
  const authorization = `Key ${readFileSync(join(folder, 'key'), 'utf8').trim()}`;
  return fetch(`http://localhost:${emulator.ports[host]}${path}`, {
    ...init,
    headers: { authorization, 'content-type': 'application/json', ...init.headers },
  });
}

const log = () => readFileSync(join(folder, 'emulator.log'), 'utf8');

const scale = { ...scaleDefaults, maxConcurrency: 3, keepAliveSeconds: 300 };
const functionLaunch: Launch = {
  environment: { kind: 'virtualenv', id: 'e' },
  callable: { kind: 'entrypoint', name: 'm:f' },
  mode: 'call',
  declaredPort: null,
  appFiles: [],
  secretNames: null,
  environmentName: 'main',
  machineType: 'XS',
};

let owner = '';
function deployTo(catalog: ReturnType<typeof createCatalog>, name: string): void {
  owner = catalog.account.nickname;
  const common = {
    environmentName: 'main',
    scale,
    settings: revisionDefaults,
    machineTypes: ['XS'],
    validRegions: [],
  };
  catalog.addRevision({
    ...common,
    id: `${name}-r1`,
    alias: name,
    createdAt: 1,
    environments: [{ kind: 'virtualenv', configuration: { requirements: [] } }],
    callable: { kind: 'entrypoint', name: 'm:A' },
    numGpus: null,
    exposedPort: 8080,
    files: [],
    secretNames: null,
    metadata: null,
    sourceCode: null,
    privateLogs: false,
  });
  catalog.putAlias({ ...common, name, revision: `${name}-r1`, authMode: 'private', updatedAt: 1 });
}
