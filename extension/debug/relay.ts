import type { DapMessage } from './dap.ts';
import type { DebugPaths } from './paths.ts';

/** The editor numbers its requests from 1; ours must not be taken for one of them. */
const ownSeq = 1_000_000_000;

type Found = readonly { readonly verified?: boolean }[];

/** A request of the editor for breakpoints of a file that runs at two places. */
interface Doubled {
  answer?: DapMessage;
  copy?: DapMessage;
}

/**
 * Passes messages between the editor and debugpy's adapter, to which a runner has connected. Says to the adapter what
 * the editor can't say: to stop only the thread that has hit a breakpoint, so that the app's other requests and its
 * health check are answered meanwhile. That has an effect only before the breakpoints are set, so the editor learns
 * that it may set them when the adapter has taken it.
 *
 * Translates paths. debugpy's own `pathMappings` know one place for each file, and write warnings about files that are
 * at none to the app's output.
 */
export function createRelay({
  port,
  paths,
  toAdapter,
  toEditor,
}: {
  /** On which the adapter listens for its runner. */
  readonly port: number;
  readonly paths: DebugPaths;
  readonly toAdapter: (message: DapMessage) => void;
  readonly toEditor: (message: DapMessage) => void;
}): { fromEditor(message: DapMessage): void; fromAdapter(message: DapMessage): void; leave(): void } {
  let initialized: DapMessage | undefined;
  let lastSeq = ownSeq;
  /** By the numbers of both requests: the editor's and ours for the copy. */
  const doubled = new Map<number, Doubled>();

  function fromEditor(message: DapMessage): void {
    if (message.type !== 'request') toAdapter(message);
    else if (message.command === 'attach') {
      // Child processes would have to connect, too, and this adapter takes one runner.
      const ours = { connect: { host: '127.0.0.1', port }, subProcess: false };
      toAdapter({ ...message, arguments: { justMyCode: true, ...message.arguments, ...ours } });
    } else askWithPaths(message);
  }

  function askWithPaths(message: DapMessage): void {
    let copy: string | undefined;
    toAdapter(
      withPaths(message, (path) => {
        const [own, second] = paths.toRunner(path);
        copy = second;
        return own;
      }),
    );
    if (message.command !== 'setBreakpoints' || copy === undefined) return;
    const [at, both]: [string, Doubled] = [copy, {}];
    doubled.set(message.seq, both).set(++lastSeq, both);
    toAdapter({ ...withPaths(message, () => at), seq: lastSeq });
  }

  /** @returns whether the message answers one of two requests for the breakpoints of one file */
  function isOfDoubled(message: DapMessage): boolean {
    const asked = message.type === 'response' ? message.request_seq : undefined;
    const both = asked === undefined ? undefined : doubled.get(asked);
    if (!both || asked === undefined) return false;
    doubled.delete(asked);
    if (asked < ownSeq) both.answer = message;
    else both.copy = message;
    if (both.answer && both.copy) toEditor(merged(both.answer, both.copy));
    return true;
  }

  return {
    fromEditor,
    fromAdapter(received) {
      const message = withPaths(received, paths.toEditor);
      if (message.type === 'event' && message.event === 'initialized' && !initialized) {
        initialized = message;
        const property = { multiThreadsSingleNotification: false };
        toAdapter({ seq: ownSeq, type: 'request', command: 'setDebuggerProperty', arguments: property });
      } else if (isOfDoubled(message)) {
        return;
      } else if (message.type === 'response' && message.request_seq === ownSeq) {
        if (initialized) toEditor(initialized);
      } else if (message.type !== 'response' || (message.request_seq ?? 0) < ownSeq) toEditor(message);
    },
    /** The runner continues without a debugger. */
    leave: () =>
      toAdapter({
        ...{ seq: ++lastSeq, type: 'request', command: 'disconnect' },
        arguments: { restart: false, terminateDebuggee: false },
      }),
  };
}

/** A breakpoint is where the code runs: at the file's own path, or in its copy. */
function merged(answer: DapMessage, copy: DapMessage): DapMessage {
  const [own, second] = [found(answer), found(copy)];
  const breakpoints = own.map((one, at) => (one.verified !== true && second[at]?.verified ? second[at] : one));
  return { ...answer, body: { ...answer.body, breakpoints } };
}

function found({ body }: DapMessage): Found {
  return Array.isArray(body?.breakpoints) ? body.breakpoints : [];
}

/** The message with other paths of sources. */
function withPaths(message: DapMessage, translate: (path: string) => string): DapMessage {
  return translated(message, translate) as DapMessage;
}

function translated(value: unknown, translate: (path: string) => string): unknown {
  if (Array.isArray(value)) return value.map((one) => translated(one, translate));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === 'source' && isSource(inner) ? { ...inner, path: translate(inner.path) } : translated(inner, translate),
    ]),
  );
}

function isSource(value: unknown): value is { readonly path: string } {
  return typeof value === 'object' && value !== null && typeof (value as { path?: unknown }).path === 'string';
}
