import * as vscode from 'vscode';
import { readyMark, readyMatcher, type taskType } from '../contributes/tasks.ts';
import { Cancelled } from '../problem.ts';
import type { FalEnd, FalRun, JoinedRun } from '../process/run/window-run.ts';
import { printable } from '../target/printable.ts';
import type { BegunTasks } from './begun-tasks.ts';

/** The definition as written in tasks.json. */
export interface FalTaskDefinition extends vscode.TaskDefinition {
  readonly type: typeof taskType;
  readonly command: 'run' | 'deploy';
  /** `FILE::NAME`, relative to the folder. */
  readonly app: string;
}

export interface FalTask {
  readonly label: string;
  readonly definition: FalTaskDefinition;
  readonly folder: vscode.WorkspaceFolder;
  /** How `fal` names the app; shown at the top of the terminal. */
  readonly ref: string;
  /** Names the app among all of this machine. */
  readonly key: string;
  /** Whether to show its terminal. */
  readonly isShown: boolean;
  /**
   * Begins the command once the terminal is open, unless `signal` was aborted before. The caller reports its errors;
   * the terminal shows one line.
   */
  readonly launch: (launch: Launch) => Promise<FalRun>;
  /** The run of an earlier window, for the first terminal. */
  readonly joined?: JoinedRun;
  /** Resolves when the app at this address (printed by `fal run`) can be called. */
  readonly isReady: (url: URL, signal: AbortSignal) => Promise<void>;
  readonly onText?: (text: string) => void;
  /** Called instead of `onBegun` when it could not begin, or its terminal was closed before. */
  readonly onNotBegun?: (error: unknown) => void;
  /** Called when its process is there; the signal is aborted when it ends. */
  readonly onBegun?: (run: FalRun, over: AbortSignal) => void;
}

/** What a terminal gives to the command that it shows. */
export interface Launch {
  readonly onText: (text: string) => void;
  readonly signal: AbortSignal;
  /** Added to its environment. */
  readonly env: { readonly [name: string]: string };
}

export interface RunningTask {
  readonly label: string;
  readonly command: FalTaskDefinition['command'];
  /** The app that it runs or deploys. */
  readonly key: string;
  stop(): void;
  /** Disconnects from it: a reloaded window joins it, otherwise it ends soon. */
  leave(): void;
  readonly ended: Promise<FalEnd>;
}

/** A task whose process this window shows. */
export interface HeldTask extends RunningTask {
  /** The folder in which it runs. */
  readonly cwd: string;
  /** Whether it follows saves, and takes orders about it. */
  readonly reloads: boolean;
  order(line: string): void;
}

/** The address that `fal run` prints for an app that it serves: an owner, and a UUID as the name. */
const address = /https?:\/\/[\w.]+:\d+\/[\w-]+\/[0-9a-f]{8}-[0-9a-f-]{27}/;

/** The address of the app that `fal run` serves, from its output so far. */
export function served(output: string): string | undefined {
  return address.exec(output)?.[0];
}

/**
 * A command of `fal` as a task of the editor, with a terminal of its own. A pseudoterminal rather than a process task:
 * its output can be read (to report why it failed), and it is ended by an interrupt, like Ctrl-C, so that `fal run`
 * stops its app.
 */
export function falTask(spec: FalTask): vscode.Task {
  let joined = spec.joined;
  const execution = new vscode.CustomExecution(async () => {
    const first = joined;
    joined = undefined;
    return terminal(spec, first);
  });
  const isRun = spec.definition.command === 'run';
  const matchers = isRun ? [`$${readyMatcher}`] : [];
  const task = new vscode.Task(spec.definition, spec.folder, spec.label, 'fal', execution, matchers);
  task.isBackground = isRun;
  task.presentationOptions = {
    reveal: spec.isShown ? vscode.TaskRevealKind.Always : vscode.TaskRevealKind.Silent,
    panel: vscode.TaskPanelKind.Dedicated,
    showReuseMessage: false,
    clear: true,
    // The result is reported elsewhere; after a failure, the log has the last lines of its output.
    close: !spec.isShown,
  };
  return task;
}

/**
 * Runs it; resolves once `fal` has started. One that has ended with the same `instance` gives its terminal to it.
 * @throws the error because of which it could not begin; Cancelled: its terminal was closed before
 */
export async function startTask(spec: FalTask, instance: number, tasks: BegunTasks): Promise<RunningTask> {
  let begun: (run: FalRun) => void = () => {};
  let onNotBegun: (error: unknown) => void = () => {};
  const beginning = new Promise<FalRun>((resolve, reject) => {
    begun = resolve;
    onNotBegun = reject;
  });
  beginning.catch(() => {}); // awaited below
  const onBegun: FalTask['onBegun'] = (run, over) => {
    spec.onBegun?.(run, over);
    begun(run);
  };
  const task = falTask({ ...spec, definition: { ...spec.definition, instance }, onBegun, onNotBegun });
  await endOf(instance);
  await tasks.register(task);
  await vscode.tasks.executeTask(task);
  const { stop, leave, ended } = await beginning;
  return { label: spec.label, command: spec.definition.command, key: spec.key, stop, leave, ended };
}

/** The editor learns last that a task has ended, and asks what to do about a second one with the same number. */
async function endOf(instance: number): Promise<void> {
  const isKnown = () => vscode.tasks.taskExecutions.some(({ task }) => task.definition.instance === instance);
  if (!isKnown()) return;
  await new Promise<void>((resolve) => {
    const ending = vscode.tasks.onDidEndTask(() => {
      if (isKnown()) return;
      ending.dispose();
      resolve();
    });
  });
}

function sizeVariables({ columns, rows }: vscode.TerminalDimensions): { readonly [name: string]: string } {
  return { COLUMNS: `${columns}`, LINES: `${rows}` };
}

function terminal(spec: FalTask, joined?: JoinedRun): vscode.Pseudoterminal {
  const write = new vscode.EventEmitter<string>();
  const close = new vscode.EventEmitter<number>();
  const over = new AbortController();
  let run: FalRun | undefined;
  let seen: string | undefined = '';
  let isMidLine = false;

  async function begin(dimensions: vscode.TerminalDimensions | undefined): Promise<void> {
    const { command } = spec.definition;
    write.fire(`> fal ${command} ${printable(spec.ref)}\r\n`);
    const onText = (text: string): void => {
      write.fire(text.replace(/\r?\n/g, '\r\n'));
      isMidLine = !text.endsWith('\n');
      spec.onText?.(text);
      if (command === 'run') look(text);
    };
    // What isn't shown is read line by line: `fal` must not wrap its sentences.
    const size = spec.isShown ? dimensions : { columns: 1_000, rows: 50 };
    // Both together make Node warn in the run's terminal.
    const color = process.env.NO_COLOR ? {} : { FORCE_COLOR: '1' };
    const env = { PYTHONUNBUFFERED: '1', ...color, ...(size && sizeVariables(size)) };
    run = joined ? joined.show(onText) : await spec.launch({ onText, signal: over.signal, env });
    if (over.signal.aborted) {
      run.stop();
      over.signal.throwIfAborted();
    }
    void run.ended.then(({ code, stopped }) => {
      over.abort();
      // The editor also reports a terminal that closes with any other code; and a task that the user stopped has not
      // failed.
      close.fire(spec.isShown && !stopped ? code : 0);
    });
    spec.onBegun?.(run, over.signal);
    if (joined?.note !== undefined) follow(joined.note);
  }

  /** Looks for the app's address, once. */
  function look(text: string): void {
    if (seen === undefined) return;
    seen = (seen + text).slice(-10_000);
    const url = served(seen);
    if (url !== undefined) follow(url);
  }

  function follow(url: string): void {
    seen = undefined;
    run?.setNote(url);
    spec.isReady(new URL(url), over.signal).then(
      () => write.fire(`${isMidLine ? '\r\n' : ''}${readyMark}${url}\r\n`),
      () => {}, // it ended before that
    );
  }

  return {
    onDidWrite: write.event,
    onDidClose: close.event,
    open(dimensions) {
      begin(dimensions).catch((error: unknown) => {
        spec.onNotBegun?.(error);
        if (over.signal.aborted) return;
        write.fire(`${printable(error instanceof Error ? error.message : String(error))}\r\n`);
        close.fire(1);
      });
    },
    close() {
      over.abort(new Cancelled());
      run?.closed();
    },
    handleInput(data) {
      if (data !== '\u0003') return;
      if (run) {
        run.stop();
        return;
      }
      // Otherwise it would begin later, without a terminal.
      over.abort(new Cancelled());
      // The user ended it: the editor would report any other code as a failure.
      close.fire(0);
    },
  };
}
