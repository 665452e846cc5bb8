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

const everything = () => t('fal, fal_client and @fal-ai/client use the local emulator in this terminal.');
const withoutClient = (bin: string) =>
  t(
    'fal and @fal-ai/client use the local emulator in this terminal. {0} has no fal_client; ' +
      'the command "fal: Install fal Command" installs it.',
    bin,
  );

/** Terminals whose `fal`, `fal_client` and `@fal-ai/client` talk to the emulator. No other terminal is changed. */
export function createTerminals(deps: {
  readonly link: Link;
  readonly emulator: EmulatorCommands;
  readonly clis: FalClis;
  readonly present: Presenter;
  /** Called with the variables of each new terminal. */
  readonly opened: (env: { readonly [name: string]: string }) => void;
  /** Resolves with the folder of the `minifal` command. */
  readonly shim: () => Promise<string>;
}) {
  const { link, emulator, clis, present, opened, shim } = deps;

  async function options(): Promise<vscode.TerminalOptions> {
    if (!vscode.workspace.isTrusted) throw untrusted();
    const folder = activeFolder()?.uri;
    const cli = await clis.peek(folder);
    const bins = [...(cli ? [cli.bin] : []), await shim()];
    await emulator.ensureRunning();
    const env = targetEnv(link.folder);
    if (!env) throw new Problem(t('The emulator has stopped.'), 'startEmulator');
    opened(env);
    const foreign = Object.keys(process.env).filter((name) => name.startsWith('FAL_') && !(name in env));
    return {
      name: terminalProfiles.terminal.title,
      ...(folder ? { cwd: folder } : {}),
      iconPath: new vscode.ThemeIcon(terminalProfiles.terminal.icon),
      message: cli && !cli.hasClient ? withoutClient(cli.bin) : everything(),
      env: {
        ...Object.fromEntries(foreign.map((name) => [name, null])),
        ...env,
        MINIFAL_DATA: link.folder,
        PATH: [...bins, process.env.PATH ?? ''].join(delimiter),
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
