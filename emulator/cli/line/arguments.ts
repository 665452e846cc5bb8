import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Gpu } from '../../local/gpus/gpu.ts';
import { gpuNames, virtualGpus } from '../../local/gpus/virtual-gpus.ts';
import { isWebOrigin } from '../../local/network/web-origin.ts';
import { UserError } from '../../wire/errors.ts';
import { type GpuMappingMode, gpuMappingModes } from '../../wire/gpu-mapping.ts';
import {
  type HuggingFaceMode,
  huggingFaceModes,
  type IsolationMode,
  isolationModes,
  type Shares,
} from '../../wire/isolation.ts';
import { type MachineLimitMode, machineLimitModes } from '../../wire/machine-limits.ts';
import type { CliOptions } from './options.ts';

/** Parses the words after `minifal`. @throws Node's ERR_PARSE_ARGS_… for an unknown option */
export function parseCommandLine(argv: readonly string[]) {
  return parseArgs({
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
      'gpu-sharing': { type: 'boolean' },
      'gpu-mapping': { type: 'string' },
      gpus: { type: 'string' },
      kind: { type: 'string' },
      'machine-limits': { type: 'string' },
      isolation: { type: 'string' },
      share: { type: 'string', multiple: true },
      'hugging-face': { type: 'string' },
      'allow-outside': { type: 'boolean' },
      // For the editor: it passes its keychain's order (local/secret-file.ts) on standard input.
      keychain: { type: 'boolean' },
      format: { type: 'string' },
      json: { type: 'boolean' },
      print: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
    },
  });
}

/** Interprets the values of options. @throws UserError for a value out of range */
export function optionsOf(values: ReturnType<typeof parseCommandLine>['values']): CliOptions {
  return {
    port: portNumber(values.port),
    data: values.data,
    format: values.format,
    allowedOrigins: (values['allow-origin'] ?? []).map(webOrigin),
    retentionDays: retentionDays(values['retention-days']),
    timeScale: timeScale(values['time-scale']),
    maxRunners: maxRunners(values['max-runners']),
    gpuSlots: gpuSlots(values['gpu-slots']),
    gpuSharing: values['gpu-sharing'] ?? false,
    gpuMapping: gpuMapping(values['gpu-mapping']),
    gpus: gpus(values.gpus),
    kind: values.kind,
    machineLimits: machineLimits(values['machine-limits']),
    isolation: isolation(values.isolation),
    shared: (values.share ?? []).map(sharedFolder),
    huggingFace: huggingFace(values['hugging-face']),
    allowOutside: values['allow-outside'] ?? false,
    json: values.json ?? false,
    print: values.print ?? false,
    keychain: values.keychain ?? false,
  };
}

function portNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65532) return port;
  throw new UserError('ARGUMENT_INVALID', `${text} is not a port.`, 'Set --port to a number from 0 to 65532.');
}

function retentionDays(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1) return Number(text);
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not a number of days.`,
    'Set --retention-days to a whole number, 1 or more, such as 7.',
  );
}

function maxRunners(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1) return Number(text);
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not a number of runners.`,
    'Set --max-runners to a whole number, 1 or more, such as 16.',
  );
}

function gpuSlots(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1) return Number(text);
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not a number of GPU slots.`,
    'Set --gpu-slots to a whole number, 1 or more.',
  );
}

function gpuMapping(text: string | undefined): GpuMappingMode | undefined {
  const mode = gpuMappingModes.find((known) => known === text);
  if (mode !== undefined || text === undefined) return mode;
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not a mode for the mapping of GPUs.`,
    `Set --gpu-mapping to one of: ${gpuMappingModes.join(', ')}.`,
  );
}

function gpus(text: string | undefined): readonly Gpu[] | undefined {
  if (text === undefined) return undefined;
  const found = virtualGpus(text);
  if (found !== undefined) return found;
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} are not GPUs that minifal can imitate.`,
    `Give --gpus how many of which, e.g. 2xH100 or 1xA100,2xL40: ${gpuNames.join(', ')}.`,
  );
}

function machineLimits(text: string | undefined): MachineLimitMode | undefined {
  const mode = machineLimitModes.find((known) => known === text);
  if (mode !== undefined || text === undefined) return mode;
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not a mode for machine limits.`,
    `Set --machine-limits to one of: ${machineLimitModes.join(', ')}.`,
  );
}

function isolation(text: string | undefined): IsolationMode | undefined {
  const mode = isolationModes.find((known) => known === text);
  if (mode !== undefined || text === undefined) return mode;
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not an isolation mode.`,
    `Set --isolation to one of: ${isolationModes.join(', ')}.`,
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
      `${path} can't be shared, because it doesn't exist.`,
      `Set --share to ${suffix} for reading only, or to ${suffix}:rw for writing, too.`,
    );
  throw new UserError(
    'ARGUMENT_INVALID',
    `${path} can't be shared, because it doesn't exist.`,
    'Set --share to an existing folder or file, such as ~/models.',
  );
}

function huggingFace(text: string | undefined): HuggingFaceMode | undefined {
  const mode = huggingFaceModes.find((known) => known === text);
  if (mode !== undefined || text === undefined) return mode;
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not a mode for the Hugging Face cache.`,
    `Set --hugging-face to one of: ${huggingFaceModes.join(', ')}.`,
  );
}

/** At a factor of 1000, a keep_alive of one minute lasts 60 ms; a higher factor would leave nothing to watch. */
function timeScale(text: string | undefined): number {
  if (text === undefined) return 1;
  const factor = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && factor >= 1 && factor <= 1000) return factor;
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not a time scale.`,
    'Set --time-scale to a number from 1 (real time) to 1000.',
  );
}

function webOrigin(text: string): string {
  if (isWebOrigin(text)) return text;
  throw new UserError(
    'ARGUMENT_INVALID',
    `${text} is not a web origin.`,
    'Set --allow-origin to scheme, host and port, such as http://localhost:3000.',
  );
}
