import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { signalOf } from '../present.ts';
import { Cancelled } from '../problem.ts';
import { childEnv } from '../process/child-env.ts';
import { stepText } from '../process/step-text.ts';
import { falPackages } from '../target/needs.ts';
import { toolEnvironment, uvOrFailure } from '../target/uv.ts';
import { t } from '../words.ts';
import { addFal, type Installer, installFal, ownEnvironment } from '../workspace/install-fal.ts';
import type { Python } from '../workspace/python.ts';

/** What the user wants if a command needs `fal` and the Python doesn't have it. */
export type Answer = 'install' | 'choosePython' | undefined;

/** Where the extension keeps what it installs. */
export interface InstallPlaces {
  /** The extension's own storage. */
  readonly storage: string;
  /** The data folder: its emulator may have installed uv there. */
  readonly dataFolder: string;
}

/** The folder with the tools of the emulator or, if it has none yet, of the extension. */
export function toolsFolder({ storage, dataFolder }: InstallPlaces): string {
  const shared = join(dataFolder, 'tools');
  return existsSync(join(shared, 'uv')) ? shared : join(storage, 'tools');
}

/**
 * Installs `fal` and `fal_client`: into the Python itself if it is a virtual environment, otherwise into one that is
 * made with it below the extension's storage. Shows its progress, and can be cancelled.
 * @returns the interpreter that has them
 * @throws Problem, Cancelled
 */
export async function installWithProgress(
  base: Python,
  places: InstallPlaces,
  log: vscode.LogOutputChannel,
): Promise<string> {
  const options = { location: vscode.ProgressLocation.Notification, title: t('Installing fal'), cancellable: true };
  return vscode.window.withProgress(options, async (progress, token) => {
    const signal = signalOf(token);
    const say = (text: string) => {
      const message = stepText(text);
      if (message !== undefined) progress.report({ message });
    };
    const onLine = (line: string) => {
      log.info(`[install] ${line}`);
      say(line);
    };
    say(t('looking for uv'));
    const env = childEnv(process.env);
    const uv = await orCancelled(signal, uvOrFailure(toolsFolder(places), env));
    if (typeof uv !== 'string') log.warn(`[install] pip is used, because uv isn't available: ${uv.message}`);
    const installer: Installer = {
      uv: typeof uv === 'string' ? uv : undefined,
      env: toolEnvironment(env, { spareCache: join(places.storage, 'uv-cache') }),
      signal,
      onLine,
    };
    say(falPackages.join(', '));
    if (!base.isVirtual) return installFal(base.python, ownEnvironment(places.storage, base.python), installer);
    await addFal(base.python, installer);
    return base.python;
  });
}

/** Asks in a quick pick, because the command waits for the answer. */
export async function askToInstall(base: Python): Promise<Answer> {
  const into = base.isVirtual
    ? t('into {0}', base.prefix)
    : t('into an environment of its own, made with {0}', base.python);
  const items: readonly (vscode.QuickPickItem & { readonly answer: Answer })[] = [
    {
      label: `$(cloud-download) ${t('Install fal')}`,
      description: t('takes seconds'),
      detail: into,
      answer: 'install',
    },
    { label: `$(search) ${t('Choose Another Python…')}`, answer: 'choosePython' },
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: t('fal is not installed for Python {0} ({1})', base.version, base.from),
    placeHolder: t('The command continues once fal is installed'),
    ignoreFocusOut: true,
  });
  return chosen?.answer;
}

/** The installation of uv itself can't be interrupted; it is finished in the background, for the next time. */
function orCancelled<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const cancelled = new Promise<never>((_resolve, reject) => {
    if (signal.aborted) reject(new Cancelled());
    signal.addEventListener('abort', () => reject(new Cancelled()), { once: true });
  });
  cancelled.catch(() => {});
  work.catch(() => {});
  return Promise.race([work, cancelled]);
}
