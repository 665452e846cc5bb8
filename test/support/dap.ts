import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DebugTools } from '../../emulator/wire/runner-debug.ts';
import { until } from './wait.ts';

/** A message of the Debug Adapter Protocol, as much of it as tests read. */
interface Message {
  readonly type: 'response' | 'event' | 'request';
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  readonly event?: string;
  readonly body?: Record<string, unknown>;
}

export interface Dap {
  /** Where the adapter waits for a runner. */
  readonly port: number;
  ask(command: string, args?: object): Promise<Record<string, unknown>>;
  /**
   * Attaches to the runner that connects: sets these breakpoints (line numbers by file). `begun`: called before that,
   * when the session has begun.
   */
  attach(breakpoints: { readonly [file: string]: readonly number[] }, begun?: () => void): Promise<void>;
  setBreakpoints(file: string, lines: readonly number[]): Promise<void>;
  /** The next stop that no earlier call has returned: its thread and innermost frame. */
  stopped(): Promise<{ readonly threadId: number; readonly file: string; readonly line: number; readonly id: number }>;
  variables(frameId: number): Promise<ReadonlyMap<string, string>>;
  resume(threadId: number): Promise<void>;
  /** Ends the session; the runner continues. */
  detach(): Promise<void>;
  kill(): void;
  /** What an adapter sees of an editor that crashed. */
  leave(): void;
  /** Waits until the adapter has ended by itself. */
  ended(): Promise<void>;
  /** Waits for an event of the adapter. */
  event(name: string): Promise<void>;
  close(): Promise<void>;
}

/** A machine under load takes its time for each step. */
const patient = { timeoutMs: 90_000 };

/** Starts a debug adapter as an editor does, and speaks to it over stdio. */
export async function startDap(tools: DebugTools, token: string): Promise<Dap> {
  const folder = await mkdtemp(join(tmpdir(), 'minifal-dap-'));
  const portFile = join(folder, 'port');
  const variables = { MINIFAL_DEBUG_TOKEN: token, MINIFAL_DEBUG_PORT_FILE: portFile };
  const child = spawn(tools.python, [tools.script], {
    env: { ...process.env, ...tools.env, ...variables },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const messages: Message[] = [];
  let [seq, taken, isOver] = [0, 0, false];
  child.on('exit', () => {
    isOver = true;
  });
  child.stdin.on('error', () => undefined);
  let rest = Buffer.alloc(0);
  child.stdout.on('data', (data: Buffer) => {
    rest = Buffer.concat([rest, data]);
    for (;;) {
      const head = rest.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(rest.subarray(0, Math.max(head, 0)).toString())?.[1]);
      if (head < 0 || rest.length < head + 4 + length) return;
      messages.push(JSON.parse(rest.subarray(head + 4, head + 4 + length).toString()) as Message);
      rest = rest.subarray(head + 4 + length);
    }
  });
  const port = Number(
    await until('the adapter has a port', () => readFile(portFile, 'utf8').catch(() => undefined), patient),
  );

  function send(command: string, args: object = {}): () => Promise<Record<string, unknown>> {
    const own = ++seq;
    const text = JSON.stringify({ seq: own, type: 'request', command, arguments: args });
    child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    return async () => {
      const answer = await until(
        `the adapter answers ${command}`,
        () => {
          if (isOver && command !== 'disconnect') throw new Error('the adapter has ended');
          return messages.find((one) => one.type === 'response' && one.request_seq === own);
        },
        patient,
      );
      if (!answer.success) throw new Error(`${command}: ${answer.message}`);
      return answer.body ?? {};
    };
  }
  const ask = (command: string, args?: object) => send(command, args)();
  const setBreakpoints = async (file: string, lines: readonly number[]) => {
    await ask('setBreakpoints', { source: { path: file }, breakpoints: lines.map((line) => ({ line })) });
  };

  return {
    port,
    ask,
    setBreakpoints,
    async attach(breakpoints, begun = () => undefined) {
      await ask('initialize', { adapterID: 'fal', linesStartAt1: true, columnsStartAt1: true, pathFormat: 'path' });
      const attached = send('attach', { connect: { host: '127.0.0.1', port }, justMyCode: true });
      await until('the runner is connected', () => messages.find((one) => one.event === 'initialized'), patient);
      begun();
      // Before the breakpoints: otherwise a stop of one thread stops all.
      await ask('setDebuggerProperty', { multiThreadsSingleNotification: false });
      for (const [file, lines] of Object.entries(breakpoints)) await setBreakpoints(file, lines);
      await ask('configurationDone');
      await attached();
    },
    async stopped() {
      const stop = await until(
        'a breakpoint stops',
        () => {
          const at = messages.findIndex((one, index) => index >= taken && one.event === 'stopped');
          if (at < 0) return undefined;
          taken = at + 1;
          return messages[at];
        },
        patient,
      );
      const threadId = Number(stop.body?.threadId);
      const { stackFrames } = (await ask('stackTrace', { threadId })) as {
        stackFrames: { id: number; line: number; source?: { path?: string } }[];
      };
      const [top] = stackFrames;
      return { threadId, file: top?.source?.path ?? '', line: top?.line ?? 0, id: top?.id ?? 0 };
    },
    async variables(frameId) {
      const { scopes } = (await ask('scopes', { frameId })) as { scopes: { variablesReference: number }[] };
      const reference = scopes[0]?.variablesReference;
      const found = (await ask('variables', { variablesReference: reference })) as {
        variables: { name: string; value: string }[];
      };
      return new Map(found.variables.map(({ name, value }) => [name, value]));
    },
    resume: async (threadId) => void (await ask('continue', { threadId, singleThread: true })),
    detach: async () => void (await ask('disconnect', { terminateDebuggee: false })),
    kill: () => void child.kill('SIGKILL'),
    leave: () => void child.stdin.end(),
    ended: async () => void (await until('the adapter has ended', () => isOver, patient)),
    event: async (name) =>
      void (await until(`the adapter sends ${name}`, () => messages.some((one) => one.event === name), patient)),
    async close() {
      child.stdin.end();
      child.kill('SIGKILL');
      await until('the adapter has ended', () => isOver || undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
