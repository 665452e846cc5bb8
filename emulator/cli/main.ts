import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { asDenied } from '../local/denied.ts';
import { asDiskTrouble } from '../local/disk-trouble.ts';
import { printableJson, printableLines } from '../local/printable.ts';
import type { UserErrorCode } from '../wire/error-codes.ts';
import { UserError } from '../wire/errors.ts';
import { optionsOf, parseCommandLine } from './line/arguments.ts';
import { usage } from './line/usage.ts';

/** Each command loads its own code: \`minifal env\` does not pay for the emulator. */
async function main(argv: readonly string[]): Promise<number> {
  // Its options are mostly those of `fal run`.
  if (argv[0] === 'run') return (await import('./commands/run.ts')).run(argv.slice(1));
  // Their arguments are their own.
  if (argv[0] === 'new') return (await import('./commands/new.ts')).newApp(argv.slice(1));
  if (argv[0] === 'check') return (await import('./commands/check.ts')).check(argv.slice(1));
  const { values, positionals } = parseCommandLine(argv);
  const [command, ...rest] = positionals;
  if (values.version) return print((await import('./version.ts')).version);
  if (values.help || command === undefined) return print(usage);
  if (command === 'gpu') return (await import('./commands/gpu-fault.ts')).gpuFault(rest, optionsOf(values));
  if (command === 'why') return (await import('./commands/why.ts')).why(rest, optionsOf(values));
  if (command === 'open') return (await import('./commands/open.ts')).open(rest, optionsOf(values));
  if (rest.length > 0)
    throw new UserError('ARGUMENT_INVALID', `Unexpected argument: ${rest[0]}.`, 'Run `minifal --help`.');
  const options = optionsOf(values);
  switch (command) {
    case 'start':
      return (await import('./commands/start.ts')).start(options);
    case 'env':
      return (await import('./commands/print-env.ts')).printEnv(options);
    case 'status':
      return (await import('./commands/status.ts')).status(options);
    case 'stop':
      return (await import('./commands/stop.ts')).stop(options);
    case 'clean':
      return (await import('./commands/clean.ts')).clean(options);
    default:
      throw new UserError('COMMAND_UNKNOWN', `Unknown command: ${command}.`, 'Run `minifal --help`.');
  }
}

function print(text: string): number {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  return 0;
}

// Node keeps compiled code next to the bundle, as secure as the bundle itself and removed with it (measured: saves 35
// ms of a start). If the folder isn't writable, nothing is kept.
enableCompileCache(join(import.meta.dirname, '.compile-cache'));

// The reader of our output may stop (`minifal start | head -1`), or its disk may be full: that must not end a command.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const failure = failureOf(error);
  // One line for programs such as the editor; the codes are stable (wire/error-codes.ts).
  const text = process.argv.includes('--json')
    ? `${printableJson({ error: failure }, 0)}\n`
    : printableLines(`minifal: ${failure.message}\n${failure.next}\n`);
  process.stderr.write(text);
  process.exitCode = 1;
}

interface Failure {
  readonly code: UserErrorCode | 'BUG';
  readonly message: string;
  readonly next: string;
}

function failureOf(error: unknown): Failure {
  const disk = asDiskTrouble(error);
  if (disk) {
    return { code: disk.code, message: disk.message, next: `${disk.remedy} Or choose another folder with --data DIR.` };
  }
  const known = error instanceof UserError ? error : asDenied(error);
  if (known) return { code: known.code, message: known.message, next: known.next };
  const { code, stack, message } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : (new Error(String(error)) as NodeJS.ErrnoException);
  if (code?.startsWith('ERR_PARSE_ARGS')) return { code: 'ARGUMENT_INVALID', message, next: 'Run `minifal --help`.' };
  return {
    code: 'BUG',
    message: stack ?? message,
    next: 'This is a bug in minifal; please report it with the lines above.',
  };
}
