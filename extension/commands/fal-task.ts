import * as vscode from 'vscode';
import { type FalEnd, type FalRun, runFal } from '../process/fal-run.ts';

export interface FalTask {
  readonly label: string;
  /** `run` or `deploy`, and what. */
  readonly definition: { readonly command: string; readonly app: string };
  readonly folder: vscode.WorkspaceFolder;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: { readonly [name: string]: string };
  /** Whether its terminal comes to the front. */
  readonly isShown: boolean;
  readonly onText?: (text: string) => void;
}

export interface RunningTask {
  readonly label: string;
  stop(): void;
  kill(): void;
  readonly ended: Promise<FalEnd>;
}

/**
 * Runs `fal` as a task of the editor, with a terminal of its own. A pseudoterminal rather than a process task: its text can be read (to say
 * why it failed), and it is ended by an interrupt, as Ctrl-C does, so that `fal run` takes its app down.
 */
export async function startTask(spec: FalTask, instance: number): Promise<RunningTask> {
  let begun: (run: FalRun) => void = () => {};
  const beginning = new Promise<FalRun>((resolve) => {
    begun = resolve;
  });
  const task = new vscode.Task(
    // The instance tells two runs of one app apart: both may be wanted.
    { type: 'minifal', ...spec.definition, instance },
    spec.folder,
    spec.label,
    'fal',
    new vscode.CustomExecution(async () => terminal(spec, begun)),
  );
  task.presentationOptions = {
    reveal: spec.isShown ? vscode.TaskRevealKind.Always : vscode.TaskRevealKind.Silent,
    panel: vscode.TaskPanelKind.Dedicated,
    showReuseMessage: false,
    clear: true,
    // A deploy's result is told; what it wrote is kept only when it failed.
    close: !spec.isShown,
  };
  await vscode.tasks.executeTask(task);
  const { stop, kill, ended } = await beginning;
  return { label: spec.label, stop, kill, ended };
}

function terminal(spec: FalTask, begun: (run: FalRun) => void): vscode.Pseudoterminal {
  const write = new vscode.EventEmitter<string>();
  const close = new vscode.EventEmitter<number>();
  let run: FalRun | undefined;
  return {
    onDidWrite: write.event,
    onDidClose: close.event,
    open(dimensions) {
      write.fire(`> fal ${spec.args.slice(spec.args.indexOf(spec.definition.command)).join(' ')}\r\n`);
      run = runFal({
        command: spec.command,
        args: spec.args,
        cwd: spec.folder.uri.fsPath,
        env: {
          ...spec.env,
          PYTHONUNBUFFERED: '1',
          FORCE_COLOR: '1',
          ...(dimensions ? { COLUMNS: `${dimensions.columns}`, LINES: `${dimensions.rows}` } : {}),
        },
        onText(text) {
          write.fire(text.replace(/\r?\n/g, '\r\n'));
          spec.onText?.(text);
        },
      });
      void run.ended.then(({ code }) => close.fire(code));
      begun(run);
    },
    close: () => run?.stop(),
    handleInput(data) {
      if (data === '\u0003') run?.stop();
    },
  };
}
