import { UserError } from '../wire/errors.ts';
import { folderHolder } from './data-folder.ts';
import { ownFolderCall } from './own-command.ts';

/** The error of a command that needs a running emulator. `option`: the folder as given to the command. */
export function notRunning(folder: string, option: string | undefined): UserError {
  const holder = folderHolder(folder);
  if (holder?.use === 'emulator') {
    return new UserError(
      'NOT_RUNNING',
      `The emulator of ${folder} (pid ${holder.pid}) is still starting.`,
      'Repeat the command in a moment.',
    );
  }
  const start = `Start one with \`${ownFolderCall('start', option)}\`.`;
  return new UserError('NOT_RUNNING', `No emulator is using ${folder}.`, start);
}
