import { UserError } from '../../wire/errors.ts';
import { createPageThread, type PageThread } from '../pages/page-thread.ts';
import type { RowPage, RowQuery } from './types.ts';

/**
 * Reads pages of the log on a thread. A page may reject with UserError LOG_PATTERN_TOO_SLOW.
 * @param prepare called before a page is read: writes what waits in memory
 */
export function createRowReader(file: string, prepare: () => void): PageThread<RowQuery, RowPage> {
  return createPageThread({ file, program: program(), prepare, tooSlow });
}

function tooSlow({ regexp }: RowQuery): Error {
  if (regexp === undefined) return new Error('Reading the log took too long.');
  return new UserError(
    'LOG_PATTERN_TOO_SLOW',
    'The regular expression takes too long on a line of the log.',
    'Write it without a repetition inside of another one, such as `(a+)+`.',
  );
}

/** The source next to this one, or its bundle next to the command's. */
function program(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './log-rows.mjs', import.meta.url);
}
