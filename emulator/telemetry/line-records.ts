import type { SQLOutputValue } from 'node:sqlite';
import { integer, text, textOrNull } from '../store/rows.ts';
import type { LinePlace } from '../wire/log-lines.ts';
import { isLogLevel } from './level.ts';
import type { LogLine } from './types.ts';

/**
 * A line as the table `lines` has it. A module of its own, because a thread that only reads needs nothing else.
 * @throws if a column has another type
 */
export function decodeLine(row: { readonly [column: string]: SQLOutputValue }): LogLine {
  const level = text(row, 'level');
  const source = text(row, 'source');
  const stream = row.stream;
  return {
    seq: integer(row, 'seq'),
    at: integer(row, 'at'),
    // Lines have no checksum: a flipped bit may spoil a text, but never the type.
    level: isLogLevel(level) ? level : 'INFO',
    source: source === 'BUILDER' || source === 'BRIDGE' ? source : 'USER',
    stream: stream === 'stdout' || stream === 'stderr' ? stream : null,
    message: text(row, 'message'),
    alias: text(row, 'alias'),
    revision: textOrNull(row, 'revision'),
    runnerId: textOrNull(row, 'runner_id'),
    requestId: textOrNull(row, 'request_id'),
    endpoint: textOrNull(row, 'endpoint'),
    ...(row.server === 1 ? { isServer: true } : {}),
    ...(typeof row.file === 'string' && typeof row.line === 'number' ? { place: placeOf(row.file, row.line) } : {}),
  };
}

/** The column `line`: negative if the line continues the one before it. */
export function storedLine({ line, continues }: LinePlace): number {
  return continues ? -line : line;
}

function placeOf(file: string, stored: number): LinePlace {
  return { file, line: Math.abs(stored), ...(stored < 0 ? { continues: true } : {}) };
}
