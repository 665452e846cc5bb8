import { parseArgs } from 'node:util';
import { UserError } from '../../wire/errors.ts';

/** What `minifal check` was asked for. */
export interface CheckOptions {
  readonly path: string;
  readonly json: boolean;
  /** What the apps lack before others can use them, too. */
  readonly isPublic: boolean;
  readonly help: boolean;
}

/** Reads the words after `minifal check`. @throws UserError; Node's ERR_PARSE_ARGS_… for an unknown option */
export function parseCheckLine(argv: readonly string[]): CheckOptions {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { json: { type: 'boolean' }, public: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  const [path = '.', extra] = positionals;
  if (extra !== undefined)
    throw new UserError('ARGUMENT_INVALID', `Unexpected argument: ${extra}.`, 'Run `minifal check --help`.');
  return { path, json: values.json ?? false, isPublic: values.public ?? false, help: values.help ?? false };
}
