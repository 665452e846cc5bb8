import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Cleaned, cleanFolder } from '../../clean.ts';
import { dataFolder } from '../../local/data-folder.ts';
import { UserError } from '../../wire/errors.ts';
import { lockFolder } from '../data-folder.ts';
import type { CliOptions } from '../line/options.ts';
import { refuseOthers } from '../others.ts';
import { ownFolderCall } from '../own-command.ts';
import { printLine, printText } from '../print.ts';

/**
 * `minifal clean`: frees disk space in the data folder of an emulator that isn't running. If it is running, says so and
 * does nothing.
 */
export async function clean(options: Pick<CliOptions, 'data'>): Promise<number> {
  const folder = dataFolder(options.data);
  refuseOthers(folder);
  if (!existsSync(join(folder, 'minifal.db'))) {
    printLine(`There is nothing to clean in ${folder}.`);
    return 0;
  }
  const lock = lockFolder(folder, 'clean');
  if ('heldBy' in lock) {
    throw new UserError(
      'STILL_RUNNING',
      `An emulator (pid ${lock.heldBy}) is using ${folder}; nothing was cleaned.`,
      `Stop it with \`${ownFolderCall('stop', options.data)}\`, then try again.`,
    );
  }
  try {
    printText(describe(await cleanFolder(folder)));
  } finally {
    lock.release();
  }
  return 0;
}

function describe(cleaned: Cleaned): string {
  const megabytes = Math.round(cleaned.bytes / 1024 ** 2);
  const parts = [
    `${cleaned.environments} unused environments`,
    ...(cleaned.images > 0 ? [`${cleaned.images} unused images`] : []),
    `${cleaned.requests} finished requests`,
    `${cleaned.files} expired files`,
    `${cleaned.values} expired values`,
  ];
  const notes = cleaned.notices.map((notice) => `Note: ${notice}\n`);
  return `Removed ${parts.join(', ')}: ${megabytes} MB of files.\n${notes.join('')}`;
}
