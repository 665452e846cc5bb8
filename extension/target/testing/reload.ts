import type { ReloadRow } from '../reload.ts';

/** A save that runs without a restart; tests name what differs. */
export function reloadRow(change: Partial<ReloadRow> = {}): ReloadRow {
  return {
    at: 0,
    outcome: 'swapped',
    ms: 180,
    sentence: 'Swapped in 180 ms: Demo.main changed; model kept.',
    cause: '/work/app.py',
    reason: null,
    error: null,
    setupKept: true,
    certificate: null,
    audit: null,
    ...change,
  };
}
