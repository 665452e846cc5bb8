// Runs inside the extension host. It only collects facts; `../host.test.ts` asserts.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { commandLine, listeningSockets, processTree } from '../../support/procfs.ts';
import { until } from '../../support/wait.ts';
import { activationMs } from './activation-time.ts';
import { afterDebug } from './debug.ts';
import { afterReady, offeredTasks, runTask } from './tasks.ts';

export type Facts = Awaited<ReturnType<typeof run>>;

export async function run() {
  const extension = vscode.extensions.getExtension('minifal.minifal');
  if (!extension) throw new Error('the extension is not installed');
  const dataFolder = vscode.workspace.getConfiguration('minifal').get<string>('dataFolder', '');
  const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
  const traces = () => {
    const processes = processTree(process.pid);
    return {
      // Node's record of loaded files, which extensions share.
      loaded: Object.keys(require.cache)
        .filter((file) => file.startsWith(extension.extensionPath))
        .map((file) => file.slice(extension.extensionPath.length)),
      children: processes
        .filter((pid) => pid !== process.pid)
        .map(commandLine)
        .filter((command) => [extension.extensionPath, dataFolder].some((ours) => command.includes(ours))),
      ports: listeningSockets(processes).length,
      dataFolder: existsSync(dataFolder),
      terminals: vscode.window.terminals.length,
    };
  };

  const loadAndActivationMs = await activationMs(extension);
  const activated = traces();
  const commands = await vscode.commands.getCommands(true);

  const ordinaryBefore = await variablesOf(vscode.window.createTerminal('ordinary before'), workspace);
  const offered = await offeredTasks();
  await runTask('start emulator');
  const startedByTask = existsSync(join(dataFolder, 'emulator.json'));
  const started: unknown = await vscode.commands.executeCommand('minifal.startEmulator');
  const deployed: unknown = await vscode.commands.executeCommand('minifal.deployToEmulator', {
    file: 'app.py',
    app: 'Hello',
  });
  // Of two files with this name, runs the one that contains the app, in the folder of its modules.
  const deployedOther: unknown = await vscode.commands.executeCommand('minifal.deployToEmulator', { app: 'Other' });
  const served = await afterReady(workspace);
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  const debugged = folder && (await afterDebug(folder));
  const other = vscode.workspace.workspaceFolders?.[1]?.uri ?? vscode.Uri.file('/nowhere');
  await vscode.window.showTextDocument(vscode.Uri.joinPath(other, 'app.py'));
  await vscode.commands.executeCommand('minifal.openTerminal');
  const local = await until('the local terminal is there', () =>
    vscode.window.terminals.find(({ name }) => name.startsWith('fal (local)')),
  );
  const localVariables = await variablesOf(local, workspace);
  const ordinary = await variablesOf(vscode.window.createTerminal('ordinary'), workspace);
  await vscode.workspace.getConfiguration('minifal').update('terminals.all', true, vscode.ConfigurationTarget.Global);
  const optedIn = await variablesOf(vscode.window.createTerminal('opted in'), workspace);
  const stopped: unknown = await vscode.commands.executeCommand('minifal.stopEmulator');

  return {
    loadAndActivationMs,
    activated,
    commands,
    defaults: defaults(extension),
    started,
    deployed,
    deployedOther,
    otherFolder: other.fsPath,
    tasks: { offered, startedByTask, served, debugged },
    keybindings: await defaultKeybindings(),
    inherited: { ...process.env },
    terminals: { ordinaryBefore, local: localVariables, ordinary, optedIn },
    stopped,
    leftover: existsSync(join(dataFolder, 'emulator.json')),
  };
}

/** The editor's default keybindings, including those of extensions, as in "Open Default Keyboard Shortcuts (JSON)". */
async function defaultKeybindings(): Promise<string> {
  const uri = vscode.Uri.parse('vscode://defaultsettings/keybindings.json');
  return (await vscode.workspace.openTextDocument(uri)).getText();
}

let asked = 0;

/** The variables of a shell in this terminal. */
async function variablesOf(terminal: vscode.Terminal, workspace: string): Promise<{ [name: string]: string }> {
  const file = join(workspace, `variables-${++asked}.json`);
  const program = `require('fs').writeFileSync(${JSON.stringify(file)}, JSON.stringify(process.env) + '\\n')`;
  terminal.show();
  terminal.sendText(`'${process.execPath}' -e '${program.replaceAll("'", `'\\''`)}'`);
  return until(
    'the shell has answered',
    () => {
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      return text.endsWith('\n') && JSON.parse(text);
    },
    { timeoutMs: 60_000 },
  );
}

/** Settings in the manifest, and their values in `vscode`. */
function defaults(extension: vscode.Extension<unknown>): { [name: string]: unknown } {
  const contributed: { readonly [name: string]: unknown }[] = [extension.packageJSON.contributes.configuration]
    .flat()
    .map(({ properties }) => properties);
  const names = contributed.flatMap((properties) => Object.keys(properties));
  return Object.fromEntries(
    names.map((name) => [name, vscode.workspace.getConfiguration().inspect(name)?.defaultValue]),
  );
}
