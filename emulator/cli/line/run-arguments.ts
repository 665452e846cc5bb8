import { UserError } from '../../wire/errors.ts';
import { type RunScaling, runScalingSchema } from '../../wire/reload.ts';

/** What `minifal run` was asked for; the rest is for `fal run`. */
export interface RunOptions {
  readonly watch: boolean;
  /** Runners wait for a debugger. */
  readonly debug: boolean;
  readonly swap: boolean;
  readonly poll: boolean;
  readonly audit: boolean;
  readonly scaling: RunScaling;
  /** Whether standard input has orders of an editor. */
  readonly orders: boolean;
  readonly help: boolean;
  readonly ignored: readonly string[];
  readonly python: string | undefined;
  readonly data: string | undefined;
  readonly forFal: readonly string[];
}

const flags = ['watch', 'debug', 'no-swap', 'audit', 'poll', 'orders', 'help'] as const;
const valued = ['ignore', 'scaling', 'python', 'data'] as const;

/**
 * Reads the words after `minifal run`. An option that isn't ours belongs to `fal run`, whose options differ from one
 * release to the next; after `--`, all do.
 * @throws UserError for an option without its value
 */
export function parseRunLine(argv: readonly string[]): RunOptions {
  const given = new Map<string, string[]>();
  const forFal: string[] = [];
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') {
      forFal.push(...words.splice(0));
      break;
    }
    const [, name = '', value] = /^--([a-z-]+)(?:=(.*))?$/s.exec(word === '-h' ? '--help' : word) ?? [];
    if (valued.some((known) => known === name)) {
      const found = value ?? words.shift();
      if (found === undefined)
        throw new UserError('ARGUMENT_INVALID', `--${name} needs a value.`, 'Run `minifal run --help`.');
      given.set(name, [...(given.get(name) ?? []), found]);
    } else if (flags.some((known) => known === name) && value === undefined) given.set(name, []);
    else forFal.push(word);
  }
  return {
    watch: given.has('watch') || given.has('debug'),
    debug: given.has('debug'),
    swap: !given.has('no-swap'),
    audit: given.has('audit'),
    poll: given.has('poll'),
    scaling: scalingOf(given.get('scaling')?.at(-1)),
    orders: given.has('orders'),
    help: given.has('help'),
    ignored: given.get('ignore') ?? [],
    python: given.get('python')?.at(-1),
    data: given.get('data')?.at(-1),
    forFal,
  };
}

function scalingOf(given = 'pinned'): RunScaling {
  const { data } = runScalingSchema.safeParse({ scaling: given });
  if (data) return data.scaling;
  throw new UserError('ARGUMENT_INVALID', `--scaling can't be ${given}.`, 'Set it to pinned or faithful.');
}
