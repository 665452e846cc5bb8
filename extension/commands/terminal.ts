import { delimiter } from 'node:path';
import * as vscode from 'vscode';
import { terminalProfiles } from '../contributes/terminals.ts';
import type { Presenter } from '../present.ts';
import { Problem, untrusted } from '../problem.ts';
import { targetEnv } from '../target/data-folder.ts';
import type { Link } from '../target/link.ts';
import { t } from '../words.ts';
import { activeFolder } from '../workspace/active-folder.ts';
import type { EmulatorCommands } from './emulator.ts';
import type { FalClis } from './fal-cli.ts';

/** Terminals whose `fal`, `fal_client` and `@fal-ai/client` talk to the emulator. No other terminal is changed. */
export function createTerminals(deps: {
  readonly link: Link;
  readonly emulator: EmulatorCommands;
  readonly clis: FalClis;
  readonly present: Presenter;
}) {
  const { link, emulator, clis, present } = deps;

  async function options(): Promise<vscode.TerminalOptions> {
    if (!vscode.workspace.isTrusted) throw untrusted();
    const folder = activeFolder()?.uri;
    const cli = await clis.peek(folder);
    await emulator.ensureRunning();
    const env = targetEnv(link.folder);
    if (!env) throw new Problem(t('The emulator has stopped.'), 'startEmulator');
    const foreign = Object.keys(process.env).filter((name) => name.startsWith('FAL_') && !(name in env));
    return {
      name: terminalProfiles.terminal.title,
      ...(folder ? { cwd: folder } : {}),
      iconPath: new vscode.ThemeIcon(terminalProfiles.terminal.icon),
      message: t('fal, fal_client and @fal-ai/client use the local emulator in this terminal.'),
      // Ports and key are those of the current emulator: a terminal restored after a restart couldn't get new ones.
      isTransient: true,
      env: {
        ...Object.fromEntries(foreign.map((name) => [name, null])),
        ...env,
        ...(cli ? { PATH: `${cli.bin}${delimiter}${process.env.PATH ?? ''}` } : {}),
      },
    };
  }

  return {
    /** For the profile `fal (local)`; `undefined`: not available, and the user has been shown the reason. */
    async profile(): Promise<vscode.TerminalProfile | undefined> {
      try {
        return new vscode.TerminalProfile(await options());
      } catch (error) {
        present.problem(error);
        return undefined;
      }
    },
    async open(): Promise<vscode.Terminal | undefined> {
      try {
        const terminal = vscode.window.createTerminal(await options());
        terminal.show();
        return terminal;
      } catch (error) {
        present.problem(error);
        return undefined;
      }
    },
  };
}
