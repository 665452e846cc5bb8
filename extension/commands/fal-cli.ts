import { accessSync, constants } from 'node:fs';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import type { SetContext } from '../contexts.ts';
import type { Presenter } from '../present.ts';
import { Cancelled } from '../problem.ts';
import { childEnv } from '../process/child-env.ts';
import { execProgram } from '../process/node.ts';
import { readSettings } from '../settings.ts';
import { t } from '../words.ts';
import { activeFolder } from '../workspace/active-folder.ts';
import { pythonCandidates } from '../workspace/candidates.ts';
import { ownEnvironment } from '../workspace/install-fal.ts';
import { findPython, type Python } from '../workspace/python.ts';
import { interpreterOfPythonExtension } from '../workspace/python-extension.ts';
import { askToInstall, type InstallPlaces, installWithProgress } from './fal-install.ts';

/** How to start `fal`. */
export interface FalCli {
  /** The interpreter that runs it. */
  readonly python: string;
  readonly command: string;
  /** Inserted before the arguments of `fal`. */
  readonly args: readonly string[];
  /** The folder with the programs next to it. */
  readonly bin: string;
  /** Whether its Python can `import fal_client`. */
  readonly hasClient: boolean;
}

/** Finds Python and the `fal` command for a workspace folder, and installs `fal` if the user agrees. */
export function createFalClis(deps: {
  readonly places: InstallPlaces;
  /** Resolves with the interpreter that the user has chosen, if any. */
  readonly choosePython: () => Promise<string | undefined>;
  readonly setContext: SetContext;
  readonly present: Presenter;
  readonly log: vscode.LogOutputChannel;
}) {
  const { places, choosePython, setContext, log } = deps;

  /** @throws Problem that names the required Python versions */
  async function python(scope: vscode.Uri | undefined): Promise<Python> {
    const folders = vscode.workspace.workspaceFolders?.map(({ uri }) => uri.fsPath) ?? [];
    const candidates = pythonCandidates({
      setting: readSettings(scope).pythonPath,
      folders: scope ? [scope.fsPath, ...folders] : folders,
      fromExtension: await interpreterOfPythonExtension(scope),
      ownEnvironment: (python) => ownEnvironment(places.storage, python),
      path: process.env.PATH ?? '',
    });
    const found = await findPython(candidates, execProgram, childEnv(process.env));
    setContext('pythonState', found.kind);
    setContext('hasFal', found.kind === 'ok' && found.python.fal !== undefined);
    if (found.kind !== 'ok') throw found.problem;
    const { from, version, fal } = found.python;
    log.info(`[python] ${found.python.python} (${from}): Python ${version}, ${fal ? `fal ${fal}` : 'without fal'}`);
    return found.python;
  }

  /** @throws Problem, Cancelled */
  async function install(base: Python): Promise<FalCli> {
    const cli = cliOf(await installWithProgress(base, places, log), true);
    setContext('hasFal', true);
    return cli;
  }

  /** The `fal` command for this folder; installs it first if the user agrees. @throws Problem, Cancelled */
  async function get(scope: vscode.Uri | undefined): Promise<FalCli> {
    const found = await python(scope);
    if (found.fal !== undefined) return cliOf(found.python, found.hasClient);
    const answer = await askToInstall(found);
    if (answer === 'choosePython' && (await choosePython()) !== undefined) return get(scope);
    if (answer !== 'install') throw new Cancelled();
    return install(found);
  }

  return {
    get,
    /** Like `get`, without prompting; `undefined`: there is none. */
    async peek(scope: vscode.Uri | undefined): Promise<FalCli | undefined> {
      const found = await python(scope).catch(() => undefined);
      return found?.fal === undefined ? undefined : cliOf(found.python, found.hasClient);
    },
    /** Shows which Python is used for this folder; nothing if there is none that fal supports. */
    async showPython(scope: vscode.Uri | undefined): Promise<void> {
      const found = await python(scope).catch(() => undefined);
      if (!found) return;
      void vscode.window.setStatusBarMessage(t('fal uses Python {0}: {1}', found.release, found.python), 15_000);
    },
    /** The interpreter for this folder, if there is one that fal supports. */
    async interpreter(scope: vscode.Uri | undefined): Promise<string | undefined> {
      return (await python(scope).catch(() => undefined))?.python;
    },
    /** `true`: `fal` and `fal_client` were installed, or already present. */
    async install(): Promise<boolean> {
      try {
        const found = await python(activeFolder()?.uri);
        if (found.fal === undefined || !found.hasClient) await install(found);
        else
          void vscode.window.showInformationMessage(t('fal {0} is already installed in {1}.', found.fal, found.prefix));
        return true;
      } catch (error) {
        deps.present.problem(error);
        return false;
      }
    },
  };
}

export type FalClis = ReturnType<typeof createFalClis>;

/** The script next to the interpreter: with `-m fal`, files of the project could shadow Python modules. */
function cliOf(python: string, hasClient: boolean): FalCli {
  const bin = dirname(python);
  const script = join(bin, 'fal');
  try {
    accessSync(script, constants.X_OK);
    return { python, command: script, args: [], bin, hasClient };
  } catch {
    return { python, command: python, args: ['-m', 'fal'], bin, hasClient };
  }
}
