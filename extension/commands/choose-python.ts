import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Presenter } from '../present.ts';
import { Problem, untrusted } from '../problem.ts';
import { childEnv } from '../process/child-env.ts';
import { execProgram } from '../process/node.ts';
import { readSettings } from '../settings.ts';
import { pythonRangeText } from '../target/needs.ts';
import { findUv, toolEnvironment } from '../target/uv.ts';
import { t } from '../words.ts';
import { activeFolder } from '../workspace/active-folder.ts';
import { ownEnvironment } from '../workspace/install-fal.ts';
import { interpreterText, settingLevel, sourceText } from '../workspace/interpreter-texts.ts';
import { distinct, findInterpreters, type Interpreter, installationOf } from '../workspace/interpreters.ts';
import { askPython } from '../workspace/python.ts';
import { interpretersOfPythonExtension } from '../workspace/python-extension.ts';
import { offerOfUv } from '../workspace/uv-pythons.ts';
import { type InstallPlaces, toolsFolder } from './fal-install.ts';
import { installPythonWithUv } from './python-install.ts';

type Item = vscode.QuickPickItem & {
  /** What choosing it does; resolves with the interpreter. Absent: nothing, because fal doesn't support it. */
  readonly take?: () => Promise<string | undefined>;
};

/**
 * The command "Choose Python": a list of the interpreters of this machine, which fills as they are found. What is
 * chosen becomes the setting `minifal.pythonPath`, in a remote window that of the remote machine.
 */
export function createChoosePython(deps: {
  readonly places: InstallPlaces;
  readonly present: Presenter;
  readonly log: vscode.LogOutputChannel;
  /** The interpreter that is used without a choice of the user, or with an earlier one. */
  readonly current: (scope: vscode.Uri | undefined) => Promise<string | undefined>;
}) {
  const { places, present, log } = deps;

  async function choose(): Promise<string | undefined> {
    if (!vscode.workspace.isTrusted) throw untrusted();
    const folder = activeFolder();
    const item = await pick(folder?.uri);
    const python = await item?.take?.();
    if (python === undefined) return undefined;
    await write(python);
    void vscode.window.setStatusBarMessage(t('fal uses {0}.', python), 5_000);
    return python;
  }

  /** Resolves with the chosen row; the search ends with the list. */
  function pick(scope: vscode.Uri | undefined): Promise<Item | undefined> {
    const env = childEnv(process.env);
    const uvEnv = toolEnvironment(env);
    const uv = findUv({ toolsDir: toolsFolder(places), env });
    const found: Interpreter[] = [];
    let current: string | undefined;
    let offer: string | undefined;
    const ended = new AbortController();
    const list = vscode.window.createQuickPick<Item>();
    list.title = t('Choose the Python for fal');
    list.placeholder = `Python ${pythonRangeText}`;
    list.matchOnDescription = true;
    list.busy = true;

    const others: () => readonly Item[] = () => [
      { label: '', kind: vscode.QuickPickItemKind.Separator },
      { label: `$(folder-opened) ${t('Browse…')}`, detail: t('Choose the file of an interpreter'), take: browse },
      ...(offer === undefined
        ? []
        : [
            {
              label: `$(cloud-download) ${t('Install Python {0} with uv', offer)}`,
              detail: t('Downloads it for this user; nothing else on this machine changes'),
              take: async () => installPythonWithUv(await uv, offer ?? '', uvEnv, log),
            },
          ]),
      ...(readSettings(scope).pythonPath === ''
        ? []
        : [
            {
              label: `$(discard) ${t('Find It Automatically')}`,
              detail: t('Removes the setting minifal.pythonPath'),
              take: async () => void (await write(undefined)),
            },
          ]),
    ];

    const isUsed = (python: string) =>
      current !== undefined &&
      [python, join(ownEnvironment(places.storage, python), 'bin', 'python')].includes(current);

    function show(): void {
      const [active] = list.activeItems;
      const shown = distinct(found);
      const fits = shown.filter(({ facts }) => facts.fits === 'supported');
      const items = [...fits, ...shown.filter((one) => !fits.includes(one))].flatMap((one, index, all): Item[] => {
        const isCurrent = found.some((other) => isUsed(other.python) && installationOf(other) === installationOf(one));
        const row: Item = {
          ...interpreterText(one, { home: homedir(), isCurrent }),
          ...(fits.includes(one) ? { take: async () => one.python } : {}),
        };
        const heading = fits.includes(one) ? sourceText(one.source) : t('not supported by fal');
        const before = all[index - 1];
        const isSame =
          before && (fits.includes(before) ? sourceText(before.source) : t('not supported by fal')) === heading;
        return isSame ? [row] : [{ label: heading, kind: vscode.QuickPickItemKind.Separator }, row];
      });
      const used = found.find(({ python }) => isUsed(python));
      if (used && current !== undefined) list.placeholder = inUse(used.facts.release, current);
      list.keepScrollPosition = true;
      list.items = [...items, ...others()];
      const same = active && list.items.find(({ label, description }) => isRow(active, label, description));
      if (same) list.activeItems = [same];
    }

    const search = findInterpreters(
      {
        setting: readSettings(scope).pythonPath,
        folders: vscode.workspace.workspaceFolders?.map(({ uri }) => uri.fsPath) ?? [],
        env,
        home: homedir(),
        fromExtension: () => interpretersOfPythonExtension(scope),
        uv: () => uv,
        exec: execProgram,
        ownEnvironment: (python) => ownEnvironment(places.storage, python),
      },
      (interpreter) => {
        found.push(interpreter);
        show();
      },
      ended.signal,
    );
    const known = deps.current(scope).then((python) => {
      current = python;
      show();
    });
    const offered = uv
      .then((program) => (program === undefined ? undefined : offerOfUv(program, execProgram, uvEnv)))
      .then((version) => {
        // A version that is there already needn't be offered.
        if (!found.some(({ facts }) => facts.version === version)) offer = version;
        show();
      });
    void Promise.allSettled([search, known, search.then(() => offered)]).then(() => {
      list.busy = false;
    });
    show();
    list.show();
    return new Promise((resolve) => {
      list.onDidAccept(() => {
        const [item] = list.selectedItems;
        if (!item?.take) return; // its detail says why
        resolve(item);
        list.hide();
      });
      list.onDidHide(() => {
        ended.abort();
        list.dispose();
        resolve(undefined);
      });
    });
  }

  async function browse(): Promise<string | undefined> {
    const [file] =
      (await vscode.window.showOpenDialog({
        title: t('Choose a Python Interpreter'),
        openLabel: t('Choose Python'),
      })) ?? [];
    if (!file) return undefined;
    const python = file.fsPath;
    const facts = await askPython(python, execProgram, childEnv(process.env));
    if (!facts) throw new Problem(t('{0} is not a Python interpreter.', python), 'choosePython');
    if (facts.fits === 'supported') return python;
    throw new Problem(t('fal needs Python {0}; {1} is {2}.', pythonRangeText, python, facts.release), 'choosePython');
  }

  return {
    /** Resolves with the interpreter that the user chose; `undefined`: none, or "find it automatically". */
    async choose(): Promise<string | undefined> {
      try {
        return await choose();
      } catch (error) {
        present.problem(error);
        return undefined;
      }
    },
  };
}

function inUse(release: string, python: string): string {
  return t('In use: Python {0}, {1}. fal needs {2}.', release, python, pythonRangeText);
}

/** Writes the setting; `undefined` removes it from every level. */
async function write(python: string | undefined): Promise<void> {
  const folder = python === undefined ? activeFolder() : folderOf(python);
  const scope = folder ?? activeFolder();
  const configuration = vscode.workspace.getConfiguration('minifal', scope?.uri);
  const set = configuration.inspect<string>('pythonPath');
  const { Global, Workspace, WorkspaceFolder } = vscode.ConfigurationTarget;
  if (python === undefined) {
    if (set?.workspaceFolderValue !== undefined) await configuration.update('pythonPath', undefined, WorkspaceFolder);
    if (set?.workspaceValue !== undefined) await configuration.update('pythonPath', undefined, Workspace);
    if (set?.globalValue !== undefined) await configuration.update('pythonPath', undefined, Global);
    return;
  }
  const level = settingLevel({
    isInFolder: folder !== undefined,
    isSetInFolder: set?.workspaceFolderValue !== undefined,
    isSetInWorkspace: set?.workspaceValue !== undefined,
  });
  const target = { folder: WorkspaceFolder, workspace: Workspace, machine: Global }[level];
  await configuration.update('pythonPath', python, target);
}

function folderOf(python: string): vscode.WorkspaceFolder | undefined {
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(python));
}

/** The mark of the current one arrives late; apart from it, a row stays the same. */
function isRow(item: Item, label: string, description: string | undefined): boolean {
  const place = (text: string | undefined) => text?.replace(/ · current$/, '');
  return item.label === label && place(item.description) === place(description);
}
