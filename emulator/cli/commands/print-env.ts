import { clientEnv, dataFolder, findRunning, readLocalKey } from '../../local/data-folder.ts';
import { UserError } from '../../wire/errors.ts';
import { type EnvFormat, envFormats, formatEnv, formatOfShell } from '../env.ts';
import type { CliOptions } from '../line/options.ts';
import { notRunning } from '../not-running.ts';
import { refuseOthers } from '../others.ts';

/** `minifal env`: prints the variables, and nothing else, to standard output. */
export function printEnv(options: CliOptions): number {
  const folder = dataFolder(options.data);
  refuseOthers(folder);
  const running = findRunning(folder);
  const key = readLocalKey(folder);
  if (!running || !key) throw notRunning(folder, options.data);
  const format = options.json ? 'json' : (options.format ?? formatOfShell(process.env.SHELL, process.platform));
  if (!isFormat(format))
    throw new UserError('ARGUMENT_INVALID', `Unknown format: ${format}.`, `Choose one of ${envFormats.join(', ')}.`);
  process.stdout.write(`${formatEnv(clientEnv(folder, running.ports, key, process.env), format)}\n`);
  return 0;
}

function isFormat(text: string): text is EnvFormat {
  return (envFormats as readonly string[]).includes(text);
}
