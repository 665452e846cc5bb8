import { createPageThread, type PageThread } from '../pages/page-thread.ts';
import type { Page, PageQuery } from './types.ts';

/**
 * Reads pages of the history of requests on a thread: a search looks at twenty thousand rows.
 * @param prepare called before a page is read: writes what waits in memory
 */
export function createPageReader(file: string, prepare: () => void): PageThread<PageQuery, Page> {
  const tooSlow = () => new Error('Reading the history of requests took too long.');
  return createPageThread({ file, program: program(), prepare, tooSlow });
}

/** The source next to this one, or its bundle next to the command's. */
function program(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './request-pages.mjs', import.meta.url);
}
