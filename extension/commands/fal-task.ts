import * as vscode from 'vscode';
import { readyMark, readyMatcher, type taskType } from '../contributes/tasks.ts';
import { type FalEnd, type FalRun, runFal } from '../process/fal-run.ts';
import { printable } from '../target/printable.ts';

/** The definition as written in tasks.json. */
export interface FalTaskDefinition extends vscode.TaskDefinition {
  readonly type: typeof taskType;
  readonly command: 'run' | 'deploy';
  /** `FILE::NAME`, relative to the folder. */
  readonly app: string;
}

export interface FalProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
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
   * The command to run; called once the terminal is open. The caller reports its errors; the terminal shows one line.
   */
  readonly prepare: () => Promise<FalProgram>;
  /** Resolves when the app at this address (printed by `fal run`) can be called. */
  readonly isReady: (url: URL, signal: AbortSignal) => Promise<void>;
  readonly onText?: (text: string) => void;
  /** Called when its process is there; the signal is aborted when it ends. */
  readonly onBegun?: (run: FalRun, over: AbortSignal) => void;
}

export interface RunningTask {
  readonly label: string;
  /** The app that it runs or deploys. */
  readonly key: string;
  stop(): void;
  kill(): void;
  readonly ended: Promise<FalEnd>;
}

/** The address that `fal run` prints for an app that it serves: an owner, and a UUID as the name. */
const served = /https?:\/\/[\w.]+:\d+\/[\w-]+\/[0-9a-f]{8}-[0-9a-f-]{27}/;

/**
 * A command of `fal` as a task of the editor, with a terminal of its own. A pseudoterminal rather than a process task:
 * its output can be read (to report why it failed), and it is ended by an interrupt, like Ctrl-C, so that `fal run`
 * stops its app.
 */
export function falTask(spec: FalTask): vscode.Task {
  const execution = new vscode.CustomExecution(async () => terminal(spec));
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

/** Runs it; resolves once `fal` has started. `instance` distinguishes concurrent runs of one app. */
export async function startTask(spec: FalTask, instance: number): Promise<RunningTask> {
  let begun: (run: FalRun) => void = () => {};
  const beginning = new Promise<FalRun>((resolve) => {
    begun = resolve;
  });
  const onBegun: FalTask['onBegun'] = (run, over) => {
    spec.onBegun?.(run, over);
    begun(run);
  };
  await vscode.tasks.executeTask(falTask({ ...spec, definition: { ...spec.definition, instance }, onBegun }));
  const { stop, kill, ended } = await beginning;
  return { label: spec.label, key: spec.key, stop, kill, ended };
}

function terminal(spec: FalTask): vscode.Pseudoterminal {
  const write = new vscode.EventEmitter<string>();
  const close = new vscode.EventEmitter<number>();
  const over = new AbortController();
  let run: FalRun | undefined;
  let seen: string | undefined = '';
  let isMidLine = false;

  async function begin(dimensions: vscode.TerminalDimensions | undefined): Promise<void> {
    const { command } = spec.definition;
    write.fire(`> fal ${command} ${printable(spec.ref)}\r\n`);
    const program = await spec.prepare();
    if (over.signal.aborted) return;
    run = runFal({
      command: program.command,
      args: program.args,
      cwd: program.cwd,
      env: {
        ...program.env,
        PYTHONUNBUFFERED: '1',
        FORCE_COLOR: '1',
        ...(dimensions ? { COLUMNS: `${dimensions.columns}`, LINES: `${dimensions.rows}` } : {}),
      },
      onText(text) {
        write.fire(text.replace(/\r?\n/g, '\r\n'));
        isMidLine = !text.endsWith('\n');
        spec.onText?.(text);
        if (command === 'run') look(text);
      },
    });
    void run.ended.then(({ code, stopped }) => {
      over.abort();
      // The editor also reports a terminal that closes with any other code; and a task that the user stopped has not
      // failed.
      close.fire(spec.isShown && !stopped ? code : 0);
    });
    spec.onBegun?.(run, over.signal);
  }

  /** Looks for the app's address, once. */
  function look(text: string): void {
    if (seen === undefined) return;
    seen = (seen + text).slice(-10_000);
    const [url] = served.exec(seen) ?? [];
    if (url === undefined) return;
    seen = undefined;
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
        write.fire(`${printable(error instanceof Error ? error.message : String(error))}\r\n`);
        close.fire(1);
      });
    },
    close() {
      over.abort();
      run?.stop();
    },
    handleInput(data) {
      if (data !== '\u0003') return;
      if (run) run.stop();
      else close.fire(130);
    },
  };
}
