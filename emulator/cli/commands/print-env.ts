import { clientEnv, dataFolder, findRunning, readLocalKey } from '../../local/data-folder.ts';
import { UserError } from '../../wire/errors.ts';
import { type EnvFormat, envFormats, formatEnv, formatOfShell } from '../env.ts';
import type { CliOptions } from '../line/options.ts';
import { refuseOthers } from '../others.ts';
import { ownFolderCall } from '../own-command.ts';

/** `minifal env`: prints the variables, and nothing else, to standard output. */
export function printEnv(options: CliOptions): number {
  const folder = dataFolder(options.data);
  refuseOthers(folder);
  const running = findRunning(folder);
  const key = readLocalKey(folder);
  if (!running || !key)
    throw new UserError(
      'NOT_RUNNING',
      `No emulator is using ${folder}.`,
      `Start one with \`${ownFolderCall('start', options.data)}\`.`,
    );
  const format = options.json ? 'json' : (options.format ?? formatOfShell(process.env.SHELL, process.platform));
  if (!isFormat(format))
    throw new UserError('ARGUMENT_INVALID', `Unknown format: ${format}.`, `Choose one of ${envFormats.join(', ')}.`);
  process.stdout.write(`${formatEnv(clientEnv(folder, running.ports, key, process.env), format)}\n`);
  return 0;
}

function isFormat(text: string): text is EnvFormat {
  return (envFormats as readonly string[]).includes(text);
}
