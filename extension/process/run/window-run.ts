import { type ChildProcess, spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { t } from '../../words.ts';
import { childEnv } from '../child-env.ts';
import { type HelperOrder, keptCharacters, readMessages, type ToHelper, toWindow } from './messages.ts';

/** A run of `fal` in a helper process, as the window that shows it sees it. */
export interface FalRun {
  /** Like Ctrl-C: `fal run` then stops its app. A program that ignores the signal is killed after a timeout. */
  stop(): void;
  /** The terminal was closed. If the window closes or reloads as well, the run waits for it to return. */
  closed(): void;
  /** Writes a line to its standard input, if it reads orders. */
  order(line: string): void;
  /** Kept by the helper for the next window. */
  setNote(note: string): void;
  /** Disconnects, without an end: another window may join. */
  leave(): void;
  readonly ended: Promise<FalEnd>;
}

export interface FalEnd {
  /** The exit code as in a shell: 128 + signal number if a signal ended it. */
  readonly code: number;
  /** The last part of its output. */
  readonly output: string;
  readonly stopped: boolean;
}

/** A run of an earlier window, which no other window shows now. */
export interface JoinedRun {
  /** What the earlier window set. */
  readonly note: string | undefined;
  /** From now on, gives the output: the last part so far, and what follows. */
  show(onText: (text: string) => void): FalRun;
}

const helperGone = () => `${t('The helper process of this run has ended unexpectedly, so the run was stopped.')}\n`;

/** Starts a helper with this order. Returns immediately; an error is an end of the run. */
export function startRun(program: string, order: HelperOrder, onText: (text: string) => void): FalRun {
  const env = { ...childEnv(process.env), ELECTRON_RUN_AS_NODE: '1' };
  const child = spawn(process.execPath, [program], { env, detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => {}); // it ended; reported below
  child.stdin.end(JSON.stringify(order));
  return follow(socketOf(child), { onText });
}

/** Connects to a helper of an earlier window. Calls `onYours` once no other window shows the run; perhaps never. */
export function joinRun(socket: string, onYours: (joined: JoinedRun) => void): Pick<FalRun, 'leave' | 'ended'> {
  let early = '';
  let onText = (text: string): void => {
    early = (early + text).slice(-keptCharacters);
  };
  const run = follow(Promise.resolve(socket), {
    onText: (text) => onText(text),
    onYours(note) {
      onYours({
        note,
        show(sink) {
          onText = sink;
          queueMicrotask(() => early !== '' && sink(early));
          return run;
        },
      });
    },
  });
  return run;
}

/** The line that the helper prints once it can be reached. */
async function socketOf(child: ChildProcess): Promise<string> {
  let printed = '';
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error(t('it ended'))));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      if (!printed.includes('\n')) return;
      // From now on, nothing keeps the two together but the socket.
      child.removeAllListeners('exit');
      child.stdout?.destroy();
      child.unref();
      resolve(printed.trim());
    });
  });
}

function follow(
  path: Promise<string>,
  {
    onText,
    onYours = () => {},
  }: { readonly onText: (text: string) => void; readonly onYours?: (note: string | undefined) => void },
): FalRun {
  const waiting: ToHelper[] = [];
  let socket: Socket | undefined;
  let output = '';
  let isOver = false;

  function show(text: string): void {
    output = (output + text).slice(-keptCharacters);
    onText(text);
  }

  function send(message: ToHelper): void {
    if (socket) socket.write(`${JSON.stringify(message)}\n`);
    else waiting.push(message);
  }

  const ended = new Promise<FalEnd>((resolve) => {
    function end(code: number, stopped: boolean): void {
      if (isOver) return;
      isOver = true;
      resolve({ code, output, stopped });
    }
    function lost(): void {
      if (isOver) return;
      show(helperGone());
      end(1, false);
    }
    path.then((address) => {
      if (isOver) return;
      const opened = connect(address);
      socket = opened;
      opened.on('error', () => {}); // followed by `close`
      opened.on('close', lost);
      readMessages(opened, toWindow, (message) => {
        if (message.type === 'text') show(message.text);
        else if (message.type === 'end') end(message.code, message.stopped);
        else {
          onYours(message.note);
          if (message.replay !== '') show(message.replay);
        }
      });
      for (const message of waiting.splice(0)) send(message);
    }, lost);
  });

  return {
    ended,
    stop: () => send({ type: 'stop' }),
    closed: () => send({ type: 'closed' }),
    order: (line) => send({ type: 'order', order: line }),
    setNote: (note) => send({ type: 'note', note }),
    leave() {
      isOver = true;
      socket?.destroy();
    },
  };
}
