import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import type { Presenter } from '../present.ts';
import { Cancelled, Problem } from '../problem.ts';
import { childEnv } from '../process/child-env.ts';
import { execProgram, findNode } from '../process/node.ts';
import { askDisk, type DiskUse } from '../target/disk.ts';
import { bytesText } from '../views/bytes.ts';
import { t } from '../words.ts';
import type { EmulatorCommands } from './emulator.ts';

/** For less, a restart of the emulator isn't worth it. */
const minBytes = 1_000_000;

/** Frees what nobody needs in the data folder, as `minifal clean` does. */
export function createDiskCommands(deps: {
  readonly folder: string;
  readonly extensionPath: string;
  readonly emulator: EmulatorCommands;
  readonly present: Presenter;
  readonly log: vscode.LogOutputChannel;
  /** The folder takes less now. */
  readonly changed: () => void;
}) {
  const { folder, emulator, present, log } = deps;

  async function clean(): Promise<void> {
    const node = await findNode({ execPath: process.execPath, env: process.env, exec: execProgram });
    const args = [join(deps.extensionPath, 'dist', 'minifal.mjs'), 'clean', '--data', folder];
    const env = { ...childEnv(process.env), ...node.env };
    // Without a time limit: a large environment takes its time, and half of one is of no use.
    const { stdout } = await promisify(execFile)(node.command, args, { env }).catch((error: Error) => {
      log.error(`[clean] ${error.message}`);
      throw new Problem(t('The data folder could not be cleaned up.'));
    });
    for (const line of stdout.trimEnd().split('\n')) log.info(`[clean] ${line}`);
  }

  async function cleanUp(): Promise<boolean> {
    const before = await askDisk(folder);
    if (!before) throw new Problem(t('The emulator does not answer.'));
    if (before.unused.count === 0 && before.unused.bytes < minBytes) {
      const little = bytesText(before.unused.bytes);
      void vscode.window.showInformationMessage(t('There is nothing to clean up: only {0} would be freed.', little));
      return false;
    }
    const yes = t('Clean Up');
    const what = t('Free about {0} in the data folder?', bytesText(before.unused.bytes));
    const answer = await vscode.window.showWarningMessage(what, { modal: true, detail: detailOf(before) }, yes);
    if (answer !== yes) throw new Cancelled();
    const options = { location: vscode.ProgressLocation.Notification, title: t('Cleaning up the data folder') };
    const isRunning = await vscode.window.withProgress(options, async () => {
      if (!(await emulator.stop())) throw new Cancelled();
      try {
        await clean();
      } finally {
        await emulator.start();
      }
      return true;
    });
    const after = await askDisk(folder);
    deps.changed();
    const freed = after ? bytesText(Math.max(0, before.bytes - after.bytes)) : bytesText(before.unused.bytes);
    void vscode.window.showInformationMessage(t('{0} are free again in {1}.', freed, folder));
    return isRunning;
  }

  return {
    /** `true`: it was cleaned up, and the emulator runs again. */
    async cleanUp(): Promise<boolean> {
      try {
        return await cleanUp();
      } catch (error) {
        present.problem(error);
        return false;
      }
    },
  };
}

function detailOf({ unused }: DiskUse): string {
  const environments =
    unused.count === 1 ? t('one environment that no app uses') : t('{0} environments that no app uses', unused.count);
  return t(
    'Removes {0}, finished requests, and expired files. Apps, secrets, waiting requests and /data stay. ' +
      'The emulator stops for this and starts again; runs of `fal run` end.',
    environments,
  );
}
