import * as vscode from 'vscode';
import { type FalEnd, type FalRun, runFal } from '../process/fal-run.ts';
import { printable } from '../target/printable.ts';

/** As it is in tasks.json. */
export interface FalTaskDefinition extends vscode.TaskDefinition {
  readonly type: 'minifal';
  readonly command: 'run' | 'deploy';
  /** `FILE::NAME` from the folder. */
  readonly app: string;
}

export interface FalProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: { readonly [name: string]: string };
}

export interface FalTask {
  readonly label: string;
  readonly definition: FalTaskDefinition;
  readonly folder: vscode.WorkspaceFolder;
  /** Whether its terminal comes to the front. */
  readonly isShown: boolean;
  /**
   * What to run: asked for once the terminal is there. Its errors are reported by who gave it, and here in one line.
   */
  readonly prepare: () => Promise<FalProgram>;
  /** Resolves when the app at this address, which `fal run` has printed, can be called. */
  readonly isReady: (url: URL, signal: AbortSignal) => Promise<void>;
  readonly onText?: (text: string) => void;
  readonly onBegun?: (run: FalRun) => void;
}

export interface RunningTask {
  readonly label: string;
  stop(): void;
  kill(): void;
  readonly ended: Promise<FalEnd>;
}

/** The problem matcher of package.json ends a background task's wait with this line. */
const readyMark = 'fal: ready at';
/** What `fal run` prints of an app it serves: an owner and a name that is a UUID. */
const served = /https?:\/\/[\w.]+:\d+\/[\w-]+\/[0-9a-f]{8}-[0-9a-f-]{27}/;

/**
 * A command of `fal` as a task of the editor, with a terminal of its own. A pseudoterminal rather than a process task:
 * its text can be read (to say why it failed), and it is ended by an interrupt, as Ctrl-C does, so that `fal run` takes
 * its app down.
 */
export function falTask(spec: FalTask): vscode.Task {
  const execution = new vscode.CustomExecution(async () => terminal(spec));
  const isRun = spec.definition.command === 'run';
  const matchers = isRun ? ['$minifal-ready'] : [];
  const task = new vscode.Task(spec.definition, spec.folder, spec.label, 'fal', execution, matchers);
  task.isBackground = isRun;
  task.presentationOptions = {
    reveal: spec.isShown ? vscode.TaskRevealKind.Always : vscode.TaskRevealKind.Silent,
    panel: vscode.TaskPanelKind.Dedicated,
    showReuseMessage: false,
    clear: true,
    // Its result is reported, and its last words are in the log when it failed.
    close: !spec.isShown,
  };
  return task;
}

/** Runs it; resolves once `fal` was started. `instance` distinguishes two runs of one app: both may be wanted. */
export async function startTask(spec: FalTask, instance: number): Promise<RunningTask> {
  let begun: (run: FalRun) => void = () => {};
  const beginning = new Promise<FalRun>((resolve) => {
    begun = resolve;
  });
  await vscode.tasks.executeTask(
    falTask({ ...spec, definition: { ...spec.definition, instance }, onBegun: (run) => begun(run) }),
  );
  const { stop, kill, ended } = await beginning;
  return { label: spec.label, stop, kill, ended };
}

function terminal(spec: FalTask): vscode.Pseudoterminal {
  const write = new vscode.EventEmitter<string>();
  const close = new vscode.EventEmitter<number>();
  const over = new AbortController();
  let run: FalRun | undefined;
  let seen: string | undefined = '';
  let isMidLine = false;

  async function begin(dimensions: vscode.TerminalDimensions | undefined): Promise<void> {
    const { command, app } = spec.definition;
    write.fire(`> fal ${command} ${printable(app)}\r\n`);
    const program = await spec.prepare();
    if (over.signal.aborted) return;
    run = runFal({
      command: program.command,
      args: program.args,
      cwd: spec.folder.uri.fsPath,
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
      // Of a terminal that closes with another code the editor would report, too; and what a person stopped has not
      // failed.
      close.fire(spec.isShown && !stopped ? code : 0);
    });
    spec.onBegun?.(run);
  }

  /** For the address of the app, once. */
  function look(text: string): void {
    if (seen === undefined) return;
    seen = (seen + text).slice(-10_000);
    const [url] = served.exec(seen) ?? [];
    if (url === undefined) return;
    seen = undefined;
    spec.isReady(new URL(url), over.signal).then(
      () => write.fire(`${isMidLine ? '\r\n' : ''}${readyMark} ${url}\r\n`),
      () => {}, // it ended before
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
