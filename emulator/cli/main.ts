import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { asDenied } from '../local/denied.ts';
import { asDiskTrouble } from '../local/disk-trouble.ts';
import { isWebOrigin } from '../local/network/web-origin.ts';
import { printableJson, printableLines } from '../local/printable.ts';
import type { UserErrorCode } from '../wire/error-codes.ts';
import { UserError } from '../wire/errors.ts';
import {
  type HuggingFaceMode,
  huggingFaceModes,
  type IsolationMode,
  isolationModes,
  type Shares,
} from '../wire/isolation.ts';

const usage = `minifal: fal Serverless on this machine

  minifal start [--port N] [--data DIR]     start the emulator, or join the one that runs on DIR
  minifal env [--format F] [--data DIR]     print the variables that point fal's tools here
                                            (F: sh, fish, powershell, json, dotenv; default: your shell)
  minifal status [--port N] [--data DIR]    what runs: apps, runners, queues
  minifal stop [--port N] [--data DIR]      stop the emulator that runs on DIR, or on port N when its folder is gone
  minifal clean [--data DIR]                free disk space: environments that no app uses, finished requests,
                                            expired files (apps, secrets and /data stay)

  --port N    first of four ports: API N, run N+1, queue N+2, ws N+3 (default 4710; 0: free ports from the system)
  --retention-days N     (start) keep finished requests and their results N days (default 30)
  --allow-origin ORIGIN  (start) web pages of this origin may call, e.g. http://localhost:3000; may be repeated
  --max-runners N        (start) run at most N runners at once, others wait for room (default: by memory and cores)
  --gpu-slots N          (start) runners of GPU machine types take num_gpus of N slots each (1 by default), others wait
                         for a slot; one GPU app that calls another needs two (default: no limit, they share the GPU)
  --isolation MODE       (start) what a runner has of its own: off (/data and /app), disk (also a disk, wiped at its
                         end), full (also addresses); what this machine can't do is said once (default: full)
  --share PATH[:rw]      (start) a folder of this machine that runners with a disk of their own see, read-only or (:rw) to write
                         to as well; may be repeated (default: homes and temporary files aren't seen)
  --hugging-face MODE    (start) your Hugging Face cache in such runners: off (they keep models in /data), read (yours, and
                         what they download goes with them), write (yours, and they add to it) (default: off)
  --allow-outside        (start) programs of apps may listen where other machines reach them, without a key; else that
                         is a runner's end, unless runners have addresses of their own (--isolation full)
  --time-scale N         (start) delays of the platform pass N times as fast (1 to 1000): keep_alive, scaling_delay,
                         back-off after failed starts, pauses before retries, health check intervals; what an app
                         and its callers take (setup, requests, termination grace, every timeout) stays as it is
  --data DIR  where everything is kept (default: $MINIFAL_DATA, else ~/.minifal)
`;

/** Each command loads its own code: \`minifal env\` does not pay for the emulator. */
async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      port: { type: 'string' },
      'retention-days': { type: 'string' },
      'allow-origin': { type: 'string', multiple: true },
      data: { type: 'string' },
      'time-scale': { type: 'string' },
      'max-runners': { type: 'string' },
      'gpu-slots': { type: 'string' },
      isolation: { type: 'string' },
      share: { type: 'string', multiple: true },
      'hugging-face': { type: 'string' },
      'allow-outside': { type: 'boolean' },
      // For the editor: it hands over its keychain's order (local/secret-file.ts) on standard input.
      keychain: { type: 'boolean' },
      format: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
    },
  });
  const [command, ...rest] = positionals;
  if (values.version) return print((await import('./version.ts')).version);
  if (values.help || command === undefined) return print(usage);
  if (rest.length > 0)
    throw new UserError('ARGUMENT_INVALID', `Unexpected argument: ${rest[0]}.`, 'Run `minifal --help`.');
  const options = {
    port: portNumber(values.port),
    data: values.data,
    format: values.format,
    allowedOrigins: (values['allow-origin'] ?? []).map(webOrigin),
    retentionDays: retentionDays(values['retention-days']),
    timeScale: timeScale(values['time-scale']),
    maxRunners: maxRunners(values['max-runners']),
    gpuSlots: gpuSlots(values['gpu-slots']),
    isolation: isolation(values.isolation),
    shared: (values.share ?? []).map(sharedFolder),
    huggingFace: huggingFace(values['hugging-face']),
    allowOutside: values['allow-outside'] ?? false,
    json: values.json ?? false,
    keychain: values.keychain ?? false,
  };
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

function portNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65532) return port;
  throw new UserError('ARGUMENT_INVALID', `${text} is not a port.`, 'Give --port a number from 0 to 65532.');
}

function retentionDays(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1) return Number(text);
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not a number of days.`,
    'Give --retention-days a whole number from 1, e.g. 7.',
  );
}

function maxRunners(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1) return Number(text);
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not a number of runners.`,
    'Give --max-runners a whole number from 1, e.g. 16.',
  );
}

function gpuSlots(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1) return Number(text);
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not a number of GPU slots.`,
    'Give --gpu-slots a whole number from 1, e.g. 1.',
  );
}

function isolation(text: string | undefined): IsolationMode | undefined {
  const mode = isolationModes.find((known) => known === text);
  if (mode !== undefined || text === undefined) return mode;
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not an isolation mode.`,
    `Give --isolation one of ${isolationModes.join(', ')}.`,
  );
}

function sharedFolder(text: string): Shares['folders'][number] {
  const writable = text.endsWith(':rw');
  const path = resolve(writable ? text.slice(0, -3) : text);
  if (existsSync(path)) return { path, writable };
  const suffix = /^(.+):[a-z]{0,3}$/.exec(text)?.[1];
  if (!writable && suffix !== undefined && existsSync(suffix))
    throw new UserError(
      'ARGUMENT_INVALID',
      `There is no ${path} to share.`,
      `Give --share ${suffix} for apps that read, or ${suffix}:rw for apps that write there, too.`,
    );
  throw new UserError(
    'ARGUMENT_INVALID',
    `There is no ${path} to share.`,
    'Give --share a folder or file, e.g. --share ~/models',
  );
}

function huggingFace(text: string | undefined): HuggingFaceMode | undefined {
  const mode = huggingFaceModes.find((known) => known === text);
  if (mode !== undefined || text === undefined) return mode;
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is no way to share the Hugging Face cache.`,
    `Give --hugging-face one of ${huggingFaceModes.join(', ')}.`,
  );
}

/** At 1000 a minute of keep_alive is 60 ms: beyond that, nothing is left to watch. */
function timeScale(text: string | undefined): number {
  if (text === undefined) return 1;
  const factor = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && factor >= 1 && factor <= 1000) return factor;
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not a time scale.`,
    'Give --time-scale a number from 1 (real time) to 1000.',
  );
}

function webOrigin(text: string): string {
  if (isWebOrigin(text)) return text;
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not a web origin.`,
    'Give --allow-origin scheme, host and port: http://localhost:3000',
  );
}

function print(text: string): number {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  return 0;
}

// What a command loads is kept compiled with the bundle, as safe as that is itself, and gone with it (measured: 35 ms
// of a start). A folder that can't be written keeps nothing.
enableCompileCache(join(import.meta.dirname, '.compile-cache'));

// Anyone who read our output may leave (`minifal start | head -1`), or its disk be full: that ends no command.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const failure = failureOf(error);
  // One line for a program that reads it (the editor); the codes are stable (wire/error-codes.ts).
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
