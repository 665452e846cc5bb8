import type { LogLevel } from './types.ts';

/** In the order in which isolate looks for them (isolate/backends/settings.py). */
const names: readonly (readonly [name: string, level: LogLevel])[] = [
  ['error', 'ERROR'],
  ['warning', 'WARNING'],
  ['warn', 'WARNING'],
  ['info', 'INFO'],
  ['debug', 'DEBUG'],
  ['trace', 'TRACE'],
];
const byName = new Map(names);
const jsonFields = ['level', 'levelname', 'severity'];

/**
 * The level of a line that user code wrote (docs/platform/runner-process.md#logs): the level in a JSON object;
 * otherwise the level name at the start of the line or in brackets; otherwise the stream.
 *
 * differs: where isolate falls back to INFO for both streams, the documented STDOUT/STDERR is used
 * (docs/platform/logs.md#fields), which keeps the streams apart; the CLI prints both.
 */
export function inferLevel(text: string, stream: 'stdout' | 'stderr'): LogLevel {
  const structured = structuredLevel(text);
  if (structured) return structured;
  const line = text.toLowerCase();
  for (const [name, level] of names) if (line.startsWith(name) || line.includes(`[${name}]`)) return level;
  return stream === 'stdout' ? 'STDOUT' : 'STDERR';
}

function structuredLevel(text: string): LogLevel | undefined {
  const record = jsonObject(text);
  if (!record) return undefined;
  for (const field of jsonFields) {
    const value = record[field];
    const level = typeof value === 'string' ? byName.get(value.trim().toLowerCase()) : undefined;
    if (level) return level;
  }
  return undefined;
}

/**
 * The text inside the one-line object `{"traceback": …}` that the SDK prints for an unhandled error; `undefined` for
 * all other lines. Its parts are printed in reverse order (exception first), and the order is kept.
 */
export function tracebackIn(text: string): string | undefined {
  if (!text.includes('"traceback"')) return undefined;
  const traceback = jsonObject(text)?.traceback;
  return typeof traceback === 'string' ? traceback : undefined;
}

/**
 * For the minimum-level filter. STDOUT and STDERR count as INFO, which is how isolate infers them: a user who asks for
 * warnings doesn't want to see every print.
 */
export function severity(level: LogLevel): number {
  return severities[level];
}

const severities: { readonly [level in LogLevel]: number } = {
  TRACE: 0,
  DEBUG: 10,
  INFO: 20,
  STDOUT: 20,
  STDERR: 20,
  WARNING: 30,
  ERROR: 40,
};

export function isLogLevel(value: string): value is LogLevel {
  return value in severities;
}

function jsonObject(text: string): { readonly [key: string]: unknown } | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
