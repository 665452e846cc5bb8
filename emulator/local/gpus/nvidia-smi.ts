import type { Gpu, GpuProcess, GpuSample } from './gpu.ts';

/**
 * What nvidia-smi prints, read without trust: every line that isn't understood is a warning, and never an error. Pure.
 * The recordings next to this file are real output; they show that messages of failures come on stdout, that a driver
 * that doesn't know one field refuses the whole query, and which words stand for values that a GPU doesn't report.
 */

export const program = 'nvidia-smi';
const form = '--format=csv,noheader,nounits';

/** The fields of a GPU that never change; a driver that doesn't know one is asked again without it. */
export const gpuFields: readonly string[] = ['index', 'uuid', 'name', 'memory.total', 'mig.mode.current'];
const sampleFields: readonly string[] = [
  ...['uuid', 'memory.used', 'utilization.gpu', 'power.draw', 'temperature.gpu'],
];

export const gpuQuery = (fields: readonly string[]): readonly string[] => [`--query-gpu=${fields.join(',')}`, form];
/** Every driver knows these fields. */
export const sampleQuery = gpuQuery(sampleFields);

export const processQuery: readonly string[] = ['--query-compute-apps=pid,gpu_uuid,used_memory', form];

/** What was understood, and a sentence for each line that wasn't. */
export interface Parsed<T> {
  readonly found: readonly T[];
  readonly warnings: readonly string[];
}

/** Sentences for one output at most: a program that only pretends to be nvidia-smi may print anything. */
const maxWarnings = 5;
/** The machines with most GPUs have 16; each can be divided into 7 parts. */
const maxFound = 128;

/** A GPU, and whether it is divided into parts. */
export type FoundGpu = Gpu & { readonly divided: boolean };

/** Reads the answer to `gpuQuery(fields)`. GPUs that don't answer are left out, with a warning. */
export function parseGpus(text: string, fields: readonly string[]): Parsed<FoundGpu> {
  return parseRows(text, fields, (value) => {
    const index = whole(value('index'));
    // A GPU without a UUID (Jetson) has its number for CUDA.
    const uuid = uuidIn(value('uuid')) ?? (isUnreported(value('uuid')) ? value('index') : undefined);
    const name = known(value('name'));
    if (index === undefined || uuid === undefined || name === undefined) return undefined;
    const memory = whole(value('memory.total'));
    const divided = value('mig.mode.current') === 'Enabled';
    return { index, uuid, name, divided, ...(memory !== undefined && memory > 0 ? { memoryMib: memory } : {}) };
  });
}

/** Reads one or more rows of the answer to `sampleQuery`. A GPU that stopped answering gives no sample. */
export function parseSamples(text: string): Parsed<GpuSample> {
  return parseRows(text, sampleFields, (value) => {
    const uuid = uuidIn(value('uuid'));
    if (uuid === undefined) return undefined;
    const memoryUsedMib = whole(value('memory.used'));
    const utilization = whole(value('utilization.gpu'));
    const powerWatts = decimal(value('power.draw'));
    const celsius = whole(value('temperature.gpu'));
    return {
      uuid,
      ...(memoryUsedMib === undefined ? {} : { memoryUsedMib }),
      ...(utilization === undefined ? {} : { utilization }),
      ...(powerWatts === undefined ? {} : { powerWatts }),
      ...(celsius === undefined ? {} : { celsius }),
    };
  });
}

/**
 * Reads the answer to `--query-compute-apps=pid,gpu_uuid,used_memory`. It is empty in a PID namespace of its own, such
 * as that of a container.
 */
export function parseProcesses(text: string): Parsed<GpuProcess> {
  return parseRows(text, ['pid', 'uuid', 'memory'], (value) => {
    const pid = whole(value('pid'));
    const uuid = uuidIn(value('uuid'));
    if (pid === undefined || uuid === undefined) return undefined;
    const memoryMib = whole(value('memory'));
    return { pid, uuid, ...(memoryMib === undefined ? {} : { memoryMib }) };
  });
}

/**
 * Reads `nvidia-smi -L`, the only place that lists the parts (MIG) of divided GPUs, with the UUID of the GPU that each
 * belongs to.
 */
export function parseParts(text: string): ReadonlyMap<string, readonly Gpu[]> {
  const parts = new Map<string, Gpu[]>();
  let owner: { readonly uuid: string; readonly name: string } | undefined;
  for (const line of text.split('\n')) {
    const gpu = /^GPU \d+: (.+) \(UUID: (GPU-[\w-]+)\)\s*$/.exec(line);
    if (gpu) owner = { name: gpu[1] ?? '', uuid: gpu[2] ?? '' };
    const part = /^\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[\w/-]+)\)\s*$/.exec(line);
    if (!part || owner === undefined) continue;
    const [, profile = '', index = '', uuid = ''] = part;
    const gigabytes = /\.(\d+)gb/.exec(profile)?.[1];
    const memory = gigabytes === undefined ? {} : { memoryMib: Number(gigabytes) * 1024 };
    const listed = parts.get(owner.uuid) ?? [];
    listed.push({ uuid, index: Number(index), name: `${owner.name} MIG ${profile}`, ...memory });
    parts.set(owner.uuid, listed);
  }
  return parts;
}

/** The field of a query that the driver doesn't know; the whole query fails then. */
export function unknownField(text: string): string | undefined {
  return /^Field "([\w.]+)" is not a valid field to query/m.exec(text)?.[1];
}

/** Whether the program answered that there are no GPUs, which is no failure. */
export function saysNoGpus(text: string): boolean {
  return /^No devices (were )?found/m.test(text);
}

function parseRows<T>(
  text: string,
  fields: readonly string[],
  read: (value: (field: string) => string) => T | undefined,
): Parsed<T> {
  const found: T[] = [];
  const warnings: string[] = [];
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (trimmed === '') continue;
    const cells = trimmed.split(',').map((cell) => cell.trim());
    const row = cells.length === fields.length ? read((field) => cells[fields.indexOf(field)] ?? '') : undefined;
    if (row !== undefined && found.length < maxFound) found.push(row);
    else if (warnings.length < maxWarnings) warnings.push(`nvidia-smi printed: ${trimmed.slice(0, 300)}`);
  }
  return { found, warnings };
}

/** Absent for what isn't reported, and for failures in its place: `[Unknown Error]`, `[GPU is lost]` and the like. */
function known(text: string): string | undefined {
  return isUnreported(text) || /^\[.*\]$/.test(text) ? undefined : text;
}

function isUnreported(text: string): boolean {
  return ['', 'N/A', '[N/A]', '[Not Supported]'].includes(text);
}

function uuidIn(text: string): string | undefined {
  return /^(GPU|MIG)-[\w/-]{1,80}$/.test(text) ? text : undefined;
}

function whole(text: string): number | undefined {
  return /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}

function decimal(text: string): number | undefined {
  return /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Number(text) : undefined;
}
