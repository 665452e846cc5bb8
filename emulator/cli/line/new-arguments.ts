import { parseArgs } from 'node:util';
import { UserError } from '../../wire/errors.ts';

/** What `minifal new` was asked for. */
export interface NewOptions {
  readonly template: string | undefined;
  readonly folder: string | undefined;
  readonly set: Readonly<Record<string, string>>;
  readonly yes: boolean;
  readonly list: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

/** Reads the words after `minifal new`. @throws UserError; Node's ERR_PARSE_ARGS_… for an unknown option */
export function parseNewLine(argv: readonly string[]): NewOptions {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      set: { type: 'string', multiple: true },
      yes: { type: 'boolean', short: 'y' },
      list: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [template, folder, extra] = positionals;
  if (extra !== undefined)
    throw new UserError('ARGUMENT_INVALID', `Unexpected argument: ${extra}.`, 'Run `minifal new --help`.');
  return {
    template,
    folder,
    set: Object.fromEntries((values.set ?? []).map(assignment)),
    yes: values.yes ?? false,
    list: values.list ?? false,
    json: values.json ?? false,
    help: values.help ?? false,
  };
}

function assignment(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UserError('ARGUMENT_INVALID', `${text} sets nothing.`, 'Use --set NAME=VALUE, e.g. --set app-name=my-app.');
}
