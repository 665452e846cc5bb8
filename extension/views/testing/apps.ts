import type { Reason } from '../../target/live.ts';
import { appRow, liveWith, runnerRow } from '../../target/testing/live.ts';
import type { FoundApp } from '../code-rows.ts';
import { type AppsShown, toItems } from '../items.ts';
import type { Row } from '../row.ts';

export const now = 1_000_000_000;
export const revision = '11111111-aaaa';
export const app = appRow({ alias: 'hello', revision });
export const runner = runnerRow({ revision, since: now - 5_000, startedAt: now - 9_000 });
export const counts = { ...app.counts };
export const reason: Reason = {
  code: 'no_runner',
  numbers: {},
  since: now,
  until: null,
  evidence: null,
  action: null,
  also: null,
};
export const painter: FoundApp = {
  key: '/w/app.py::Painter',
  label: 'Painter',
  name: 'Painter',
  kind: 'app',
  appName: 'hello',
  path: '/w/app.py',
  file: 'app.py',
  line: 16,
  endpoints: [
    { kind: 'http', path: '/', line: 28 },
    { kind: 'http', path: '/slow', line: 34 },
  ],
};
export const upscale = { ...painter, key: '/w/up.py::Upscale', label: 'Upscale', name: 'Upscale', appName: 'upscale' };

export const items = (
  shown: Omit<AppsShown, 'snapshot'> & Parameters<typeof liveWith>[0],
  at = now,
): readonly Row[] => {
  const { found, broken, runs, cleared, clearedCounts, ...live } = shown;
  const rest = { found, broken, runs, cleared, clearedCounts };
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return toItems({ snapshot: { live: liveWith(live) }, ...given }, at);
};
