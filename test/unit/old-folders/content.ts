import type { Alias, Revision } from '../../../emulator/catalog/types.ts';
import type { RequestOutcome, SubmittedRequest } from '../../../emulator/queue/types.ts';
import type { LoggedException, LogLine } from '../../../emulator/telemetry/types.ts';

/**
 * The content of the old data folders, in the shapes of that time. The fixtures were written from this, so a field that
 * is added to a document later must not be added here.
 */
export const now = 1_760_000_000_000;
export const secretKey = Buffer.alloc(32, 7);
export const callable = Buffer.from('the bytes of a pickled app');

const scale = {
  keepAliveSeconds: 60,
  minConcurrency: 0,
  maxConcurrency: 3,
  concurrencyBuffer: 0,
  concurrencyBufferPerc: 0,
  scalingDelaySeconds: 0,
  requestTimeoutSeconds: 3600,
  requestStartTimeoutSeconds: null,
};
const settings = {
  maxMultiplexing: 4,
  gpuSlots: 0,
  startupTimeoutSeconds: 600,
  terminationGraceSeconds: 5,
  health: {
    path: '/alive',
    method: 'GET' as const,
    startPeriodSeconds: 30,
    timeoutSeconds: 5,
    failureThreshold: 3,
    callRegularly: true,
  },
  skipRetry: ['timeout' as const],
  retries: { server_error: 2 },
};

export function revisions(blob: string): readonly Revision[] {
  const common = {
    environmentName: 'main',
    machineTypes: ['XS'],
    numGpus: null,
    exposedPort: null,
    settings,
    scale,
    validRegions: [],
    privateLogs: false,
  };
  return [
    {
      ...common,
      id: 'rev-1',
      alias: 'greet',
      createdAt: now,
      environments: [{ kind: 'virtualenv', configuration: { python_version: '3.11', requirements: ['pydantic'] } }],
      callable: { kind: 'pickle', method: 'dill', blob },
      files: [{ hash: 'a'.repeat(64), relativePath: 'data/words.txt' }],
      secretNames: ['TOKEN'],
      metadata: { openapi: { paths: { '/': {} } } },
      sourceCode: 'class Greet(fal.App): ...',
    },
    {
      ...common,
      id: 'rev-2',
      alias: 'greet--dev',
      environmentName: 'dev',
      createdAt: now + 1,
      environments: [],
      callable: { kind: 'entrypoint', name: 'app:Greet' },
      files: [],
      secretNames: null,
      metadata: null,
      sourceCode: null,
    },
  ];
}

export const aliases: readonly Alias[] = [
  {
    name: 'greet',
    environmentName: 'main',
    revision: 'rev-1',
    authMode: 'public',
    scale,
    settings,
    machineTypes: ['XS', 'GPU-H100'],
    validRegions: [],
    updatedAt: now,
  },
  {
    name: 'greet--dev',
    environmentName: 'dev',
    revision: 'rev-2',
    authMode: 'private',
    scale,
    settings,
    machineTypes: ['XS'],
    validRegions: ['us-east'],
    updatedAt: now,
  },
];

function request(id: string, change: Partial<SubmittedRequest> = {}): SubmittedRequest {
  return {
    id,
    alias: 'greet',
    callerId: 'local|minifal',
    method: 'POST',
    path: '/',
    query: 'lang=en',
    headers: [['content-type', 'application/json']],
    body: Buffer.from(`{"name":"${id}"}`),
    priority: 'normal',
    submittedAt: now,
    startBy: null,
    hint: null,
    noRetry: false,
    retries: {},
    storeIo: true,
    webhook: null,
    ...change,
  };
}

export const requests = {
  waiting: request('waiting', { webhook: 'http://localhost:9/hook', hint: 'near', retries: { timeout: 1 } }),
  running: request('running', { priority: 'low', startBy: now + 60_000 }),
  again: request('again', { noRetry: true }),
  done: request('done'),
  failed: request('failed', { storeIo: false }),
};

export const outcomes: { readonly [id: string]: RequestOutcome } = {
  done: {
    kind: 'response',
    response: { status: 200, headers: [['content-type', 'application/json']], body: Buffer.from('{"text":"hello"}') },
  },
  failed: {
    kind: 'error',
    error: { kind: 'platform', type: 'request_timeout', status: 504, detail: 'too late', userTimeout: true },
  },
};

const runner = { alias: 'greet', revision: 'rev-1', machineType: 'XS', startedAt: now };
export const runners = [
  { ...runner, id: 'r-ended' },
  { ...runner, id: 'r-open' },
];

const line = { at: now, source: 'USER', stream: 'stdout', alias: 'greet', revision: 'rev-1' } as const;
export const lines: readonly Omit<LogLine, 'seq'>[] = [
  { ...line, level: 'STDOUT', message: 'hello', runnerId: 'r-ended', requestId: 'done', endpoint: '/' },
  {
    ...line,
    level: 'ERROR',
    message: 'Traceback (most recent call last):',
    runnerId: null,
    requestId: null,
    endpoint: null,
  },
];

/** Since step 2 of the log's schema. */
export const placedLines: readonly Omit<LogLine, 'seq'>[] = [
  {
    ...line,
    level: 'STDOUT',
    message: 'placed',
    runnerId: 'r',
    requestId: 'q',
    endpoint: '/',
    place: { file: '/a.py', line: 3 },
  },
  { ...line, level: 'INFO', message: 'INFO: started', runnerId: 'r', requestId: null, endpoint: null, isServer: true },
];
export const exception: Omit<LoggedException, 'seq'> = {
  at: now,
  alias: 'greet',
  revision: 'rev-1',
  runnerId: 'r',
  requestId: 'q',
  endpoint: '/',
  exception: {
    type: 'KeyError',
    message: "'name'",
    phase: 'request',
    frames: [{ file: '/a.py', line: 3, function: 'App.greet', isApp: true }],
  },
};

export const file = {
  about: {
    id: 'f'.repeat(32),
    name: 'picture.png',
    contentType: 'image/png',
    userId: 'local|minifal',
    expiresAt: null,
    acl: { default: 'hide' as const, rules: [{ user: 'someone', decision: 'allow' as const }] },
  },
  content: Buffer.from('not really a picture'),
  md5: '00'.repeat(16),
};

export const workflow = {
  name: 'chain',
  title: 'Chain',
  contents: {
    name: 'chain',
    schema: { input: {}, output: {} },
    nodes: { a: { type: 'run' as const, id: 'a', depends: [], app: 'local/greet', input: { name: '$input.name' } } },
    output: { text: '$a.text' },
    version: '0.1',
  },
  isPublic: true,
};
