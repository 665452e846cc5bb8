import { translated } from '../words.ts';
import { appCommands } from './app-commands.ts';
import { callCommands } from './call-commands.ts';
import type { Command } from './command.ts';
import { emulatorCommands } from './emulator-commands.ts';
import { logCommands } from './log-commands.ts';
import { requestCommands } from './request-commands.ts';
import { rowCommands } from './row-commands.ts';
import { windowCommands } from './window-commands.ts';

const tables = {
  ...emulatorCommands,
  ...appCommands,
  ...callCommands,
  ...logCommands,
  ...requestCommands,
  ...rowCommands,
  ...windowCommands,
};

export type CommandName = keyof typeof tables;

/** All commands: the palette's, the menus' and the keys' entries of package.json, by name. */
export const commands: { readonly [N in CommandName]: Command } = tables;

export const commandNames = Object.keys(tables) as readonly CommandName[];

/** The title of a command, for buttons and links, in the editor's language. */
export const commandTitle = (name: CommandName) => translated(commands[name].title);

export const commandId = (name: CommandName) => `minifal.${name}` as const;

/** For a link in Markdown. `argument`: of the command. */
export const commandUri = (name: CommandName, argument?: string) =>
  `command:${commandId(name)}${argument === undefined ? '' : `?%5B%22${argument}%22%5D`}`;
