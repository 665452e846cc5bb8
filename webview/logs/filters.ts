import { type Filter, noFilter } from '../host.ts';

/** Whether a filter hides rows of apps. */
export function isFiltered(filter: Filter): boolean {
  return JSON.stringify({ ...filter, server: false }) !== JSON.stringify(noFilter);
}
